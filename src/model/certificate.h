/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a generation's retirement, and the certificate that a keeper signs of it. The
 * text is lines of "name: value", for people and programs alike.
 */
#ifndef JETON_MODEL_CERTIFICATE_H
#define JETON_MODEL_CERTIFICATE_H

#include "model/sizes.h"

#include <stddef.h>
#include <stdint.h>

#define JT_CERTIFICATE_TEXT_MAX       65000 /* of a destruction on many nodes, with many fields */
#define JT_CERTIFICATE_SIGNATURE_LEN  64
#define JT_CERTIFICATE_PUBLIC_KEY_LEN 32

struct jt_retirement_facts {
    uint64_t generation;
    uint64_t rows_written;     /* cards first sealed under it */
    uint64_t rows_moved_in;    /* cards re-encrypted into it */
    uint64_t rows_moved_out;   /* cards re-encrypted out of it */
    uint64_t rows_deleted;     /* cards deleted while they stood under it */
    uint64_t rows_written_off; /* of those that nobody could open: now in quarantine */
    uint64_t rows_left;        /* counted by the index at retirement: 0 */
    uint64_t lsn;              /* WAL position of the proof */
    uint32_t timeline;
    uint64_t system_identifier;                            /* of the database cluster */
    uint64_t epoch;                                        /* of the ring after the retirement */
    char started_at[JT_TIME_LEN], retired_at[JT_TIME_LEN]; /* RFC 3339 UTC, database clock */
    char node[JT_NODE_NAME_MAX + 1];
    char actor[JT_ACTOR_MAX + 1]; /* client id that asked for the retirement */
};

struct jt_certificate {
    size_t text_len;
    char text[JT_CERTIFICATE_TEXT_MAX + 1];
    uint8_t signature[JT_CERTIFICATE_SIGNATURE_LEN]; /* Ed25519 over the text */
    uint8_t public_key[JT_CERTIFICATE_PUBLIC_KEY_LEN];
};

#endif
