/* SPDX-License-Identifier: Apache-2.0 */
/* The synchronous stubs: how each verb is asked and answered. */
#include "keyclient/internal.h"

#include <stdlib.h>
#include <string.h>

enum jt_err jt_keyclient_wait_status(struct jt_keyclient *kc, struct jt_keeper_status *out)
{
    (void)jt_keyclient_begin(kc, JT_VERB_STATUS);
    return jt_keyclient_answer(kc, jt_keeper_status_decode, out);
}

/* Room for the results of a batch verb, in place of the last one's. */
static enum jt_err make_room(struct jt_keyclient *kc, size_t n, size_t result_size)
{
    free(kc->results);
    kc->results = NULL;
    if (n > JT_WIRE_MAX_ITEMS) {
        return JT_ERR_LIMIT;
    }
    kc->results = calloc(n > 0 ? n : 1, result_size);
    return kc->results != NULL ? JT_OK : JT_ERR_NOMEM;
}

/* A list of items goes, and a list of as many results comes back. */
#define WAIT_LIST(kc, verb, encode, items, n, decode, out)                               \
    ({                                                                                   \
        struct jt_reader payload_;                                                       \
        enum jt_err err_ = make_room((kc), (n), sizeof *(out)->results);                 \
        *(out) = (__typeof__(*(out))){ .results = (kc)->results };                       \
        if (err_ == JT_OK) {                                                             \
            encode((items), (n), jt_keyclient_begin((kc), (verb)));                      \
            err_ = jt_keyclient_exchange((kc), &payload_);                               \
        }                                                                                \
        if (err_ == JT_OK) {                                                             \
            err_ = jt_keyclient_decoded((kc), decode(&payload_, (n), (out)), &payload_); \
        }                                                                                \
        if (err_ != JT_OK) {                                                             \
            *(out) = (__typeof__(*(out))){ 0 };                                          \
        }                                                                                \
        err_;                                                                            \
    })

enum jt_err jt_keyclient_wait_identify(struct jt_keyclient *kc,
                                       const struct jt_identify_item *items, size_t n,
                                       struct jt_identify_reply *out)
{
    return WAIT_LIST(kc, JT_VERB_IDENTIFY, jt_identify_request_encode, items, n,
                     jt_identify_reply_decode, out);
}

enum jt_err jt_keyclient_wait_reseal(struct jt_keyclient *kc, const struct jt_open_item *items,
                                     size_t n, struct jt_reseal_reply *out)
{
    return WAIT_LIST(kc, JT_VERB_RESEAL, jt_open_request_encode, items, n, jt_reseal_reply_decode,
                     out);
}

enum jt_err jt_keyclient_wait_mend(struct jt_keyclient *kc, const struct jt_open_item *items,
                                   size_t n, struct jt_mend_reply *out)
{
    return WAIT_LIST(kc, JT_VERB_MEND, jt_open_request_encode, items, n, jt_mend_reply_decode, out);
}

enum jt_err jt_keyclient_wait_name(struct jt_keyclient *kc, const struct jt_name_item *items,
                                   size_t n, struct jt_name_reply *out)
{
    return WAIT_LIST(kc, JT_VERB_NAME, jt_name_request_encode, items, n, jt_name_reply_decode, out);
}

enum jt_err jt_keyclient_wait_client_make(struct jt_keyclient *kc, const char *id,
                                          const struct jt_client_order *order,
                                          const struct jt_set_row *set,
                                          struct jt_client_change *out)
{
    jt_client_make_encode(id, order, set, jt_keyclient_begin(kc, JT_VERB_CLIENT_MAKE));
    return jt_keyclient_answer(kc, jt_client_change_decode, out);
}

enum jt_err jt_keyclient_wait_client_change(struct jt_keyclient *kc,
                                            const struct jt_client_edit *edit,
                                            struct jt_client_change *out)
{
    return jt_keyclient_call(kc, JT_VERB_CLIENT_CHANGE, jt_client_edit_encode, edit,
                             jt_client_change_decode, out);
}

enum jt_err jt_keyclient_wait_client_check(struct jt_keyclient *kc, const struct jt_client_row *row,
                                           const uint8_t secret[static JT_CLIENT_SECRET_LEN],
                                           struct jt_client_checked *out)
{
    jt_client_check_encode(row, secret, jt_keyclient_begin(kc, JT_VERB_CLIENT_CHECK));
    return jt_keyclient_answer(kc, jt_client_checked_decode, out);
}

enum jt_err jt_keyclient_wait_field_make(struct jt_keyclient *kc, const struct jt_field_spec *spec,
                                         const struct jt_set_row *set, struct jt_field_change *out)
{
    jt_field_make_encode(spec, set, jt_keyclient_begin(kc, JT_VERB_FIELD_MAKE));
    return jt_keyclient_answer(kc, jt_field_change_decode, out);
}

enum jt_err jt_keyclient_wait_field_change(struct jt_keyclient *kc,
                                           const struct jt_field_alter *alter,
                                           struct jt_field_change *out)
{
    return jt_keyclient_call(kc, JT_VERB_FIELD_CHANGE, jt_field_alter_encode, alter,
                             jt_field_change_decode, out);
}

enum jt_err jt_keyclient_wait_set_sum(struct jt_keyclient *kc,
                                      const struct jt_set_sum_request *request,
                                      struct jt_set_sum *out)
{
    return jt_keyclient_call(kc, JT_VERB_SET_SUM, jt_set_sum_request_encode, request,
                             jt_set_sum_decode, out);
}

enum jt_err jt_keyclient_wait_set_verify(struct jt_keyclient *kc, const struct jt_set_sum *sum,
                                         const struct jt_set_row *row)
{
    jt_set_verify_encode(sum, row, jt_keyclient_begin(kc, JT_VERB_SET_VERIFY));
    return jt_keyclient_answer_nothing(kc);
}

enum jt_err jt_keyclient_wait_set_accept(struct jt_keyclient *kc,
                                         const struct jt_set_accept *accept)
{
    jt_set_accept_encode(accept, jt_keyclient_begin(kc, JT_VERB_SET_ACCEPT));
    return jt_keyclient_answer_nothing(kc);
}

enum jt_err jt_keyclient_wait_honey_accept(struct jt_keyclient *kc,
                                           const struct jt_honey_sealed *shown,
                                           struct jt_honey_accepted *out)
{
    return jt_keyclient_call(kc, JT_VERB_HONEY_ACCEPT, jt_honey_sealed_encode, shown,
                             jt_honey_accepted_decode, out);
}

enum jt_err jt_keyclient_wait_honey_change(struct jt_keyclient *kc,
                                           const struct jt_honey_order *order,
                                           struct jt_honey_sealed *next)
{
    return jt_keyclient_call(kc, JT_VERB_HONEY_CHANGE, jt_honey_change_encode, order,
                             jt_honey_sealed_decode, next);
}

enum jt_err jt_keyclient_wait_honey_list(struct jt_keyclient *kc,
                                         const struct jt_honey_order *order,
                                         struct jt_honey_tokens *out)
{
    return jt_keyclient_call(kc, JT_VERB_HONEY_LIST, jt_honey_list_encode, order,
                             jt_honey_tokens_decode, out);
}

enum jt_err
jt_keyclient_wait_generation_create(struct jt_keyclient *kc, uint64_t db_highest,
                                    const uint8_t used_key_ids[static JT_KEY_ID_SET_LEN],
                                    struct jt_generation_row *out)
{
    struct jt_generation_create create = { .db_highest = db_highest };
    memcpy(create.used_key_ids, used_key_ids, sizeof create.used_key_ids);
    return jt_keyclient_call(kc, JT_VERB_GENERATION_CREATE, jt_generation_create_encode, &create,
                             jt_generation_row_decode, out);
}

enum jt_err jt_keyclient_wait_generation_abandon(struct jt_keyclient *kc,
                                                 const struct jt_generation_row *row)
{
    jt_generation_abandon_encode(row, jt_keyclient_begin(kc, JT_VERB_GENERATION_ABANDON));
    return jt_keyclient_answer_nothing(kc);
}

enum jt_err jt_keyclient_wait_ack(struct jt_keyclient *kc,
                                  const struct jt_generation_row *generation, const char *node,
                                  const uint8_t challenge[static JT_CHALLENGE_LEN],
                                  struct jt_ack *out)
{
    struct jt_ack_request request = { .generation = *generation };
    size_t len = strlen(node);
    *out = (struct jt_ack){ 0 };
    if (len > JT_NODE_NAME_MAX) {
        return JT_ERR_INVALID;
    }
    memcpy(request.node, node, len);
    memcpy(request.challenge, challenge, sizeof request.challenge);
    return jt_keyclient_call(kc, JT_VERB_ACK, jt_ack_request_encode, &request, jt_ack_decode, out);
}

enum jt_err jt_keyclient_wait_ack_check(struct jt_keyclient *kc,
                                        const struct jt_generation_row *generation,
                                        const struct jt_ack *ack, const struct jt_node_row *node)
{
    const struct jt_ack_claim claim = { *generation, *ack, *node };
    jt_ack_claim_encode(&claim, jt_keyclient_begin(kc, JT_VERB_ACK_CHECK));
    return jt_keyclient_answer_nothing(kc);
}

enum jt_err jt_keyclient_wait_ring_first(struct jt_keyclient *kc, struct jt_ring_row *out)
{
    (void)jt_keyclient_begin(kc, JT_VERB_RING_FIRST);
    return jt_keyclient_answer(kc, jt_ring_row_decode, out);
}

enum jt_err jt_keyclient_wait_ring_propose(struct jt_keyclient *kc,
                                           const struct jt_ring_row *current,
                                           const struct jt_generation_row *generation, uint8_t step,
                                           struct jt_ring_row *next,
                                           struct jt_generation_row rows[static 2], size_t *n_rows)
{
    struct jt_ring_propose propose = { .current = *current,
                                       .generation = *generation,
                                       .step = step };
    struct jt_ring_proposal proposal;
    enum jt_err err = jt_keyclient_call(kc, JT_VERB_RING_PROPOSE, jt_ring_propose_encode, &propose,
                                        jt_ring_proposal_decode, &proposal);
    *next = proposal.next;
    *n_rows = proposal.n_rows;
    if (err == JT_OK) {
        memcpy(rows, proposal.rows, sizeof proposal.rows);
    }
    return err;
}

enum jt_err jt_keyclient_wait_ring_show(struct jt_keyclient *kc, const struct jt_ring_shown *shown,
                                        bool *joined)
{
    return jt_keyclient_call(kc, JT_VERB_RING_ACCEPT, jt_ring_shown_encode, shown,
                             jt_ring_accepted_decode, joined);
}

enum jt_err jt_keyclient_wait_ring_accept(struct jt_keyclient *kc, const struct jt_ring_row *row,
                                          bool *joined)
{
    return jt_keyclient_call(kc, JT_VERB_RING_ACCEPT, jt_ring_row_encode, row,
                             jt_ring_accepted_decode, joined);
}

enum jt_err jt_keyclient_wait_numeric_mark(struct jt_keyclient *kc,
                                           const struct jt_numeric_show *show,
                                           struct jt_numeric_shown *shown)
{
    return jt_keyclient_call(kc, JT_VERB_NUMERIC_MARK, jt_numeric_show_encode, show,
                             jt_numeric_shown_decode, shown);
}

enum jt_err jt_keyclient_wait_plan(struct jt_keyclient *kc, const struct jt_plan_request *request,
                                   uint8_t mac[static JT_ROW_MAC_LEN])
{
    struct jt_plan_reply reply;
    enum jt_err err = jt_keyclient_call(kc, JT_VERB_PLAN, jt_plan_request_encode, request,
                                        jt_plan_reply_decode, &reply);
    memcpy(mac, reply.mac, sizeof reply.mac);
    return err;
}

enum jt_err jt_keyclient_wait_node_join(struct jt_keyclient *kc, const struct jt_node_join *join,
                                        struct jt_node_joined *out)
{
    return jt_keyclient_call(kc, JT_VERB_NODE_JOIN, jt_node_join_encode, join,
                             jt_node_joined_decode, out);
}

enum jt_err jt_keyclient_wait_certify(struct jt_keyclient *kc, const struct jt_certify *certify,
                                      struct jt_certificate *out)
{
    return jt_keyclient_call(kc, JT_VERB_CERTIFY, jt_certify_encode, certify, jt_certificate_decode,
                             out);
}

enum jt_err jt_keyclient_wait_audit_start(struct jt_keyclient *kc,
                                          const struct jt_audit_start *start,
                                          uint8_t mac[static JT_ROW_MAC_LEN])
{
    struct jt_audit_link_result result;
    enum jt_err err = jt_keyclient_call(kc, JT_VERB_AUDIT_START, jt_audit_start_encode, start,
                                        jt_audit_link_result_decode, &result);
    memcpy(mac, result.head, JT_ROW_MAC_LEN);
    return err;
}

enum jt_err jt_keyclient_wait_audit_link(struct jt_keyclient *kc, const struct jt_audit_link *link,
                                         uint8_t head[static JT_ROW_MAC_LEN])
{
    struct jt_audit_link_result result;
    enum jt_err err = jt_keyclient_call(kc, JT_VERB_AUDIT_LINK, jt_audit_link_encode, link,
                                        jt_audit_link_result_decode, &result);
    memcpy(head, result.head, JT_ROW_MAC_LEN);
    return err;
}

enum jt_err jt_keyclient_wait_audit_check(struct jt_keyclient *kc,
                                          const struct jt_audit_claim *claims, size_t n, bool *good)
{
    struct jt_reader payload;
    memset(good, 0, n * sizeof *good);
    if (n > JT_WIRE_MAX_AUDIT) {
        return JT_ERR_LIMIT;
    }
    jt_audit_check_encode(claims, n, jt_keyclient_begin(kc, JT_VERB_AUDIT_CHECK));
    enum jt_err err = jt_keyclient_exchange(kc, &payload);
    return err == JT_OK
               ? jt_keyclient_decoded(kc, jt_audit_check_reply_decode(&payload, n, good), &payload)
               : err;
}

enum jt_err jt_keyclient_wait_audit_close(struct jt_keyclient *kc,
                                          const struct jt_audit_close *close,
                                          uint8_t mac[static JT_ROW_MAC_LEN])
{
    struct jt_audit_link_result result;
    enum jt_err err = jt_keyclient_call(kc, JT_VERB_AUDIT_CLOSE, jt_audit_close_encode, close,
                                        jt_audit_link_result_decode, &result);
    memcpy(mac, result.head, JT_ROW_MAC_LEN);
    return err;
}
