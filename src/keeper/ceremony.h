/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ceremony: a master key is made, or one that is open is sealed in another way, in a keeper that
 * was started for that alone; or a keeper that serves goes over to a new one (keeper/rewrap.h).
 * Nothing is on disk before the end, and the end comes only when each
 * share was typed back: what a custodian cannot read is found out while it can still be made again.
 */
#ifndef JETON_KEEPER_CEREMONY_H
#define JETON_KEEPER_CEREMONY_H

#include "crypto/digest.h"
#include "keeper/unsealing.h"
#include "wire/custody.h"

enum jt_ceremony_escrow { JT_CEREMONY_NO_ESCROW, JT_CEREMONY_ESCROW_MADE, JT_CEREMONY_ESCROW_GOOD };

/* Of a rotation: keeper/rewrap.h. */
struct jt_ceremony_rotation {
    bool under_way;
    uint64_t owner; /* the connection that began it: nobody else takes part */
    int64_t begun_ms;
    int64_t proved_ms;         /* what opens the present key was given; 0: it was not */
    struct jt_unsealing *next; /* the master key of another node that it goes to; NULL: a new one */
    enum jt_ceremony_escrow escrow;
    uint8_t escrow_keys[JT_SHA256_LEN]; /* of the keys that were held when it was verified */
};

/* Lives in secret memory. */
struct jt_ceremony {
    bool has_key;  /* the key is there: made in this ceremony, or opened before it */
    bool is_first; /* the key was made in this ceremony */
    bool is_made;  /* `file` and `shares` are there */
    uint8_t key[JT_MASTER_KEY_LEN];
    struct jt_masterfile file;
    struct jt_share shares[JT_SHARES_MAX];
    bool proved[JT_SHARES_MAX]; /* typed back */
    struct jt_ceremony_rotation rotation;
};

enum jt_err jt_ceremony_new(struct jt_ceremony **out) JT_CHECKED;
/* NULL is accepted, by the next one too. */
void jt_ceremony_free(struct jt_ceremony *c);
void jt_ceremony_forget(struct jt_ceremony *c);

/* The key that is to be sealed anew was opened. */
void jt_ceremony_opened(struct jt_ceremony *c, const uint8_t key[static JT_MASTER_KEY_LEN]);

/*
 * Makes a key, unless one was opened, and its file in memory. JT_ERR_INVALID for a passphrase of a
 * length that none has, or what is no secret of a token; JT_ERR_LIMIT for shares that cannot be.
 */
enum jt_err jt_ceremony_make(struct jt_ceremony *c, bool development,
                             const struct jt_ceremony_order *order) JT_CHECKED;

/* The share of a place, from 1 on. JT_ERR_NO_CEREMONY where there is none. */
enum jt_err jt_ceremony_share(const struct jt_ceremony *c, size_t place,
                              char out[static JT_SHARE_TEXT_MAX + 1]) JT_CHECKED;

/* It was typed back. JT_ERR_SHARE_OTHER, JT_ERR_NOT_SHARE, JT_ERR_NO_CEREMONY. */
enum jt_err jt_ceremony_prove(struct jt_ceremony *c, size_t place, const char *typed) JT_CHECKED;

/* The bytes of the file that was made. JT_ERR_NO_CEREMONY before each share was typed back. */
enum jt_err jt_ceremony_file(const struct jt_ceremony *c, struct jt_buf *out) JT_CHECKED;

/*
 * Puts the file in its place, durably. JT_ERR_NO_CEREMONY before each share was typed back;
 * JT_ERR_IO.
 */
enum jt_err jt_ceremony_end(struct jt_ceremony *c, int dir_fd) JT_CHECKED;

#endif
