/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file: one INI file that every Jeton process on a machine reads.
 *
 * All options stand in one table (conf.c): section, name, kind, bounds, default and the sentence
 * that documents it. Unknown sections, unknown or repeated names and values out of bounds are
 * errors that name the line, so that a misspelt option never silently keeps its default. The file
 * holds no secret: keys and credentials have files of their own.
 *
 * The syntax is libinih's: a line that starts with # or ; is a comment, and so is what follows a
 * space and a semicolon. A line that continues another, or is longer than libinih can hold, is an
 * error.
 */
#ifndef JETON_BASE_CONF_H
#define JETON_BASE_CONF_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct jt_conf {
    char *environment; /* "development" or "production" */
    char *keeper_directory;
    char *keeper_socket;
    /* user name or number allowed to connect; empty: the keeper's own user */
    char *keeper_front_user;
    char *front_node;
    char *front_listen; /* numeric loopback address until TLS is built */
    char *front_port_file;
    long front_port;            /* 0: the kernel picks one; see port_file */
    char *front_hosts;          /* permitted host names, comma-separated; empty: all */
    long front_max_connections; /* of all clients; 0: as many as descriptors allow */
    long front_per_address;     /* connections of one address */
    long front_loops;           /* 0: one for each processor */
    long front_max_body;        /* bytes */
    long front_max_items;
    char *database_conninfo;
    long retirement_rate;  /* rows a second; 0: as fast as it goes */
    long retirement_batch; /* rows a transaction */
};

/*
 * Reads `path` over the defaults. On failure `message` (of `message_len` bytes) holds one line for
 * the operator that names file, line and option; *conf is cleared. JT_ERR_NOT_FOUND (it cannot be
 * opened), JT_ERR_INVALID, JT_ERR_NOMEM. On success the caller ends with jt_conf_clear.
 */
enum jt_err jt_conf_load(const char *path, struct jt_conf *conf, char *message,
                         size_t message_len) JT_CHECKED;

void jt_conf_clear(struct jt_conf *conf);

bool jt_conf_is_development(const struct jt_conf *conf);

/*
 * Writes the whole table as a commented sample file: how docs and `jeton init` stay in step with
 * the code.
 */
void jt_conf_write_sample(FILE *out);

#endif
