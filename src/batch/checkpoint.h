/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checkpoint of a job: how far it is, in a file of its own, so that it can go on from there
 * after whatever ended it. docs/jobs.md has its lines.
 *
 * Text, a line for each thing, which an operator may read; the last is a digest of all before. It
 * is replaced in one step (base/file.h), after the outputs that it tells of were synced. It holds
 * no card numbers, and no digest of any (batch/prefix.h).
 *
 * How the job was asked for stands in it as lines too, so that one that is asked for otherwise is
 * refused with the name of what differs.
 */
#ifndef JETON_BATCH_CHECKPOINT_H
#define JETON_BATCH_CHECKPOINT_H

#include "base/buf.h"
#include "batch/prefix.h"
#include "batch/tally.h"

#define JT_JOB_ID_LEN     32 /* letters */
#define JT_CHECKPOINT_MAX (1u << 20)
#define JT_CHECKPOINT_LOG 40 /* the latest ones that a report lists */

struct jt_checkpoint_note {
    uint64_t at_s, n_records, out_len;
    bool restart; /* the job was begun anew here */
};

struct jt_checkpoint {
    char job[JT_JOB_ID_LEN + 1]; /* 128 random bits, in letters: it goes into Idempotency-Keys */
    bool complete; /* all is written, and the outputs are on their way to their names */
    uint64_t began_s, written_s; /* seconds since 1970 */
    /* Before it nothing was asked of the service that is not in the outputs. */
    uint64_t unsettled_s;
    uint64_t ahead;      /* records behind the checkpoint that may have been asked for since */
    uint64_t elapsed_ms; /* that was worked, over all restarts */
    uint64_t input_end;  /* bytes of the input */
    uint64_t n_portions, n_retries, n_checkpoints, n_restarts;
    /* Records that may have been asked for twice, and are told as known the second time. */
    uint64_t n_doubtful;
    uint8_t input_digest[JT_SHA256_LEN];
    uint64_t out_len, rejects_len;
    struct jt_tally tally;
    struct jt_checkpoint_note log[JT_CHECKPOINT_LOG]; /* a ring: the last is n_notes - 1 */
    uint64_t n_notes;
};

void jt_checkpoint_begin(struct jt_checkpoint *c, uint64_t now_s);

/* Adds to the log. */
void jt_checkpoint_note(struct jt_checkpoint *c, bool restart, uint64_t now_s);

/* Appends how the job was asked for: one line. The value may be any text; NULL: nothing is added.
 */
void jt_parameter_put(struct jt_buf *parameters, const char *name, const char *value);

/* Appends the checkpoint's lines. `parameters` as above. */
enum jt_err jt_checkpoint_encode(const struct jt_checkpoint *c, const struct jt_buf *parameters,
                                 struct jt_buf *out) JT_CHECKED;

/*
 * Reads it. The parameters' lines are appended to `parameters`. JT_ERR_INVALID for anything that
 * jt_checkpoint_encode does not write, or did not in the version before.
 */
enum jt_err jt_checkpoint_decode(const void *data, size_t len, struct jt_checkpoint *out,
                                 struct jt_buf *parameters) JT_CHECKED;

/*
 * The name of the first parameter in which two jobs differ, as text in `name`; false: they are the
 * same.
 */
bool jt_parameters_differ(const struct jt_buf *a, const struct jt_buf *b, char *name,
                          size_t name_len);

/*
 * The key for a portion's request of one field: letters only, since digits in a row could look like
 * a card number. A request that asks which cards are new is another one (`news`), whose key is too.
 */
#define JT_JOB_KEY_LEN 64
void jt_checkpoint_key(const struct jt_checkpoint *c, uint64_t portion, size_t field, bool news,
                       char out[static JT_JOB_KEY_LEN + 1]);

#endif
