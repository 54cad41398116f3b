/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs DESTRUCTION_OPEN, DESTRUCTION_SHOW and DESTRUCTION_CERTIFY. The body of a request, which a
 * keeper MACs: u64 generation, u8 key id, 8 check value, u64 system identifier, u32 timeline, u32
 * length of the text, text.
 */
#ifndef JETON_WIRE_DESTRUCTION_H
#define JETON_WIRE_DESTRUCTION_H

#include "base/buf.h"
#include "model/backup.h"
#include "model/certificate.h"
#include "model/custodian.h"
#include "model/destruction.h"
#include "wire/generation.h"

#define JT_DESTRUCTION_BACKUPS_MAX 64  /* that a certificate names */
#define JT_DESTRUCTION_HELD_MAX    512 /* fields */
#define JT_DESTRUCTION_NODES_MAX   255

void jt_destruction_body_encode(const struct jt_destruction_request *request, struct jt_buf *out);
/* JT_ERR_PROTOCOL; leaves what follows unread, as all decoders of single objects. */
enum jt_err jt_destruction_body_decode(struct jt_reader *in,
                                       struct jt_destruction_request *request) JT_CHECKED;

/* With the MAC behind it. */
void jt_destruction_request_encode(const struct jt_destruction_request *request,
                                   struct jt_buf *out);
enum jt_err jt_destruction_request_decode(struct jt_reader *in,
                                          struct jt_destruction_request *request) JT_CHECKED;

/* A field whose ciphertext applications keep under the generation; times are empty: never. */
struct jt_destruction_held {
    char field[JT_FIELD_NAME_MAX + 1];
    char sealed_at[JT_TIME_LEN], opened_at[JT_TIME_LEN];
};

struct jt_destruction_open {
    struct jt_generation_row generation;
    struct jt_certificate certificate; /* of its retirement */
    uint64_t system_identifier;
    uint32_t timeline;
    size_t n_held;
    struct jt_destruction_held *held;
};
void jt_destruction_open_encode(const struct jt_destruction_open *open, struct jt_buf *out);
/* `held` has room for JT_DESTRUCTION_HELD_MAX. */
enum jt_err jt_destruction_open_decode(struct jt_reader *in, struct jt_destruction_held *held,
                                       struct jt_destruction_open *open) JT_CHECKED;

struct jt_destruction_show {
    struct jt_destruction_request request;
    struct jt_approvals approvals;
    char node[JT_NODE_NAME_MAX + 1];
    bool certified; /* the second certificate is there, and comes with it */
    struct jt_certificate certificate;
};
void jt_destruction_show_encode(const struct jt_destruction_show *show, struct jt_buf *out);
enum jt_err jt_destruction_show_decode(struct jt_reader *in,
                                       struct jt_destruction_show *show) JT_CHECKED;

struct jt_destruction_shown {
    uint8_t view; /* enum jt_destruction_view */
    uint8_t n_approved;
    uint64_t left_s;         /* of the grace */
    uint64_t n_tried;        /* envelopes that did not open, since the approval */
    struct jt_erased erased; /* where it is */
};
void jt_destruction_shown_encode(const struct jt_destruction_shown *shown, struct jt_buf *out);
enum jt_err jt_destruction_shown_decode(struct jt_reader *in,
                                        struct jt_destruction_shown *shown) JT_CHECKED;

struct jt_destruction_certify {
    struct jt_destruction_request request;
    struct jt_approvals approvals;
    size_t n;
    struct jt_erased nodes[JT_DESTRUCTION_NODES_MAX];
    /* by digest, those that still have the key: the ones opened last, and how many others */
    size_t n_backups;
    uint8_t backups[JT_DESTRUCTION_BACKUPS_MAX][JT_BACKUP_DIGEST_LEN];
    uint32_t n_more_backups;
    char requested_at[JT_TIME_LEN], destroyed_at[JT_TIME_LEN], certified_at[JT_TIME_LEN];
    char actor[JT_ACTOR_MAX + 1]; /* who asked for it */
};
void jt_destruction_certify_encode(const struct jt_destruction_certify *certify,
                                   struct jt_buf *out);
enum jt_err jt_destruction_certify_decode(struct jt_reader *in,
                                          struct jt_destruction_certify *certify) JT_CHECKED;

#endif
