/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs PARCEL_ASK, PARCEL_ANSWER and PARCEL_ACCEPT (model/parcel.h). The encoded request and the
 * encoded parcel are also what stands in the database while a key is on its way: each encodes to
 * its bytes in one way only, and a whole one decodes with jt_wire_end behind it.
 */
#ifndef JETON_WIRE_PARCEL_H
#define JETON_WIRE_PARCEL_H

#include "base/buf.h"
#include "model/generation.h"
#include "model/parcel.h"
#include "model/ring.h"

/* The longest request, and the length of every parcel, as they stand in messages. */
#define JT_PARCEL_REQUEST_MAX                                                         \
    (1 + 1 + 1 + JT_NODE_NAME_MAX + JT_INCARNATION_LEN + 8 + 2 * JT_CHECK_VALUE_LEN + \
     JT_CHALLENGE_LEN + JT_PARCEL_PUBLIC_LEN + JT_ROW_MAC_LEN)
#define JT_PARCEL_HEAD_LEN (1 + 1 + 8 + 1 + JT_CHECK_VALUE_LEN + 8)
#define JT_PARCEL_LEN      (JT_PARCEL_HEAD_LEN + JT_PARCEL_PUBLIC_LEN + JT_PARCEL_SEALED_LEN)

/* Everything of a request but its MAC: what it is computed over. */
void jt_parcel_request_body_encode(const struct jt_parcel_request *request, struct jt_buf *out);
/* What of a parcel stands before the public key: what the key is sealed with. */
void jt_parcel_head_encode(const struct jt_parcel *parcel, struct jt_buf *out);

/* Objects: decoding leaves what follows unread. */
void jt_parcel_request_encode(const struct jt_parcel_request *request, struct jt_buf *out);
enum jt_err jt_parcel_request_decode(struct jt_reader *in,
                                     struct jt_parcel_request *request) JT_CHECKED;
void jt_parcel_encode(const struct jt_parcel *parcel, struct jt_buf *out);
enum jt_err jt_parcel_decode(struct jt_reader *in, struct jt_parcel *parcel) JT_CHECKED;

/* What is asked for: a generation by its row, or the service root (generation.number 0). */
struct jt_parcel_ask {
    char node[JT_NODE_NAME_MAX + 1];
    struct jt_generation_row generation;
};

/* A request with the row of the generation that it names; no row for the service root. */
struct jt_parcel_order {
    struct jt_parcel_request request;
    struct jt_generation_row generation;
};

/*
 * A parcel with the row of its generation; or for the service root (generation.number 0) with the
 * ring row, which names it.
 */
struct jt_parcel_delivery {
    struct jt_generation_row generation;
    struct jt_ring_row ring;
    struct jt_parcel parcel;
};

void jt_parcel_ask_encode(const struct jt_parcel_ask *ask, struct jt_buf *out);
enum jt_err jt_parcel_ask_decode(struct jt_reader *in, struct jt_parcel_ask *ask) JT_CHECKED;
void jt_parcel_order_encode(const struct jt_parcel_order *order, struct jt_buf *out);
enum jt_err jt_parcel_order_decode(struct jt_reader *in, struct jt_parcel_order *order) JT_CHECKED;
void jt_parcel_delivery_encode(const struct jt_parcel_delivery *delivery, struct jt_buf *out);
enum jt_err jt_parcel_delivery_decode(struct jt_reader *in,
                                      struct jt_parcel_delivery *delivery) JT_CHECKED;

#endif
