/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb CERTIFY: the signed certificate of a retirement. The keeper writes the text itself from the
 * facts and its own ring (number, check value), so that its signature never stands under words it
 * did not choose. The text is lines of "name: value", for people and programs alike.
 */
#ifndef JETON_WIRE_CERTIFICATE_H
#define JETON_WIRE_CERTIFICATE_H

#include "base/buf.h"
#include "wire/limits.h"

#define JT_CERTIFICATE_TEXT_MAX       2000
#define JT_CERTIFICATE_SIGNATURE_LEN  64
#define JT_CERTIFICATE_PUBLIC_KEY_LEN 32

struct jt_retirement_facts {
    uint64_t generation;
    uint64_t rows_written;   /* cards first sealed under it */
    uint64_t rows_moved_in;  /* cards re-encrypted into it */
    uint64_t rows_moved_out; /* cards re-encrypted out of it */
    uint64_t rows_left;      /* counted by the index at retirement: 0 */
    uint64_t lsn;            /* WAL position of the proof */
    uint32_t timeline;
    uint64_t system_identifier;          /* of the database cluster */
    uint64_t epoch;                      /* of the ring after the retirement */
    char started_at[32], retired_at[32]; /* RFC 3339 UTC, database clock */
    char node[JT_NODE_NAME_MAX + 1];
    char actor[JT_ACTOR_MAX + 1]; /* client id that asked for the retirement */
};

struct jt_certificate {
    size_t text_len;
    char text[JT_CERTIFICATE_TEXT_MAX + 1];
    uint8_t signature[JT_CERTIFICATE_SIGNATURE_LEN]; /* Ed25519 over the text */
    uint8_t public_key[JT_CERTIFICATE_PUBLIC_KEY_LEN];
};

/* Decoders leave what follows unread. */
void jt_retirement_facts_encode(const struct jt_retirement_facts *facts, struct jt_buf *out);
enum jt_err jt_retirement_facts_decode(struct jt_reader *in,
                                       struct jt_retirement_facts *facts) JT_CHECKED;
void jt_certificate_encode(const struct jt_certificate *certificate, struct jt_buf *out);
enum jt_err jt_certificate_decode(struct jt_reader *in,
                                  struct jt_certificate *certificate) JT_CHECKED;

#endif
