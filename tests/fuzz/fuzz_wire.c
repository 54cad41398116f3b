/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every message of the keeper protocol, as the keeper reads requests and as the front reads
 * replies. The first byte of an input says which: the verb of a request, REPLY and the verb of its
 * reply, or OTHER and a number for what stands in no message by itself. The second is how many
 * items a reply must answer. The rest is the message.
 *
 * What was taken encodes to the very bytes that were read: one message has one form. It is refused
 * when its last byte is missing, and a whole message when another byte follows. A refused request
 * holds no items and no secret.
 */
#include "fuzz.h"
#include "wire_batches.h"
#include "wire_custody.h"
#include "wire_ends.h"
#include "wire_nodes.h"
#include "wire_recovery.h"

#include "wire/audit.h"
#include "wire/certificate.h"
#include "wire/client.h"
#include "wire/field.h"
#include "wire/frame.h"
#include "wire/generation.h"
#include "wire/hello.h"
#include "wire/node.h"
#include "wire/numeric.h"
#include "wire/ring.h"
#include "wire/set.h"
#include "wire/status.h"

enum { OTHER = 0x40, REPLY = 0x80 };
enum { RING_BODY = OTHER + 1, FIELD_SPEC, COLUMN_COUNTED, COLUMN_COUNT };

#define MAX_LEN 65536

static enum jt_err hello(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    uint16_t version;
    enum jt_err err = jt_hello_decode(in, &version);
    jt_hello_encode(version, out);
    return err;
}

static enum jt_err hello_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_hello_reply reply;
    enum jt_err err = jt_hello_reply_decode(in, &reply);
    jt_hello_reply_encode(&reply, out);
    return err;
}

static enum jt_err status_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_keeper_status status;
    enum jt_err err = jt_keeper_status_decode(in, &status);
    jt_keeper_status_encode(&status, out);
    return err;
}

static enum jt_err field_alter(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_field_alter alter;
    enum jt_err err = jt_field_alter_decode(in, &alter);
    if (err == JT_OK) {
        jt_field_alter_encode(&alter, out);
    }
    return err;
}

static enum jt_err client_make(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    char id[JT_CLIENT_ID_MAX + 1];
    struct jt_client_order order;
    struct jt_set_row set = { 0 };
    enum jt_err err = jt_client_make_decode(in, id, &order, &set);
    jt_client_make_encode(id, &order, &set, out);
    return err;
}

static enum jt_err client_edit(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_client_edit edit;
    memset(&edit, 0, sizeof edit);
    enum jt_err err = jt_client_edit_decode(in, &edit);
    jt_client_edit_encode(&edit, out);
    return err;
}

static enum jt_err client_checked(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_client_checked checked;
    enum jt_err err = jt_client_checked_decode(in, &checked);
    jt_client_checked_encode(&checked, out);
    return err;
}

static enum jt_err client_change(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_client_change change = { 0 };
    enum jt_err err = jt_client_change_decode(in, &change);
    jt_client_change_encode(&change, out);
    return err;
}

static enum jt_err client_check(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_client_row row;
    uint8_t secret[JT_CLIENT_SECRET_LEN];
    enum jt_err err = jt_client_check_decode(in, &row, secret);
    MUST(err == JT_OK || fuzz_zero(secret, sizeof secret));
    jt_client_check_encode(&row, secret, out);
    return err;
}

static enum jt_err field_make(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_field_spec spec;
    struct jt_set_row set = { 0 };
    enum jt_err err = jt_field_make_decode(in, &spec, &set);
    jt_field_make_encode(&spec, &set, out);
    return err;
}

static enum jt_err field_change(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_field_change change = { 0 };
    enum jt_err err = jt_field_change_decode(in, &change);
    jt_field_change_encode(&change, out);
    return err;
}

static enum jt_err field_spec(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_field_spec spec;
    enum jt_err err = jt_field_spec_decode(in, &spec);
    jt_field_spec_encode(&spec, out);
    return err;
}

static enum jt_err generation_create(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_generation_create create;
    enum jt_err err = jt_generation_create_decode(in, &create);
    jt_generation_create_encode(&create, out);
    return err;
}

static enum jt_err generation_row(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_generation_row row;
    enum jt_err err = jt_generation_row_decode(in, &row);
    jt_generation_row_encode(&row, out);
    return err;
}

static enum jt_err generation_abandon(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_generation_row row;
    enum jt_err err = jt_generation_abandon_decode(in, &row);
    jt_generation_abandon_encode(&row, out);
    return err;
}

static enum jt_err ack_request(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_ack_request request;
    enum jt_err err = jt_ack_request_decode(in, &request);
    jt_ack_request_encode(&request, out);
    return err;
}

static enum jt_err ack_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_ack ack;
    enum jt_err err = jt_ack_decode(in, &ack);
    jt_ack_encode(&ack, out);
    return err;
}

static enum jt_err ack_claim(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_ack_claim claim;
    enum jt_err err = jt_ack_claim_decode(in, &claim);
    jt_ack_claim_encode(&claim, out);
    return err;
}

static enum jt_err ring_body(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_ring ring;
    enum jt_err err = jt_ring_decode(in->p, in->left, &ring);
    if (err != JT_OK) {
        MUST(fuzz_zero(&ring, sizeof ring));
        return err;
    }
    size_t n_active = 0;
    for (size_t i = 0; i < ring.n; i++) {
        n_active += ring.entries[i].state == JT_GENERATION_ACTIVE;
        MUST(jt_ring_find(&ring, ring.entries[i].number) == &ring.entries[i]);
    }
    MUST(n_active <= 1 && (jt_ring_active(&ring) != NULL) == (n_active == 1));
    (void)jt_reader_bytes(in, in->left);
    jt_ring_encode(&ring, out);
    return err;
}

static enum jt_err ring_propose(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_ring_propose propose;
    enum jt_err err = jt_ring_propose_decode(in, &propose);
    jt_ring_propose_encode(&propose, out);
    return err;
}

static enum jt_err ring_proposal(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_ring_proposal proposal;
    enum jt_err err = jt_ring_proposal_decode(in, &proposal);
    MUST(proposal.n_rows <= 2);
    jt_ring_proposal_encode(&proposal, out);
    return err;
}

static enum jt_err ring_accepted(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    bool joined;
    enum jt_err err = jt_ring_accepted_decode(in, &joined);
    jt_ring_accepted_encode(joined, out);
    return err;
}

static enum jt_err certificate(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_certificate certificate;
    enum jt_err err = jt_certificate_decode(in, &certificate);
    MUST(err != JT_OK || strlen(certificate.text) == certificate.text_len);
    jt_certificate_encode(&certificate, out);
    return err;
}

static enum jt_err node_join(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_open_item items[JT_WIRE_MAX_JOIN_ROWS];
    struct jt_node_join join;
    enum jt_err err = jt_node_join_decode(in, items, &join);
    MUST(err == JT_OK || join.n == 0);
    jt_node_join_encode(&join, out);
    return err;
}

static enum jt_err node_joined(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_node_joined joined;
    enum jt_err err = jt_node_joined_decode(in, &joined);
    jt_node_joined_encode(&joined, out);
    return err;
}

static enum jt_err numeric_show(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_numeric_show show;
    enum jt_err err = jt_numeric_show_decode(in, &show);
    jt_numeric_show_encode(&show, out);
    return err;
}

static enum jt_err numeric_shown(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_numeric_shown shown;
    enum jt_err err = jt_numeric_shown_decode(in, &shown);
    jt_numeric_shown_encode(&shown, out);
    return err;
}

static enum jt_err set_sum(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_set_change changes[JT_WIRE_MAX_SET_ROWS];
    struct jt_set_sum_request request;
    enum jt_err err = jt_set_sum_request_decode(in, changes, &request);
    MUST(err == JT_OK || request.n == 0);
    jt_set_sum_request_encode(&request, out);
    return err;
}

static enum jt_err set_sum_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_set_sum sum;
    enum jt_err err = jt_set_sum_decode(in, &sum);
    jt_set_sum_encode(&sum, out);
    return err;
}

static enum jt_err set_verify(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_set_sum sum;
    struct jt_set_row row = { 0 };
    enum jt_err err = jt_set_verify_decode(in, &sum, &row);
    jt_set_verify_encode(&sum, &row, out);
    return err;
}

static enum jt_err set_accept(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_set_accept accept = { 0 };
    enum jt_err err = jt_set_accept_decode(in, &accept);
    MUST(err == JT_OK || fuzz_zero(accept.secret, sizeof accept.secret));
    jt_set_accept_encode(&accept, out);
    return err;
}

static enum jt_err audit_start(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_audit_end ends[JT_AUDIT_ENDS_MAX];
    struct jt_audit_start start = { .ends = ends };
    enum jt_err err = jt_audit_start_decode(in, &start);
    jt_audit_start_encode(&start, out);
    return err;
}

static enum jt_err audit_link(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_audit_link link;
    enum jt_err err = jt_audit_link_decode(in, &link);
    jt_audit_link_encode(&link, out);
    return err;
}

static enum jt_err audit_check(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_audit_claim claims[JT_WIRE_MAX_AUDIT];
    enum jt_err err = jt_audit_check_decode(in, claims, &n);
    jt_audit_check_encode(claims, err == JT_OK ? n : 0, out);
    return err;
}

static enum jt_err audit_check_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    bool good[MAX_ANSWER + 1] = { false };
    enum jt_err err = jt_audit_check_reply_decode(in, n, good);
    jt_audit_check_reply_encode(good, n, out);
    return err;
}

static enum jt_err audit_close(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_audit_close close = { .start = 0 };
    enum jt_err err = jt_audit_close_decode(in, &close);
    jt_audit_close_encode(&close, out);
    return err;
}

/* Whole messages refuse what follows; objects leave it unread. */
enum kind { NONE, WHOLE, OBJECT };

static const struct {
    enum kind kind;
    message_fn *decode;
} messages[256] = {
    [JT_VERB_HELLO] = { WHOLE, hello },
    [JT_VERB_SEAL] = { WHOLE, fuzz_batch_seal },
    [JT_VERB_OPEN] = { WHOLE, fuzz_batch_open_request },
    [JT_VERB_RESEAL] = { WHOLE, fuzz_batch_open_request }, /* the items of an OPEN */
    [JT_VERB_CLIENT_MAKE] = { WHOLE, client_make },
    [JT_VERB_CLIENT_CHECK] = { WHOLE, client_check },
    [JT_VERB_FIELD_MAKE] = { WHOLE, field_make },
    [JT_VERB_GENERATION_CREATE] = { WHOLE, generation_create },
    [JT_VERB_GENERATION_ABANDON] = { WHOLE, generation_abandon },
    [JT_VERB_ACK] = { WHOLE, ack_request },
    [JT_VERB_ACK_CHECK] = { WHOLE, ack_claim },
    [JT_VERB_ACK_CHALLENGE] = { WHOLE, fuzz_nodes_challenge_request },
    [JT_VERB_GENERATION_HELD] = { WHOLE, fuzz_nodes_held },
    [JT_VERB_NODE_MARKS] = { WHOLE, fuzz_nodes_marks },
    [JT_VERB_NODE_ROW] = { OBJECT, fuzz_nodes_spec },
    [JT_VERB_ESCROW_CHECK] = { WHOLE, fuzz_nodes_escrow_file },
    [JT_VERB_ESCROW_RECEIPT] = { WHOLE, fuzz_nodes_escrow_file },
    [JT_VERB_BACKUP_CHECK] = { WHOLE, fuzz_nodes_receipt },
    [JT_VERB_PARCEL_ASK] = { WHOLE, fuzz_nodes_ask },
    [JT_VERB_PARCEL_ANSWER] = { WHOLE, fuzz_nodes_order },
    [JT_VERB_PARCEL_ACCEPT] = { WHOLE, fuzz_nodes_delivery },
    [JT_VERB_UNSEAL] = { WHOLE, fuzz_custody_unseal },
    [JT_VERB_CEREMONY_MAKE] = { WHOLE, fuzz_custody_order },
    [JT_VERB_CUSTODIANS_MAKE] = { WHOLE, fuzz_ends_custodians_make },
    [JT_VERB_CUSTODIANS_SHOW] = { OBJECT, fuzz_ends_custodian_row },
    [JT_VERB_DESTRUCTION_OPEN] = { WHOLE, fuzz_ends_destruction_open },
    [JT_VERB_DESTRUCTION_SHOW] = { WHOLE, fuzz_ends_destruction_show },
    [JT_VERB_DESTRUCTION_CERTIFY] = { WHOLE, fuzz_ends_destruction_certify },
    [REPLY + JT_VERB_UNSEAL] = { WHOLE, fuzz_custody_unsealed },
    [REPLY + JT_VERB_CEREMONY_MAKE] = { WHOLE, fuzz_custody_made },
    [REPLY + JT_VERB_UNSEAL_BOX] = { WHOLE, fuzz_custody_box },
    [REPLY + JT_VERB_CUSTODIANS_SHOW] = { WHOLE, fuzz_ends_custodians_shown },
    [REPLY + JT_VERB_DESTRUCTION_OPEN] = { OBJECT, fuzz_ends_destruction_request },
    [REPLY + JT_VERB_DESTRUCTION_SHOW] = { WHOLE, fuzz_ends_destruction_shown },
    [JT_VERB_RING_PROPOSE] = { WHOLE, ring_propose },
    [JT_VERB_RING_ACCEPT] = { WHOLE, fuzz_recovery_ring_shown },
    [JT_VERB_KEEPER_VIEW] = { WHOLE, fuzz_recovery_view_ask },
    [JT_VERB_RECOVERY_OPEN] = { WHOLE, fuzz_recovery_open },
    [JT_VERB_RECOVERY_SHOW] = { WHOLE, fuzz_recovery_show },
    [JT_VERB_RECOVERY_ACCEPT] = { WHOLE, fuzz_recovery_accept },
    [REPLY + JT_VERB_KEEPER_VIEW] = { WHOLE, fuzz_recovery_view },
    [REPLY + JT_VERB_RECOVERY_OPEN] = { WHOLE, fuzz_recovery_opened },
    [REPLY + JT_VERB_RECOVERY_SHOW] = { WHOLE, fuzz_recovery_shown },
    [JT_VERB_CERTIFY] = { WHOLE, fuzz_ends_certify },
    [JT_VERB_MATCH] = { WHOLE, fuzz_batch_match },
    [JT_VERB_IDENTIFY] = { WHOLE, fuzz_batch_identify },
    [JT_VERB_WRITEOFF_OPEN] = { WHOLE, fuzz_ends_writeoff_open },
    [JT_VERB_WRITEOFF_SHOW] = { WHOLE, fuzz_ends_writeoff_show },
    [REPLY + JT_VERB_WRITEOFF_OPEN] = { WHOLE, fuzz_ends_writeoff_opened },
    [REPLY + JT_VERB_WRITEOFF_SHOW] = { WHOLE, fuzz_ends_writeoff_shown },
    [JT_VERB_MEND] = { WHOLE, fuzz_batch_open_request }, /* the request of an OPEN */
    [JT_VERB_NAME] = { WHOLE, fuzz_batch_name },
    [JT_VERB_ONCE] = { WHOLE, fuzz_batch_once },
    [JT_VERB_GUESS] = { WHOLE, fuzz_batch_guess },
    [JT_VERB_HONEY_ACCEPT] = { WHOLE, fuzz_honey_sealed },
    [JT_VERB_HONEY_CHANGE] = { WHOLE, fuzz_honey_change },
    [JT_VERB_HONEY_LIST] = { WHOLE, fuzz_honey_list },
    [JT_VERB_NODE_JOIN] = { WHOLE, node_join },
    [JT_VERB_NUMERIC_MARK] = { WHOLE, numeric_show },
    [JT_VERB_FIELD_CHANGE] = { WHOLE, field_alter },
    [JT_VERB_SEAL_HELD] = { WHOLE, fuzz_batch_held },           /* and so are the other two */
    [JT_VERB_OPEN_MASKED] = { WHOLE, fuzz_batch_open_request }, /* the request of an OPEN */
    [JT_VERB_FINGERPRINT] = { WHOLE, fuzz_batch_seal },         /* the request of a SEAL */
    [JT_VERB_CLIENT_CHANGE] = { WHOLE, client_edit },
    [JT_VERB_SET_SUM] = { WHOLE, set_sum },
    [JT_VERB_SET_VERIFY] = { WHOLE, set_verify },
    [JT_VERB_SET_ACCEPT] = { WHOLE, set_accept },
    [JT_VERB_AUDIT_START] = { WHOLE, audit_start },
    [JT_VERB_AUDIT_LINK] = { WHOLE, audit_link },
    [JT_VERB_AUDIT_CHECK] = { WHOLE, audit_check },
    [JT_VERB_AUDIT_CLOSE] = { WHOLE, audit_close },
    [REPLY + JT_VERB_AUDIT_CHECK] = { OBJECT, audit_check_reply },
    [RING_BODY] = { WHOLE, ring_body },
    [FIELD_SPEC] = { OBJECT, field_spec },
    [COLUMN_COUNTED] = { WHOLE, fuzz_ends_column_counted }, /* verbs beyond those of replies */
    [COLUMN_COUNT] = { WHOLE, fuzz_ends_column_count },
    [REPLY + JT_VERB_HELLO] = { WHOLE, hello_reply },
    [REPLY + JT_VERB_STATUS] = { WHOLE, status_reply },
    [REPLY + JT_VERB_SEAL] = { WHOLE, fuzz_batch_seal_reply },
    [REPLY + JT_VERB_OPEN] = { WHOLE, fuzz_batch_open_reply },
    [REPLY + JT_VERB_RESEAL] = { WHOLE, fuzz_batch_reseal_reply },
    [REPLY + JT_VERB_CLIENT_MAKE] = { WHOLE, client_change },
    [REPLY + JT_VERB_CLIENT_CHECK] = { OBJECT, client_checked },
    [REPLY + JT_VERB_FIELD_MAKE] = { WHOLE, field_change },
    [REPLY + JT_VERB_GENERATION_CREATE] = { OBJECT, generation_row },
    [REPLY + JT_VERB_ACK] = { OBJECT, ack_reply },
    [REPLY + JT_VERB_RING_PROPOSE] = { WHOLE, ring_proposal },
    [REPLY + JT_VERB_RING_ACCEPT] = { WHOLE, ring_accepted },
    [REPLY + JT_VERB_CERTIFY] = { OBJECT, certificate },
    [REPLY + JT_VERB_MATCH] = { WHOLE, fuzz_batch_match_reply },
    [REPLY + JT_VERB_IDENTIFY] = { WHOLE, fuzz_batch_identify_reply },
    [REPLY + JT_VERB_MEND] = { WHOLE, fuzz_batch_mend_reply },
    [REPLY + JT_VERB_NAME] = { WHOLE, fuzz_batch_name_reply },
    [REPLY + JT_VERB_ONCE] = { WHOLE, fuzz_batch_once_reply },
    [REPLY + JT_VERB_GUESS] = { WHOLE, fuzz_batch_guess_reply },
    [REPLY + JT_VERB_HONEY_ACCEPT] = { WHOLE, fuzz_honey_accepted },
    [REPLY + JT_VERB_HONEY_CHANGE] = { WHOLE, fuzz_honey_sealed },
    [REPLY + JT_VERB_HONEY_LIST] = { WHOLE, fuzz_honey_tokens },
    [REPLY + JT_VERB_NODE_JOIN] = { WHOLE, node_joined },
    [REPLY + JT_VERB_NUMERIC_MARK] = { WHOLE, numeric_shown },
    [REPLY + JT_VERB_FIELD_CHANGE] = { WHOLE, field_change },
    [REPLY + JT_VERB_SEAL_HELD] = { WHOLE, fuzz_batch_held_reply },
    [REPLY + JT_VERB_OPEN_MASKED] = { WHOLE, fuzz_batch_open_masked_reply },
    [REPLY + JT_VERB_FINGERPRINT] = { WHOLE, fuzz_batch_fingerprint_reply },
    [REPLY + JT_VERB_ACK_CHALLENGE] = { WHOLE, fuzz_nodes_challenge },
    [REPLY + JT_VERB_NODE_MARKS] = { WHOLE, fuzz_nodes_verdicts },
    [REPLY + JT_VERB_NODE_ROW] = { OBJECT, fuzz_nodes_row },
    [REPLY + JT_VERB_ESCROW_CHECK] = { WHOLE, fuzz_nodes_escrow_report },
    [REPLY + JT_VERB_ESCROW_RECEIPT] = { WHOLE, fuzz_nodes_receipt },
    [REPLY + JT_VERB_PARCEL_ASK] = { OBJECT, fuzz_nodes_request },
    [REPLY + JT_VERB_PARCEL_ANSWER] = { OBJECT, fuzz_nodes_parcel },
    [REPLY + JT_VERB_SET_SUM] = { OBJECT, set_sum_reply },
};

/* Reads `len` bytes of `data` from memory of just that size. *used are those that were read. */
static enum jt_err decode(uint8_t which, size_t n, const uint8_t *data, size_t len, size_t *used)
{
    uint8_t *copy = fuzz_copy(data, len);
    struct jt_reader in = jt_reader_init(copy, len);
    struct jt_buf again;
    jt_buf_init(&again, 2 * MAX_LEN);
    enum jt_err err = messages[which].decode(&in, n, &again);
    *used = len - in.left;
    if (err == JT_OK) {
        MUST(!in.bad && jt_buf_status(&again) == JT_OK);
        MUST(messages[which].kind == OBJECT || in.left == 0);
        MUST(fuzz_same(again.data, again.len, copy, *used));
    }
    jt_buf_clear(&again);
    free(copy);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    size_t used, ignored;
    if (len < 2 || len > MAX_LEN || messages[data[0]].kind == NONE) {
        return -1;
    }
    uint8_t which = data[0];
    size_t n = data[1];
    if (decode(which, n, data + 2, len - 2, &used) != JT_OK) {
        return 0;
    }
    MUST(used == 0 || decode(which, n, data + 2, used - 1, &ignored) != JT_OK);
    uint8_t *longer = malloc(used + 1);
    MUST(longer != NULL);
    memcpy(longer, data + 2, used);
    longer[used] = 0;
    MUST((decode(which, n, longer, used + 1, &ignored) == JT_OK) ==
         (messages[which].kind == OBJECT));
    free(longer);
    return 0;
}
