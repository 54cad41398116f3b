/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the texts of certificates have in common: they are written by keepers alone, from facts that
 * cannot forge a line, and signed under the service root.
 */
#ifndef JETON_KEEPER_CERTTEXT_H
#define JETON_KEEPER_CERTTEXT_H

#include "keeper/keeper.h"
#include "model/certificate.h"

#define JT_CERTTEXT_RETIREMENT  "jeton retirement certificate v1"
#define JT_CERTTEXT_DESTRUCTION "jeton destruction certificate v1"

/* Printable ASCII only, and something: no fact can forge a line. */
bool jt_certtext_fact_good(const char *text);

/* Appends to a text of at most `max` characters; once it did not fit, *len is beyond `max`. */
void jt_certtext_add(char *text, size_t max, size_t *len, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The value of a line, and how long it is; "-" where there is none. */
int jt_certtext_value(const struct jt_certificate *c, const char *name, const char **value);

/* Signs the text that is there. */
enum jt_err jt_certtext_sign(const struct jt_keeper *k, struct jt_certificate *c) JT_CHECKED;

/*
 * Whether a keeper of this service has signed it, of that kind and for that very key.
 * JT_ERR_CRYPTO: it could not be looked at, which says nothing of it.
 */
enum jt_err jt_certtext_check(const struct jt_keeper *k, const char *kind, uint64_t generation,
                              uint8_t key_id, const uint8_t check_value[static JT_CHECK_VALUE_LEN],
                              const struct jt_certificate *certificate, bool *good) JT_CHECKED;

/* The first lines of a certificate of that kind; how many characters. */
#define JT_CERTTEXT_HEAD_MAX 256
size_t jt_certtext_head(const struct jt_keeper *k, const char *kind, uint64_t generation,
                        uint8_t key_id, const uint8_t check_value[static JT_CHECK_VALUE_LEN],
                        char out[static JT_CERTTEXT_HEAD_MAX]);

#endif
