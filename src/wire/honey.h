/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs HONEY_ACCEPT, HONEY_CHANGE and HONEY_LIST: marked cards that nobody has a reason to read
 * (keeper/honey.h). The set of marks crosses the wire sealed, as it lies in the database; only a
 * keeper can open or make it.
 */
#ifndef JETON_WIRE_HONEY_H
#define JETON_WIRE_HONEY_H

#include "model/honey.h"
#include "wire/client.h"

void jt_honey_sealed_encode(const struct jt_honey_sealed *sealed, struct jt_buf *out);
/* leaves what follows unread */
enum jt_err jt_honey_sealed_decode(struct jt_reader *in, struct jt_honey_sealed *sealed) JT_CHECKED;

/* What a keeper thinks of the set that it was shown. */
enum jt_honey_verdict {
    JT_HONEY_SAME = 1, /* the one that it has */
    JT_HONEY_NEWER,    /* made after the one it had: it goes on with it */
    JT_HONEY_OLDER,    /* made before, or gone: the keeper's own is to be put back */
    JT_HONEY_FOREIGN,  /* nobody's: the same */
};

struct jt_honey_accepted {
    uint8_t verdict;            /* enum jt_honey_verdict */
    struct jt_honey_sealed own; /* what it has now */
};

void jt_honey_accepted_encode(const struct jt_honey_accepted *accepted, struct jt_buf *out);
enum jt_err jt_honey_accepted_decode(struct jt_reader *in,
                                     struct jt_honey_accepted *accepted) JT_CHECKED;

enum jt_honey_act { JT_HONEY_ADD = 1, JT_HONEY_REMOVE = 2, JT_HONEY_LIST = 3 };

/* An operator's order, who proves to be one. Holds a secret: wiped by whoever decoded it. */
struct jt_honey_order {
    struct jt_client_row who;
    uint8_t secret[JT_CLIENT_SECRET_LEN];
    uint8_t act; /* HONEY_CHANGE only: add or remove */
    uint32_t field;
    uint8_t token[JT_TOKEN_LEN];
};

/* With act, field and token for HONEY_CHANGE; without for HONEY_LIST. */
void jt_honey_change_encode(const struct jt_honey_order *order, struct jt_buf *out);
enum jt_err jt_honey_change_decode(struct jt_reader *in, struct jt_honey_order *order) JT_CHECKED;
void jt_honey_list_encode(const struct jt_honey_order *order, struct jt_buf *out);
enum jt_err jt_honey_list_decode(struct jt_reader *in, struct jt_honey_order *order) JT_CHECKED;

struct jt_honey_tokens {
    uint16_t n;
    struct {
        uint32_t field;
        uint8_t token[JT_TOKEN_LEN];
    } marks[JT_HONEY_MAX];
};

void jt_honey_tokens_encode(const struct jt_honey_tokens *tokens, struct jt_buf *out);
/* leaves what follows unread */
enum jt_err jt_honey_tokens_decode(struct jt_reader *in, struct jt_honey_tokens *tokens) JT_CHECKED;

#endif
