/*
 * The audit trail: who did what, when, where, to which cards, with what result. One row a request, in the transaction
 * of what it records (tokenize) or committed before the PANs leave (detokenize). Plain rows for now; chain and MAC come
 * by a later migration.
 */
#ifndef JETON_STORE_AUDIT_H
#define JETON_STORE_AUDIT_H

#include "store/db.h"

#include <stddef.h>

enum jt_audit_action {
    JT_AUDIT_TOKENIZE = 1,
    JT_AUDIT_DETOKENIZE,
    JT_AUDIT_FIELD_ADD,
    JT_AUDIT_CLIENT_ADD,
    JT_AUDIT_GENERATION_CREATE,
    JT_AUDIT_GENERATION_ACTIVATE,
    JT_AUDIT_RETIREMENT_START,
    JT_AUDIT_GENERATION_RETIRE,
};

struct jt_audit_row {
    enum jt_audit_action action;
    const char *client; /* client id */
    uint32_t field; /* 0: none */
    uint32_t n_items; /* asked for */
    uint32_t n_done; /* granted; for tokenize as many as were well-formed */
    const uint8_t *tokens; /* detokenize: the 16-byte tokens whose PANs leave, one after the other */
    size_t n_tokens;
    const char *object; /* name or number of what an administrative act touched; empty else */
};

/* Writes one administrative row by itself on a blocking connection, inside an open transaction if there is one. */
enum jt_err jt_audit_write(struct jt_db *db, const char *node, const struct jt_audit_row *row) JT_CHECKED;

#endif
