/* SPDX-License-Identifier: Apache-2.0 */
#include "keyclient/nodes.h"

#include <string.h>

enum jt_err jt_keyclient_wait_node_row(struct jt_keyclient *kc, const struct jt_node_spec *spec,
                                       struct jt_node_row *out)
{
    return jt_keyclient_call(kc, JT_VERB_NODE_ROW, jt_node_spec_encode, spec, jt_node_row_decode,
                             out);
}

/* For the two verbs whose replies are verdicts, after their request was encoded. */
static enum jt_err answer(struct jt_keyclient *kc, size_t n, enum jt_err *out)
{
    struct jt_reader payload;
    memset(out, 0, n * sizeof *out);
    enum jt_err err = jt_keyclient_exchange(kc, &payload);
    return err == JT_OK ? jt_keyclient_decoded(kc, jt_verdicts_decode(&payload, n, out), &payload)
                        : err;
}

enum jt_err jt_keyclient_wait_node_marks(struct jt_keyclient *kc, const struct jt_node_row *rows,
                                         size_t n, enum jt_err *verdicts)
{
    jt_node_marks_encode(rows, n, jt_keyclient_begin(kc, JT_VERB_NODE_MARKS));
    return answer(kc, n, verdicts);
}

enum jt_err jt_keyclient_wait_generation_held(struct jt_keyclient *kc,
                                              const struct jt_generation_row *rows, size_t n,
                                              enum jt_err *verdicts)
{
    jt_generation_held_encode(rows, n, jt_keyclient_begin(kc, JT_VERB_GENERATION_HELD));
    return answer(kc, n, verdicts);
}

enum jt_err jt_keyclient_wait_ack_challenge(struct jt_keyclient *kc,
                                            const struct jt_generation_row *generation,
                                            uint8_t challenge[static JT_CHALLENGE_LEN])
{
    struct jt_ack_challenge fresh;
    enum jt_err err = jt_keyclient_call(kc, JT_VERB_ACK_CHALLENGE, jt_ack_challenge_request_encode,
                                        generation, jt_ack_challenge_decode, &fresh);
    memcpy(challenge, fresh.bytes, JT_CHALLENGE_LEN);
    return err;
}

enum jt_err jt_keyclient_wait_parcel_ask(struct jt_keyclient *kc, const char *node,
                                         const struct jt_generation_row *generation,
                                         struct jt_parcel_request *out)
{
    struct jt_parcel_ask ask = { .node = "" };
    size_t len = strlen(node);
    *out = (struct jt_parcel_request){ 0 };
    if (len > JT_NODE_NAME_MAX) {
        return JT_ERR_INVALID;
    }
    memcpy(ask.node, node, len);
    if (generation != NULL) {
        ask.generation = *generation;
    }
    return jt_keyclient_call(kc, JT_VERB_PARCEL_ASK, jt_parcel_ask_encode, &ask,
                             jt_parcel_request_decode, out);
}

enum jt_err jt_keyclient_wait_parcel_answer(struct jt_keyclient *kc,
                                            const struct jt_parcel_request *request,
                                            const struct jt_generation_row *generation,
                                            struct jt_parcel *out)
{
    struct jt_parcel_order order = { .request = *request };
    if (generation != NULL) {
        order.generation = *generation;
    }
    return jt_keyclient_call(kc, JT_VERB_PARCEL_ANSWER, jt_parcel_order_encode, &order,
                             jt_parcel_decode, out);
}

enum jt_err jt_keyclient_wait_parcel_accept(struct jt_keyclient *kc,
                                            const struct jt_generation_row *generation,
                                            const struct jt_parcel *parcel)
{
    const struct jt_parcel_delivery delivery = { .generation = *generation, .parcel = *parcel };
    jt_parcel_delivery_encode(&delivery, jt_keyclient_begin(kc, JT_VERB_PARCEL_ACCEPT));
    return jt_keyclient_answer_nothing(kc);
}

enum jt_err jt_keyclient_wait_root_accept(struct jt_keyclient *kc, const struct jt_ring_row *ring,
                                          const struct jt_parcel *parcel)
{
    const struct jt_parcel_delivery delivery = { .ring = *ring, .parcel = *parcel };
    jt_parcel_delivery_encode(&delivery, jt_keyclient_begin(kc, JT_VERB_PARCEL_ACCEPT));
    return jt_keyclient_answer_nothing(kc);
}

enum jt_err jt_keyclient_wait_escrow_make(struct jt_keyclient *kc, struct jt_escrow_file *out)
{
    (void)jt_keyclient_begin(kc, JT_VERB_ESCROW_MAKE);
    return jt_keyclient_answer(kc, jt_escrow_file_decode, out);
}

enum jt_err jt_keyclient_wait_escrow_check(struct jt_keyclient *kc,
                                           const struct jt_escrow_file *file,
                                           struct jt_escrow_report *out)
{
    return jt_keyclient_call(kc, JT_VERB_ESCROW_CHECK, jt_escrow_file_encode, file,
                             jt_escrow_report_decode, out);
}

enum jt_err jt_keyclient_wait_escrow_receipt(struct jt_keyclient *kc,
                                             const struct jt_escrow_file *file,
                                             struct jt_backup_receipt *out)
{
    return jt_keyclient_call(kc, JT_VERB_ESCROW_RECEIPT, jt_escrow_file_encode, file,
                             jt_backup_receipt_decode, out);
}

enum jt_err jt_keyclient_wait_backup_check(struct jt_keyclient *kc,
                                           const struct jt_backup_receipt *receipt,
                                           struct jt_backup *backup)
{
    jt_backup_receipt_encode(receipt, jt_keyclient_begin(kc, JT_VERB_BACKUP_CHECK));
    enum jt_err err = jt_keyclient_answer_nothing(kc);
    return err == JT_OK ? jt_backup_receipt_read(receipt, backup) : err;
}

enum jt_err jt_keyclient_wait_escrow_restore(struct jt_keyclient *kc,
                                             const struct jt_escrow_file *file)
{
    jt_escrow_file_encode(file, jt_keyclient_begin(kc, JT_VERB_ESCROW_RESTORE));
    return jt_keyclient_answer_nothing(kc);
}
