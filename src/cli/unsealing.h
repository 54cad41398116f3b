/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What opens a sealed master key, from people or from a hardware token: asked for at the terminal,
 * or read from files.
 */
#ifndef JETON_CLI_UNSEALING_H
#define JETON_CLI_UNSEALING_H

#include "keyclient/custody.h"

#include <stddef.h>

/* Gives it to the keeper: jt_keyclient_wait_unseal, or what a rotation has in its place. */
typedef enum jt_err jt_unsealing_give_fn(struct jt_keyclient *kc, void *arg,
                                         enum jt_unseal_kind kind, const char *text,
                                         struct jt_unsealed *out);

/* Files to read instead of asking: a passphrase's, or shares', whatever the master key takes. */
struct jt_unsealing_files {
    const char *phrase; /* NULL: none */
    const char *const *shares;
    size_t n_shares;
    jt_unsealing_give_fn *give; /* NULL: the keeper is sealed, and is to be unsealed */
    void *arg;
    bool next;      /* it is about the next master key, and people are told so */
    size_t *n_used; /* out: how many of the shares' files were read; NULL: it is not asked for */
};

/*
 * Asks the keeper what it waits for, and for that until it is there. A keeper that is not sealed is
 * done at once. Shares that are refused are asked for again at a terminal. `config` is
 * the file that names the module of a hardware token. JT_EXIT_OK, or an exit
 * code after a message. With `files` NULL, for a command that goes on with the keeper itself, it is
 * left to that to tell why a keeper cannot be reached.
 */
int jt_unseal_by_people(struct jt_keyclient *kc, const char *config,
                        const struct jt_unsealing_files *files);

#endif
