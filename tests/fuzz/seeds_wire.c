/* SPDX-License-Identifier: Apache-2.0 */
/* One message of each kind, as fuzz_wire takes them, and streams of frames. */
#include "seeds.h"

#include "wire/custodian.h"
#include "wire/destruction.h"
#include "wire/writeoff.h"
#include "wire/audit.h"
#include "wire/certificate.h"
#include "wire/backup.h"
#include "wire/escrow.h"
#include "wire/fingerprint.h"
#include "wire/frame.h"
#include "wire/held.h"
#include "wire/hello.h"
#include "wire/identify.h"
#include "wire/guess.h"
#include "wire/honey.h"
#include "wire/once.h"
#include "wire/match.h"
#include "wire/mend.h"
#include "wire/name.h"
#include "wire/field.h"
#include "wire/node.h"
#include "wire/numeric.h"
#include "wire/open_masked.h"
#include "wire/parcel.h"
#include "wire/reseal.h"
#include "wire/ring.h"
#include "wire/seal.h"
#include "wire/set.h"
#include "wire/status.h"
#include "wire/verdicts.h"

enum { RING_BODY = 0x41, FIELD_SPEC = 0x42, REPLY = 0x80 };

static struct jt_buf message;
static struct jt_buf stream;

/* The message that was just encoded, also as a frame. */
static void store(int which, int n_asked)
{
    MUST(jt_buf_status(&message) == JT_OK);
    seed_with("wire", which, n_asked, message.data, message.len);
    jt_buf_reset(&stream);
    bool reply = (which & REPLY) != 0;
    enum jt_verb verb = (enum jt_verb)(which & ~REPLY);
    size_t mark = reply ? jt_frame_begin_reply(&stream, (uint8_t)verb)
                        : jt_frame_begin_request(&stream, verb);
    jt_buf_put(&stream, message.data, message.len);
    MUST(jt_frame_end(&stream, mark) == JT_OK);
    if (reply) {
        jt_frame_put_refusal(&stream, JT_VERB_SEAL, JT_ERR_RING_MOVED);
    }
    seed("frame", stream.data, stream.len);
    jt_buf_reset(&message);
}

static const uint8_t bytes[64] = { 7, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
/* 4111 1111 1111 1111, packed. */
static const uint8_t packed[8] = { 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 };
static const struct jt_value pan = { packed, sizeof packed, JT_FIELD_PAN };

static void batches(void)
{
    struct jt_seal_item seals[2] = { { 1, pan }, { 2, pan } };
    struct jt_seal_request seal = { .n_retired = 2, .retired = { 9, 200 }, .items = seals, .n = 2 };
    jt_seal_request_encode(&seal, &message);
    store(JT_VERB_SEAL, 0);
    struct jt_seal_result sealed[2] = { { .id = 5,
                                          .token = bytes,
                                          .fingerprint = bytes,
                                          .probes = bytes,
                                          .envelope = bytes,
                                          .envelope_len = 25 },
                                        { .err = JT_ERR_INVALID } };
    struct jt_seal_reply seal_reply = { .epoch = 5,
                                        .active = { 3, 7 },
                                        .n_probed = 2,
                                        .probed = { { { 2, 8 }, false }, { { 1, 1 }, true } },
                                        .n = 2,
                                        .results = sealed };
    jt_seal_reply_encode(&seal_reply, &message);
    store(REPLY + JT_VERB_SEAL, 2);

    struct jt_open_item opens[2] = { { 1, 5, bytes, bytes, 25, { 0, { 0 } } },
                                     { 1, 6, bytes, bytes, 23, { 0, { 0 } } } };
    jt_open_request_encode(opens, 2, &message);
    store(JT_VERB_OPEN, 0);
    struct jt_open_result opened[3] = { { .draining = true, .value = pan, .honey = true },
                                        { .err = JT_ERR_DECRYPT },
                                        { .err = JT_ERR_RING_MOVED } };
    struct jt_open_reply open_reply = { 5, 3, opened };
    jt_open_reply_encode(&open_reply, &message);
    store(REPLY + JT_VERB_OPEN, 3);

    jt_open_request_encode(opens, 1, &message);
    store(JT_VERB_RESEAL, 0);
    struct jt_reseal_result resealed[2] = { { JT_OK, 2, bytes, bytes, 25 },
                                            { .err = JT_ERR_ACTIVE_ALREADY } };
    struct jt_reseal_reply reseal_reply = { 5, { 3, 7 }, 2, resealed };
    jt_reseal_reply_encode(&reseal_reply, &message);
    store(REPLY + JT_VERB_RESEAL, 2);

    struct jt_match_item matches[1] = { { 1, 5, bytes, pan, bytes, 25, { 0, { 0 } } } };
    jt_match_request_encode(matches, 1, &message);
    store(JT_VERB_MATCH, 0);
    struct jt_match_result matched[2] = { { JT_OK, bytes }, { .err = JT_ERR_DECRYPT } };
    struct jt_match_reply match_reply = { 5, 2, matched };
    jt_match_reply_encode(&match_reply, &message);
    store(REPLY + JT_VERB_MATCH, 2);

    struct jt_identify_item tokens[2] = { { 1, bytes }, { 2, bytes } };
    jt_identify_request_encode(tokens, 2, &message);
    store(JT_VERB_IDENTIFY, 0);
    struct jt_identify_result ids[2] = { { JT_OK, 5, NULL }, { .err = JT_ERR_NO_TOKEN } };
    struct jt_identify_reply identify_reply = { 5, 2, { 7, 8 }, 2, ids };
    jt_identify_reply_encode(&identify_reply, &message);
    store(REPLY + JT_VERB_IDENTIFY, 2);

    struct jt_mend_result mended[3] = { { JT_OK, bytes },
                                        { .err = JT_ERR_DECRYPT },
                                        { .err = JT_ERR_OPEN_QUOTA } };
    struct jt_mend_reply mend_reply = { 5, 3, mended };
    jt_mend_reply_encode(&mend_reply, &message);
    store(REPLY + JT_VERB_MEND, 3);
    struct jt_name_item names[2] = { { 1, 5 }, { 2, 6 } };
    jt_name_request_encode(names, 2, &message);
    store(JT_VERB_NAME, 0);
    struct jt_name_result named[2] = { { JT_OK, bytes }, { .err = JT_ERR_NO_TOKEN } };
    struct jt_name_reply name_reply = { 2, named };
    jt_name_reply_encode(&name_reply, &message);
    store(REPLY + JT_VERB_NAME, 2);

    struct jt_open_masked_result masked[2] = { { JT_OK, true, 3, "630400****0000", 14, false },
                                               { .err = JT_ERR_DECRYPT } };
    struct jt_open_masked_reply masked_reply = { 5, 2, masked };
    jt_open_masked_reply_encode(&masked_reply, &message);
    store(REPLY + JT_VERB_OPEN_MASKED, 2);

    struct jt_held_item kept[2] = { { 1, bytes, 8, pan }, { 2, bytes, 1, { bytes, 25, 0 } } };
    jt_held_request_encode(kept, 2, &message);
    store(JT_VERB_SEAL_HELD, 0);
    struct jt_held_result held[2] = { { JT_OK, 3, true, bytes, pan, bytes, 25 },
                                      { .err = JT_ERR_DECRYPT } };
    struct jt_held_reply held_reply = { 5, { 3, bytes[0] }, 2, held };
    jt_held_reply_encode(&held_reply, &message);
    store(REPLY + JT_VERB_SEAL_HELD, 2);

    struct jt_fingerprint_result prints[2] = { { JT_OK, bytes }, { .err = JT_ERR_NOT_LINKED } };
    struct jt_fingerprint_reply fingerprint_reply = {
        5, 2, { { { 3, 7 }, false }, { { 2, 6 }, true } }, 2, prints
    };
    jt_fingerprint_reply_encode(&fingerprint_reply, &message);
    store(REPLY + JT_VERB_FINGERPRINT, 2);

    struct jt_node_join join = { { "node1", 1, { 4 } }, true, true, opens, 2 };
    jt_node_join_encode(&join, &message);
    store(JT_VERB_NODE_JOIN, 0);
    struct jt_node_joined joined = { { { "node1", 1, { 4 } }, { 7 }, 80, 5, { 6 } }, 77 };
    jt_node_joined_encode(&joined, &message);
    store(REPLY + JT_VERB_NODE_JOIN, 0);
}

/* What batches have more where tokens are numeric. */
static void numeric(void)
{
    static const struct jt_digits digits = { 8,
                                             { 0x41, 0x11, 0x11, 0x82, 0x64, 0x09, 0x11, 0x11 } };
    struct jt_seal_result sealed[3] = { { .id = 5,
                                          .token = bytes,
                                          .fingerprint = bytes,
                                          .probes = bytes,
                                          .envelope = bytes,
                                          .envelope_len = 25,
                                          .digits = digits,
                                          .value_tok = bytes,
                                          .digit_fps = bytes },
                                        { .err = JT_ERR_TOKEN_SPACE } };
    sealed[2] = sealed[0];
    sealed[2].value_tok = sealed[2].digit_fps = NULL;
    struct jt_seal_reply seal_reply = { .epoch = 5,
                                        .active = { 3, 7 },
                                        .n_probed = 2,
                                        .probed = { { { 2, 8 }, false }, { { 1, 1 }, true } },
                                        .n = 3,
                                        .results = sealed };
    jt_seal_reply_encode(&seal_reply, &message);
    store(REPLY + JT_VERB_SEAL, 3);
    struct jt_open_item open = { 1, 5, bytes, bytes, 25, digits };
    jt_open_request_encode(&open, 1, &message);
    store(JT_VERB_OPEN, 0);
    struct jt_match_item match = { 1, 5, bytes, pan, bytes, 25, digits };
    jt_match_request_encode(&match, 1, &message);
    store(JT_VERB_MATCH, 0);
    struct jt_identify_result found = { .tok = bytes };
    struct jt_identify_reply identified = { 5, 1, { 7 }, 1, &found };
    jt_identify_reply_encode(&identified, &message);
    store(REPLY + JT_VERB_IDENTIFY, 1);
    jt_numeric_show_encode(&(struct jt_numeric_show){ { 9, 8, 7 }, true }, &message);
    store(JT_VERB_NUMERIC_MARK, 0);
    jt_numeric_shown_encode(&(struct jt_numeric_shown){ true, { 9, 8, 7 } }, &message);
    store(REPLY + JT_VERB_NUMERIC_MARK, 0);
    struct jt_field_spec spec = { .id = 9, .name = "n", .kind = JT_FIELD_PAN, .token_form = 6 };
    jt_field_spec_encode(&spec, &message);
    store(FIELD_SPEC, 0);
}

static void sessions(void)
{
    jt_hello_encode(JT_WIRE_VERSION, &message);
    store(JT_VERB_HELLO, 0);
    struct jt_hello_reply hello = { JT_WIRE_VERSION, { 1, 2 }, JT_WIRE_MAX_FRAME };
    jt_hello_reply_encode(&hello, &message);
    store(REPLY + JT_VERB_HELLO, 0);
    struct jt_keeper_status status = { .development = true, .joined = true, .epoch = 3 };
    jt_keeper_status_encode(&status, &message);
    store(REPLY + JT_VERB_STATUS, 0);
}

static void clients_and_fields(void)
{
    struct jt_set_row clients = { .kind = JT_SET_CLIENTS, .version = 4, .n = 2 };
    struct jt_set_row fields = { .kind = JT_SET_FIELDS, .version = 1, .n = 1 };
    struct jt_client_change client = {
        { { "shop-1", JT_MAY_ALL }, { 1 }, JT_ROW_ACTIVE, 4, 3, { 2 }, 0, { 0 } }, clients
    };
    struct jt_field_change field = {
        { { .id = 1, .name = "pan", .kind = JT_FIELD_PAN, .dedup = true, .mask_eight = true },
          JT_ROW_ACTIVE,
          1,
          3,
          { 2 } },
        fields
    };
    struct jt_client_order order = {
        .permissions = JT_MAY_OPERATE,
        .terms = { .expires_s = 9,
                   .n_networks = 2,
                   .networks = { { JT_IPV4, 8, { 10 } }, { JT_IPV6, 16, { 0x20, 1 } } },
                   .n_certs = 2,
                   .certs = { { 1 }, { 2 } },
                   .n_grants = 1,
                   .grants = { { 1, JT_MAY_LOOKUP } },
                   .n_budgets = 1,
                   .budgets = { { 1, 200, 100000 } } },
        .fresh = true,
        .secret = { 9 },
        .overlap_s = 60,
    };
    client.row.terms_len = (uint16_t)jt_client_terms_encode(&order.terms, client.row.terms);
    jt_client_make_encode("shop-1", &order, &clients, &message);
    store(JT_VERB_CLIENT_MAKE, 0);
    jt_client_change_encode(&client, &message);
    store(REPLY + JT_VERB_CLIENT_MAKE, 0);
    struct jt_client_edit edit = { client.row, clients, JT_ROW_DISABLED, order };
    jt_client_edit_encode(&edit, &message);
    store(JT_VERB_CLIENT_CHANGE, 0);
    struct jt_client_checked checked = { 1000 };
    jt_client_checked_encode(&checked, &message);
    store(REPLY + JT_VERB_CLIENT_CHECK, 0);
    jt_client_check_encode(&client.row, bytes, &message);
    store(JT_VERB_CLIENT_CHECK, 0);
    jt_field_make_encode(&field.row.spec, &fields, &message);
    store(JT_VERB_FIELD_MAKE, 0);
    jt_field_change_encode(&field, &message);
    store(REPLY + JT_VERB_FIELD_MAKE, 0);
    const struct jt_field_alter alter = { field, field.row.spec, JT_ROW_REVOKED };
    jt_field_alter_encode(&alter, &message);
    store(JT_VERB_FIELD_CHANGE, 0);
    jt_field_row_encode(&field.row, &message);
    jt_field_spec_encode(&field.row.spec, &message);
    store(FIELD_SPEC, 0);

    struct jt_set_sum sum = { JT_SET_CLIENTS, 2, { 1 }, { 2 }, { 3 } };
    struct jt_set_sum field_sum = { JT_SET_FIELDS, 1, { 1 }, { 2 }, { 3 } };
    struct jt_set_change changes[2] = {
        { .replaces = true, .old.client = client.row, .now.client = client.row },
        { .now.client = client.row }
    };
    struct jt_set_sum_request request = { JT_SET_CLIENTS, true, sum, 2, changes };
    jt_set_sum_request_encode(&request, &message);
    store(JT_VERB_SET_SUM, 0);
    struct jt_set_change field_changes[2] = {
        { .now.field = field.row },
        { .replaces = true, .old.field = field.row, .now.field = field.row }
    };
    request =
        (struct jt_set_sum_request){ .kind = JT_SET_FIELDS, .n = 2, .changes = field_changes };
    jt_set_sum_request_encode(&request, &message);
    store(JT_VERB_SET_SUM, 0);
    jt_set_sum_encode(&sum, &message);
    store(REPLY + JT_VERB_SET_SUM, 0);
    jt_set_verify_encode(&sum, &clients, &message);
    store(JT_VERB_SET_VERIFY, 0);
    struct jt_set_accept accept = { sum, client.row, { 9 }, clients, field_sum, fields };
    jt_set_accept_encode(&accept, &message);
    store(JT_VERB_SET_ACCEPT, 0);
}

static void put_row(const struct jt_ring *ring, struct jt_ring_row *row)
{
    struct jt_buf body;
    jt_buf_init(&body, JT_RING_BODY_MAX);
    jt_ring_encode(ring, &body);
    *row = (struct jt_ring_row){ .epoch = ring->epoch, .body_len = body.len };
    memcpy(row->body, body.data, body.len);
    jt_buf_clear(&body);
}

static void rings(void)
{
    static struct jt_ring ring = { .development = true,
                                   .epoch = 9,
                                   .highest = 4,
                                   .n = 4,
                                   .entries = { { 1, 1, JT_GENERATION_RETIRED, true, { 1 } },
                                                { 2, 2, JT_GENERATION_DRAINING, false, { 2 } },
                                                { 3, 3, JT_GENERATION_DRAINING, false, { 3 } },
                                                { 4, 7, JT_GENERATION_ACTIVE, false, { 4 } } } };
    static struct jt_ring_row row;
    put_row(&ring, &row);
    jt_ring_encode(&ring, &message);
    store(RING_BODY, 0);
    jt_ring_row_encode(&row, &message);
    store(JT_VERB_RING_ACCEPT, 0);
    jt_ring_accepted_encode(true, &message);
    store(REPLY + JT_VERB_RING_ACCEPT, 0);
    seeds_of_recovery(&row, &message, store);
    struct jt_generation_row g = { 4, 7, JT_GENERATION_ACTIVE, { 4 }, 9, { 5 } };
    static struct jt_ring_propose propose;
    static struct jt_ring_proposal proposal;
    propose = (struct jt_ring_propose){ .current = row, .generation = g, .step = JT_RING_RETIRE };
    jt_ring_propose_encode(&propose, &message);
    store(JT_VERB_RING_PROPOSE, 0);
    propose.step = JT_RING_DESTROY;
    jt_ring_propose_encode(&propose, &message);
    store(JT_VERB_RING_PROPOSE, 0);
    proposal = (struct jt_ring_proposal){ row, 2, { g, g } };
    jt_ring_proposal_encode(&proposal, &message);
    store(REPLY + JT_VERB_RING_PROPOSE, 0);

    struct jt_generation_create create = { 4, { 0x9e } };
    struct jt_ack ack = { "node1", { 1 }, { 2 }, { 3 } };
    struct jt_ack_request ask = { g, "node1", { 2 } };
    jt_generation_create_encode(&create, &message);
    store(JT_VERB_GENERATION_CREATE, 0);
    jt_generation_row_encode(&g, &message);
    store(REPLY + JT_VERB_GENERATION_CREATE, 0);
    jt_generation_abandon_encode(&g, &message);
    store(JT_VERB_GENERATION_ABANDON, 0);
    jt_ack_request_encode(&ask, &message);
    store(JT_VERB_ACK, 0);
    jt_ack_encode(&ack, &message);
    store(REPLY + JT_VERB_ACK, 0);
    struct jt_ack_claim claim = { g, ack, { { "node1", 1, { 4 } }, { 1 }, 77, 5, { 6 } } };
    jt_ack_claim_encode(&claim, &message);
    store(JT_VERB_ACK_CHECK, 0);
    jt_ack_challenge_request_encode(&g, &message);
    store(JT_VERB_ACK_CHALLENGE, 0);
    jt_ack_challenge_encode(&(struct jt_ack_challenge){ { 2 } }, &message);
    store(REPLY + JT_VERB_ACK_CHALLENGE, 0);

    struct jt_retirement_facts facts = { .generation = 1,
                                         .rows_written = 10,
                                         .started_at = "2025-11-21T08:00:00Z",
                                         .retired_at = "2025-11-21T09:00:00Z",
                                         .node = "node1",
                                         .actor = "operator" };
    struct jt_certificate certificate = { 11, "generation:", { 1 }, { 2 } };
    static struct jt_certify certify = { .n_done = 1 };
    certify.facts = facts;
    certify.done[0] =
        (struct jt_writeoff_done){ { .generation = 1, .number = 2, .n_cards = 3 }, 3 };
    jt_certify_encode(&certify, &message);
    store(JT_VERB_CERTIFY, 0);
    jt_certificate_encode(&certificate, &message);
    store(REPLY + JT_VERB_CERTIFY, 0);
}

/* What passes between keepers; of each message that may have a generation's row one without. */
static void nodes(void)
{
    const struct jt_generation_row generations[2] = {
        { 4, 7, JT_GENERATION_ACTIVE, { 4 }, 9, { 5 } },
        { 5, 8, JT_GENERATION_FUTURE, { 5 }, 9, { 6 } },
    };
    const struct jt_node_row rows[2] = { { { "node1", 1, { 4 } }, { 1 }, 77, 5, { 6 } },
                                         { { "node2", 255, { 5 } }, { 2 }, 78, 5, { 7 } } };
    const enum jt_err verdicts[3] = { JT_OK, JT_ERR_FORGED, JT_ERR_KEY_MISSING };
    jt_node_marks_encode(rows, 2, &message);
    store(JT_VERB_NODE_MARKS, 0);
    jt_generation_held_encode(generations, 2, &message);
    store(JT_VERB_GENERATION_HELD, 0);
    jt_verdicts_encode(verdicts, 3, &message);
    store(REPLY + JT_VERB_NODE_MARKS, 3);
    jt_node_spec_encode(&rows[0].spec, &message);
    store(JT_VERB_NODE_ROW, 0);
    jt_node_row_encode(&rows[0], &message);
    store(REPLY + JT_VERB_NODE_ROW, 0);
    static struct jt_parcel_delivery delivery = { .ring = { .epoch = 9, .body_len = 4 },
                                                  .parcel = { .environment = 1, .key_id = 8 } };
    struct jt_parcel_ask ask = { .node = "node2" };
    struct jt_parcel_order order = { .request = { .environment = 1, .node = "node2" } };
    for (int generation = 0; generation < 2; generation++) {
        if (generation == 1) {
            ask.generation = order.generation = delivery.generation = generations[1];
            order.request.generation = delivery.parcel.generation = generations[1].number;
        }
        jt_parcel_ask_encode(&ask, &message);
        store(JT_VERB_PARCEL_ASK, 0);
        jt_parcel_request_encode(&order.request, &message);
        store(REPLY + JT_VERB_PARCEL_ASK, 0);
        jt_parcel_order_encode(&order, &message);
        store(JT_VERB_PARCEL_ANSWER, 0);
        jt_parcel_encode(&delivery.parcel, &message);
        store(REPLY + JT_VERB_PARCEL_ANSWER, 0);
        jt_parcel_delivery_encode(&delivery, &message);
        store(JT_VERB_PARCEL_ACCEPT, 0);
    }
}

static void ends(void)
{
    static struct jt_custodians_make make = { .set = { .n = 2 }, .approvals = { .n = 1 } };
    static struct jt_custodians_shown shown = { .verdict = 2, .own = { .body_len = 3 } };
    static struct jt_destruction_held held = { "secret", "2026", "" };
    static struct jt_destruction_open open = { .timeline = 1, .n_held = 1, .held = &held };
    static struct jt_destruction_show show = { .node = "node1", .certified = true };
    static struct jt_destruction_shown seen = { .view = JT_DESTRUCTION_ERASED, .left_s = 5 };
    static struct jt_destruction_certify certify = { .n = 1, .n_backups = 1, .actor = "operator" };
    memcpy(make.set.all[0].name, "alice", 6);
    memcpy(make.set.all[1].name, "bob", 4);
    memcpy(make.approvals.all[0].custodian, "alice", 6);
    jt_custodians_make_encode(&make, &message);
    store(JT_VERB_CUSTODIANS_MAKE, 0);
    jt_custodian_row_encode(&shown.own, &message);
    store(JT_VERB_CUSTODIANS_SHOW, 0);
    jt_custodians_shown_encode(&shown, &message);
    store(REPLY + JT_VERB_CUSTODIANS_SHOW, 0);
    jt_destruction_open_encode(&open, &message);
    store(JT_VERB_DESTRUCTION_OPEN, 0);
    jt_destruction_request_encode(&show.request, &message);
    store(REPLY + JT_VERB_DESTRUCTION_OPEN, 0);
    show.approvals = certify.approvals = make.approvals;
    jt_destruction_show_encode(&show, &message);
    store(JT_VERB_DESTRUCTION_SHOW, 0);
    jt_destruction_shown_encode(&seen, &message);
    store(REPLY + JT_VERB_DESTRUCTION_SHOW, 0);
    jt_destruction_certify_encode(&certify, &message);
    store(JT_VERB_DESTRUCTION_CERTIFY, 0);
}

static void write_offs(void)
{
    static struct jt_writeoff_item item = { JT_STUCK_CORRUPT,
                                            0,
                                            { 1, 5, bytes, bytes, 25, { 0, { 0 } } } };
    static struct jt_writeoff_open open = { .number = 1, .n = 1, .items = &item };
    static struct jt_writeoff_opened opened = { .n = 1, .causes = { 2 }, .any = true };
    static struct jt_writeoff_show show = { .list_len = 3, .list = bytes };
    static struct jt_writeoff_shown shown = { .epoch = 9, .n_approved = 2, .warranted = true };
    jt_writeoff_open_encode(&open, &message);
    store(JT_VERB_WRITEOFF_OPEN, 0);
    jt_writeoff_opened_encode(&opened, &message);
    store(REPLY + JT_VERB_WRITEOFF_OPEN, 0);
    jt_writeoff_show_encode(&show, &message);
    store(JT_VERB_WRITEOFF_SHOW, 0);
    jt_writeoff_shown_encode(&shown, &message);
    store(REPLY + JT_VERB_WRITEOFF_SHOW, 0);
}

static void escrow(void)
{
    static struct jt_escrow_file file = { .len = 70, .bytes = { 'J', 'T', 'E', 'S' } };
    static const struct jt_escrow_report report = {
        77, 9, 1, 2, { { 1, 1, { 2 }, JT_OK }, { 5, 2, { 3 }, JT_ERR_KEY_MISSING } }
    };
    jt_escrow_file_encode(&file, &message);
    store(JT_VERB_ESCROW_CHECK, 0);
    jt_escrow_report_encode(&report, &message);
    store(REPLY + JT_VERB_ESCROW_CHECK, 0);
}

static void backup(void)
{
    static const struct jt_backup what = {
        { 1 }, 77, 78, 9, 2, { { 1, 1, { 2 } }, { 5, 2, { 3 } } }
    };
    struct jt_backup_receipt receipt = { .mac = { 4 } };
    jt_backup_body_encode(&what, &message);
    memcpy(receipt.body, message.data, message.len);
    receipt.body_len = message.len;
    jt_buf_reset(&message);
    jt_backup_receipt_encode(&receipt, &message);
    store(JT_VERB_BACKUP_CHECK, 0);
    jt_backup_receipt_encode(&receipt, &message);
    store(REPLY + JT_VERB_ESCROW_RECEIPT, 0);
}

static void audit_trail(void)
{
    struct jt_audit_end ends[2] = { { 1, 7, { 1 } }, { 4, 9, { 2 } } };
    const struct jt_audit_start start = {
        .id = 5, .node = "node1", .at_us = 77, .predecessor = 3, .ends = ends, .n_ends = 2
    };
    const struct jt_audit_claim claims[2] = { { { 1, 2, 3, { 4 }, { 5 } }, { 6 } },
                                              { { 7, 8, 9, { 10 }, { 11 } }, { 12 } } };
    const struct jt_audit_close close = { 1, 2, 3, { 4 }, 5, { 6 } };
    const bool good[2] = { true, false };
    jt_audit_start_encode(&start, &message);
    store(JT_VERB_AUDIT_START, 0);
    jt_audit_link_encode(&claims[0].link, &message);
    store(JT_VERB_AUDIT_LINK, 0);
    jt_audit_check_encode(claims, 2, &message);
    store(JT_VERB_AUDIT_CHECK, 0);
    jt_audit_check_reply_encode(good, 2, &message);
    store(REPLY + JT_VERB_AUDIT_CHECK, 2);
    jt_audit_close_encode(&close, &message);
    store(JT_VERB_AUDIT_CLOSE, 0);
}

static void requests_done_once(void)
{
    struct jt_once_item digests[2] = { { bytes }, { bytes } };
    jt_once_request_encode(digests, 2, &message);
    store(JT_VERB_ONCE, 0);
    struct jt_once_result macs[2] = { { { 1 } }, { { 2 } } };
    struct jt_once_reply once_reply = { 2, macs };
    jt_once_reply_encode(&once_reply, &message);
    store(REPLY + JT_VERB_ONCE, 2);
}

static void guesses(void)
{
    static const uint8_t card[8] = { 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 };
    const struct jt_guess_item items[2] = { { "app", card, 3, 8 }, { "", card, 0, 8 } };
    const struct jt_guess_request request = { JT_GUESS_TOKENIZE, 20000, items, 2 };
    jt_guess_request_encode(&request, &message);
    store(JT_VERB_GUESS, 0);
    struct jt_guess_result macs[2] = { { { 1 }, { 2 } }, { { 3 }, { 4 } } };
    const struct jt_guess_reply reply = { 2, macs };
    jt_guess_reply_encode(&reply, &message);
    store(REPLY + JT_VERB_GUESS, 2);
}

/* Sets of marks are too long for a seed: those here are of before there was one. */
static void honey(void)
{
    const struct jt_honey_sealed none = { .len = 0 };
    const struct jt_honey_accepted accepted = { .verdict = JT_HONEY_SAME };
    const struct jt_honey_order order = {
        .who.spec.id = "operator", .who.state = JT_ROW_ACTIVE, .act = JT_HONEY_ADD, .field = 1
    };
    static const struct jt_honey_tokens tokens = { .n = 1, .marks = { { 1, { 2 } } } };
    jt_honey_sealed_encode(&none, &message);
    store(JT_VERB_HONEY_ACCEPT, 0);
    jt_honey_accepted_encode(&accepted, &message);
    store(REPLY + JT_VERB_HONEY_ACCEPT, 0);
    jt_honey_change_encode(&order, &message);
    store(JT_VERB_HONEY_CHANGE, 0);
    jt_honey_list_encode(&order, &message);
    store(JT_VERB_HONEY_LIST, 0);
    jt_honey_tokens_encode(&tokens, &message);
    store(REPLY + JT_VERB_HONEY_LIST, 0);
}

void seeds_of_wire(void)
{
    jt_buf_init(&message, JT_WIRE_MAX_FRAME);
    jt_buf_init(&stream, JT_WIRE_MAX_FRAME);
    sessions();
    batches();
    numeric();
    clients_and_fields();
    rings();
    nodes();
    ends();
    write_offs();
    escrow();
    backup();
    audit_trail();
    requests_done_once();
    guesses();
    honey();
    seeds_of_custody(&message, store);
    seeds_of_columns(&message, store);
    jt_buf_clear(&message);
    jt_buf_clear(&stream);
}
