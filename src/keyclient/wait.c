/* SPDX-License-Identifier: Apache-2.0 */
/* The synchronous stubs: how each verb is asked and answered. */
#include "keyclient/internal.h"

#include <stdlib.h>
#include <string.h>

/* For objects whose decoder leaves what follows unread: nothing may follow. */
static enum jt_err ended(enum jt_err err, const struct jt_reader *payload)
{
    return err == JT_OK ? jt_wire_end(payload) : err;
}

/* A verb whose reply has no payload. */
static enum jt_err exchange_nothing(struct jt_keyclient *kc, size_t mark)
{
    struct jt_reader payload;
    enum jt_err err = jt_kc_exchange(kc, mark, &payload);
    return err == JT_OK ? jt_kc_decoded(kc, jt_wire_end(&payload)) : err;
}

enum jt_err jt_keyclient_wait_status(struct jt_keyclient *kc, struct jt_keeper_status *out)
{
    *out = (struct jt_keeper_status){ 0 };
    struct jt_reader payload;
    enum jt_err err = jt_kc_exchange(kc, jt_kc_begin(kc, JT_VERB_STATUS), &payload);
    return err == JT_OK ? jt_kc_decoded(kc, jt_keeper_status_decode(&payload, out)) : err;
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

enum jt_err jt_keyclient_wait_identify(struct jt_keyclient *kc,
                                       const struct jt_identify_item *items, size_t n,
                                       struct jt_identify_reply *out)
{
    *out = (struct jt_identify_reply){ 0 };
    enum jt_err err = make_room(kc, n, sizeof *out->results);
    if (err != JT_OK) {
        return err;
    }
    size_t mark = jt_kc_begin(kc, JT_VERB_IDENTIFY);
    jt_identify_request_encode(items, n, &kc->out);
    struct jt_reader payload;
    err = jt_kc_exchange(kc, mark, &payload);
    if (err == JT_OK) {
        out->results = kc->results;
        err = jt_kc_decoded(kc, jt_identify_reply_decode(&payload, n, out));
    }
    if (err != JT_OK) {
        *out = (struct jt_identify_reply){ 0 };
    }
    return err;
}

enum jt_err jt_keyclient_wait_reseal(struct jt_keyclient *kc, const struct jt_reseal_item *items,
                                     size_t n, struct jt_reseal_reply *out)
{
    *out = (struct jt_reseal_reply){ 0 };
    enum jt_err err = make_room(kc, n, sizeof *out->results);
    if (err != JT_OK) {
        return err;
    }
    size_t mark = jt_kc_begin(kc, JT_VERB_RESEAL);
    jt_reseal_request_encode(items, n, &kc->out);
    struct jt_reader payload;
    err = jt_kc_exchange(kc, mark, &payload);
    if (err == JT_OK) {
        out->results = kc->results;
        err = jt_kc_decoded(kc, jt_reseal_reply_decode(&payload, n, out));
    }
    if (err != JT_OK) {
        *out = (struct jt_reseal_reply){ 0 };
    }
    return err;
}

enum jt_err jt_keyclient_wait_client_make(struct jt_keyclient *kc,
                                          const struct jt_client_spec *spec,
                                          const uint8_t secret[static JT_CLIENT_SECRET_LEN],
                                          const struct jt_set_row *set,
                                          struct jt_client_change *out)
{
    *out = (struct jt_client_change){ 0 };
    size_t mark = jt_kc_begin(kc, JT_VERB_CLIENT_MAKE);
    jt_client_make_encode(spec, secret, set, &kc->out);
    struct jt_reader payload;
    enum jt_err err = jt_kc_exchange(kc, mark, &payload);
    return err == JT_OK ? jt_kc_decoded(kc, jt_client_change_decode(&payload, out)) : err;
}

enum jt_err jt_keyclient_wait_client_revoke(struct jt_keyclient *kc,
                                            const struct jt_client_row *row,
                                            const struct jt_set_row *set,
                                            struct jt_client_change *out)
{
    *out = (struct jt_client_change){ 0 };
    const struct jt_client_change was = { .row = *row, .set = *set };
    size_t mark = jt_kc_begin(kc, JT_VERB_CLIENT_REVOKE);
    jt_client_change_encode(&was, &kc->out);
    struct jt_reader payload;
    enum jt_err err = jt_kc_exchange(kc, mark, &payload);
    return err == JT_OK ? jt_kc_decoded(kc, jt_client_change_decode(&payload, out)) : err;
}

enum jt_err jt_keyclient_wait_client_check(struct jt_keyclient *kc, const struct jt_client_row *row,
                                           const uint8_t secret[static JT_CLIENT_SECRET_LEN])
{
    size_t mark = jt_kc_begin(kc, JT_VERB_CLIENT_CHECK);
    jt_client_check_encode(row, secret, &kc->out);
    return exchange_nothing(kc, mark);
}

enum jt_err jt_keyclient_wait_field_make(struct jt_keyclient *kc, const struct jt_field_spec *spec,
                                         const struct jt_set_row *set, struct jt_field_change *out)
{
    *out = (struct jt_field_change){ 0 };
    size_t mark = jt_kc_begin(kc, JT_VERB_FIELD_MAKE);
    jt_field_make_encode(spec, set, &kc->out);
    struct jt_reader payload;
    enum jt_err err = jt_kc_exchange(kc, mark, &payload);
    return err == JT_OK ? jt_kc_decoded(kc, jt_field_change_decode(&payload, out)) : err;
}

enum jt_err jt_keyclient_wait_field_check(struct jt_keyclient *kc, const struct jt_field_row *row)
{
    size_t mark = jt_kc_begin(kc, JT_VERB_FIELD_CHECK);
    jt_field_row_encode(row, &kc->out);
    return exchange_nothing(kc, mark);
}

enum jt_err jt_keyclient_wait_set_sum(struct jt_keyclient *kc,
                                      const struct jt_set_sum_request *request,
                                      struct jt_set_sum *out)
{
    *out = (struct jt_set_sum){ 0 };
    size_t mark = jt_kc_begin(kc, JT_VERB_SET_SUM);
    jt_set_sum_request_encode(request, &kc->out);
    struct jt_reader payload;
    enum jt_err err = jt_kc_exchange(kc, mark, &payload);
    return err == JT_OK ? jt_kc_decoded(kc, ended(jt_set_sum_decode(&payload, out), &payload))
                        : err;
}

enum jt_err jt_keyclient_wait_set_verify(struct jt_keyclient *kc, const struct jt_set_sum *sum,
                                         const struct jt_set_row *row)
{
    size_t mark = jt_kc_begin(kc, JT_VERB_SET_VERIFY);
    jt_set_verify_encode(sum, row, &kc->out);
    return exchange_nothing(kc, mark);
}

enum jt_err jt_keyclient_wait_set_accept(struct jt_keyclient *kc,
                                         const struct jt_set_accept *accept)
{
    size_t mark = jt_kc_begin(kc, JT_VERB_SET_ACCEPT);
    jt_set_accept_encode(accept, &kc->out);
    return exchange_nothing(kc, mark);
}

enum jt_err
jt_keyclient_wait_generation_create(struct jt_keyclient *kc, uint64_t db_highest,
                                    const uint8_t used_key_ids[static JT_KEY_ID_SET_LEN],
                                    struct jt_generation_row *out)
{
    *out = (struct jt_generation_row){ 0 };
    struct jt_generation_create create = { .db_highest = db_highest };
    memcpy(create.used_key_ids, used_key_ids, sizeof create.used_key_ids);
    size_t mark = jt_kc_begin(kc, JT_VERB_GENERATION_CREATE);
    jt_generation_create_encode(&create, &kc->out);
    struct jt_reader payload;
    enum jt_err err = jt_kc_exchange(kc, mark, &payload);
    return err == JT_OK
               ? jt_kc_decoded(kc, ended(jt_generation_row_decode(&payload, out), &payload))
               : err;
}

enum jt_err jt_keyclient_wait_generation_abandon(struct jt_keyclient *kc,
                                                 const struct jt_generation_row *row)
{
    size_t mark = jt_kc_begin(kc, JT_VERB_GENERATION_ABANDON);
    jt_generation_abandon_encode(row, &kc->out);
    return exchange_nothing(kc, mark);
}

enum jt_err jt_keyclient_wait_ack(struct jt_keyclient *kc,
                                  const struct jt_generation_row *generation, const char *node,
                                  const uint8_t challenge[static JT_CHALLENGE_LEN],
                                  struct jt_ack *out)
{
    *out = (struct jt_ack){ 0 };
    struct jt_ack_request request = { .generation = *generation };
    size_t len = strlen(node);
    if (len > JT_NODE_NAME_MAX) {
        return JT_ERR_INVALID;
    }
    memcpy(request.node, node, len);
    memcpy(request.challenge, challenge, sizeof request.challenge);
    size_t mark = jt_kc_begin(kc, JT_VERB_ACK);
    jt_ack_request_encode(&request, &kc->out);
    struct jt_reader payload;
    enum jt_err err = jt_kc_exchange(kc, mark, &payload);
    return err == JT_OK ? jt_kc_decoded(kc, ended(jt_ack_decode(&payload, out), &payload)) : err;
}

enum jt_err jt_keyclient_wait_ack_check(struct jt_keyclient *kc,
                                        const struct jt_generation_row *generation,
                                        const struct jt_ack *ack)
{
    size_t mark = jt_kc_begin(kc, JT_VERB_ACK_CHECK);
    jt_ack_check_encode(generation, ack, &kc->out);
    return exchange_nothing(kc, mark);
}

enum jt_err jt_keyclient_wait_ring_first(struct jt_keyclient *kc, struct jt_ring_row *out)
{
    *out = (struct jt_ring_row){ 0 };
    struct jt_reader payload;
    enum jt_err err = jt_kc_exchange(kc, jt_kc_begin(kc, JT_VERB_RING_FIRST), &payload);
    return err == JT_OK ? jt_kc_decoded(kc, ended(jt_ring_row_decode(&payload, out), &payload))
                        : err;
}

enum jt_err jt_keyclient_wait_ring_propose(struct jt_keyclient *kc,
                                           const struct jt_ring_row *current,
                                           const struct jt_generation_row *generation,
                                           enum jt_generation_state target,
                                           struct jt_ring_row *next,
                                           struct jt_generation_row rows[static 2], size_t *n_rows)
{
    *next = (struct jt_ring_row){ 0 };
    *n_rows = 0;
    struct jt_ring_propose propose = { .current = *current,
                                       .generation = *generation,
                                       .target = (uint8_t)target };
    size_t mark = jt_kc_begin(kc, JT_VERB_RING_PROPOSE);
    jt_ring_propose_encode(&propose, &kc->out);
    struct jt_reader payload;
    struct jt_ring_proposal proposal;
    enum jt_err err = jt_kc_exchange(kc, mark, &payload);
    if (err == JT_OK) {
        err = jt_kc_decoded(kc, jt_ring_proposal_decode(&payload, &proposal));
    }
    if (err == JT_OK) {
        *next = proposal.next;
        memcpy(rows, proposal.rows, sizeof proposal.rows);
        *n_rows = proposal.n_rows;
    }
    return err;
}

enum jt_err jt_keyclient_wait_ring_accept(struct jt_keyclient *kc, const struct jt_ring_row *row,
                                          bool *joined)
{
    *joined = false;
    size_t mark = jt_kc_begin(kc, JT_VERB_RING_ACCEPT);
    jt_ring_row_encode(row, &kc->out);
    struct jt_reader payload;
    enum jt_err err = jt_kc_exchange(kc, mark, &payload);
    return err == JT_OK ? jt_kc_decoded(kc, jt_ring_accepted_decode(&payload, joined)) : err;
}

enum jt_err jt_keyclient_wait_node_join(struct jt_keyclient *kc, const struct jt_node_join *join,
                                        struct jt_node_joined *out)
{
    *out = (struct jt_node_joined){ 0 };
    size_t mark = jt_kc_begin(kc, JT_VERB_NODE_JOIN);
    jt_node_join_encode(join, &kc->out);
    struct jt_reader payload;
    enum jt_err err = jt_kc_exchange(kc, mark, &payload);
    return err == JT_OK ? jt_kc_decoded(kc, jt_node_joined_decode(&payload, out)) : err;
}

enum jt_err jt_keyclient_wait_certify(struct jt_keyclient *kc,
                                      const struct jt_retirement_facts *facts,
                                      struct jt_certificate *out)
{
    *out = (struct jt_certificate){ 0 };
    size_t mark = jt_kc_begin(kc, JT_VERB_CERTIFY);
    jt_retirement_facts_encode(facts, &kc->out);
    struct jt_reader payload;
    enum jt_err err = jt_kc_exchange(kc, mark, &payload);
    return err == JT_OK ? jt_kc_decoded(kc, ended(jt_certificate_decode(&payload, out), &payload))
                        : err;
}
