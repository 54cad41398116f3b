/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ceremony as the command line holds it: who gets which share, and the record. cmd_ceremony.c has
 * it, and rotate.c what only `jeton ceremony rotate` does.
 */
#ifndef JETON_CLI_CEREMONY_H
#define JETON_CLI_CEREMONY_H

#include "options/conf.h"
#include "cli/unsealing.h"
#include "keyclient/custody.h"
#include "model/client.h"
#include "wire/rotation.h"

enum jt_ceremony_act { JT_CEREMONY_INIT, JT_CEREMONY_RESHARE, JT_CEREMONY_ROTATE };

struct jt_holding {
    const char *config;
    struct jt_conf conf;
    enum jt_ceremony_act act;
    long n, k; /* of shares; n 0: by a passphrase */
    const char *names, *to, *record, *phrase_file;
    const char *token, *token_key;     /* labels; NULL: not by a hardware token */
    struct jt_unsealing_files present; /* what opens the key that is there */
    char custodians[JT_CUSTODY_SHARES_MAX][JT_CLIENT_ID_MAX + 1];
    struct jt_keyclient *kc;
    struct jt_ceremony_made made;
    struct jt_pkcs11box box; /* of the hardware token */
    /* of a rotation */
    uint8_t before[JT_CHECK_VALUE_LEN]; /* of the master key that is rotated */
    const char *backup;                 /* the escrow file; NULL: none */
    bool no_backup, wrote_backup;
    const char *follow; /* the master key's file of another node; NULL: a new one is made */
    char backup_digest[2 * JT_ROTATION_DIGEST_LEN + 1];
};

/* JT_EXIT_FAILED, after a message. */
int jt_holding_complain(enum jt_err err);

/* Has the keeper make a key; hands the shares out. JT_EXIT_OK, or an exit code after a message. */
int jt_holding_order(struct jt_holding *c);
int jt_holding_hand_out(struct jt_holding *c);

/* Prints the record, and writes it to its file. */
int jt_holding_record(const struct jt_holding *c);

/*
 * The whole rotation, in the keeper that serves. JT_EXIT_OK, or an exit code after a message, which
 * says whether anything was changed.
 */
int jt_rotate(struct jt_holding *c);

#endif
