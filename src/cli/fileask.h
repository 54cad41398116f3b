/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file job was asked for: the options of tokenize, detokenize and mask, read and checked,
 * and how they stand in its checkpoint.
 */
#ifndef JETON_CLI_FILEASK_H
#define JETON_CLI_FILEASK_H

#include "cli/options.h"
#include "cli/portion.h"

#define JT_MAX_FILE_ARGUMENTS 8

struct jt_fileask {
    struct jt_direction direction;
    const char *in, *out, *rejects, *report, *checkpoint;
    char *made[3]; /* names that are made of the output's; freed by jt_fileask_clear */
    struct jt_format_spec format;
    struct jt_place_spec places[JT_RECORD_MAX_VALUES];
    uint8_t field_of_place[JT_RECORD_MAX_VALUES];
    char *wheres[JT_RECORD_MAX_VALUES];
    const char *fields[JT_RECORD_MAX_VALUES];
    size_t n_fields;
    bool blank_passes, tokens_pass;
    bool restart, discard, accept_duplicates, progress, quiet;
    long batch, connections, every;
    uint64_t max_rejects;    /* UINT64_MAX: any number */
    double max_reject_ratio; /* above 1: any */
    const char *expires_at;

    /* as they were given */
    struct jt_words given_fields, columns, when, dd;
    const char *format_name, *recfm_name, *blank, *tokens, *from, *max_rejects_text;
    const char *delimiter, *codepage, *copybook;
    bool no_header;
    long lrecl;
};

/* JT_GO_ON, or the exit code to end with. Pair with jt_fileask_clear in any case. */
int jt_fileask_parse(struct jt_fileask *ask, const struct jt_command *self, struct jt_cli *cli,
                     int argc, char **argv);
void jt_fileask_clear(struct jt_fileask *ask);

/* Whether one of the files would be written over another; says so. JT_JOB_CLEAN: none would. */
int jt_fileask_collide(const struct jt_fileask *ask);

/* Appends it as lines of a checkpoint: all that decides what bytes the outputs have. */
void jt_fileask_parameters(const struct jt_fileask *ask, const struct jt_format *format,
                           struct jt_buf *out);

#endif
