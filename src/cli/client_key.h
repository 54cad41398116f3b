/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about clients share: paths, and keys on their way into a file. */
#ifndef JETON_CLI_CLIENT_KEY_H
#define JETON_CLI_CLIENT_KEY_H

#include "cli/options.h"
#include "cli/rest.h"
#include "model/client.h"

#define JT_CLIENT_PATH_MAX (64 + JT_CLIENT_ID_MAX)

/* The path of a client, with `tail` behind it. JT_EXIT_OK, or JT_EXIT_USAGE after a message. */
int jt_client_path(const struct jt_command *self, const char *name, const char *tail,
                   char out[static JT_CLIENT_PATH_MAX]);

/*
 * POSTs a request whose answer holds an API key, which goes to the new file `key_path`: reserved
 * before the server is asked. JT_EXIT_OK, and the caller clears *out; or an exit code after a
 * message.
 */
int jt_client_key_fetch(const struct jt_cli *cli, const char *path, json_t *body,
                        const char *key_path, struct jt_answer *out);

#endif
