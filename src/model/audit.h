/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chains of the audit trail (docs/data-format.md, "The audit trail"): what a keeper vouches
 * for. A start is the opening of all chains of one run of a front; a link stands for the rows of
 * one transaction.
 */
#ifndef JETON_MODEL_AUDIT_H
#define JETON_MODEL_AUDIT_H

#include "model/sizes.h"

#include <stddef.h>
#include <stdint.h>

#define JT_AUDIT_ENDS_MAX 1024 /* connections of one start */

/* A link of the chain (start, connection), without its head. */
struct jt_audit_link {
    uint32_t start;
    uint16_t connection;
    uint64_t number; /* from 1 on */
    uint8_t
        previous[JT_ROW_MAC_LEN]; /* head of the link before it; of the first: the start's MAC */
    uint8_t digest[JT_AUDIT_DIGEST_LEN]; /* of the rows */
};

/* The last link of a chain that has one. */
struct jt_audit_end {
    uint16_t connection;
    uint64_t number;
    uint8_t head[JT_ROW_MAC_LEN];
};

struct jt_audit_start {
    uint32_t id; /* 1 to 2^31 - 1, random */
    char node[JT_NODE_NAME_MAX + 1];
    uint8_t incarnation[JT_INCARNATION_LEN];
    uint64_t at_us;       /* since 1970, by the front's clock */
    uint32_t predecessor; /* the start before it of that node; 0: none is known */
    /* where the chains of the predecessor ended, by connection */
    struct jt_audit_end *ends;
    size_t n_ends;
    uint8_t mac[JT_ROW_MAC_LEN];
};

/* Where a chain stood at the end of a partition that is dropped. */
struct jt_audit_close {
    uint32_t start;
    uint16_t connection;
    uint64_t number;
    uint8_t head[JT_ROW_MAC_LEN];
    uint64_t before_us; /* the end of that partition, since 1970 */
    uint8_t mac[JT_ROW_MAC_LEN];
};

/* The bytes of an end, in a start's row and in what its MAC is over. */
#define JT_AUDIT_END_LEN (2 + 8 + JT_ROW_MAC_LEN)
void jt_audit_end_pack(const struct jt_audit_end *end, uint8_t out[static JT_AUDIT_END_LEN]);
void jt_audit_end_unpack(const uint8_t in[static JT_AUDIT_END_LEN], struct jt_audit_end *end);

#endif
