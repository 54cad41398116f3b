/* SPDX-License-Identifier: Apache-2.0 */
#include "inside.h"

#include "base/file.h"
#include "keeper/keydir.h"
#include "rehearsal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

static void load(struct inside *in)
{
    struct jt_fault fault = { 0 };
    const struct jt_keeper_source source = { .directory = in->files.keys, .development = true };
    if (jt_keeper_load(&source, &in->k, &fault) != JT_OK) {
        fail_msg("start: %s", fault.cause);
    }
    in->session = (struct jt_session){ .greeted = true };
    for (uint32_t id = 1; id <= N_NAMED; id++) { /* as SET_SUM of their rows would */
        const struct jt_field_spec spec = { .id = id,
                                            .kind = JT_FIELD_PAN,
                                            .dedup = id != FIELD_LINKED };
        assert_int_equal(
            jt_fieldtable_add(&in->k->fields,
                              &(struct jt_field_row){ .spec = spec, .state = JT_ROW_ACTIVE }),
            JT_OK);
    }
    in->k->fields.complete = true;
}

int inside_setup_bare(void **state)
{
    struct inside *in = calloc(1, sizeof *in);
    struct jt_fault fault = { 0 };
    assert_non_null(in);
    jt_buf_init(&in->payload, JT_WIRE_MAX_FRAME);
    jt_buf_init(&in->reply, JT_WIRE_MAX_FRAME + 64);
    keeper_make(&in->files, "development", "");
    assert_int_equal(jt_keeper_init(in->files.keys, true, NULL, &fault), JT_OK);
    load(in);
    *state = in;
    return 0;
}

static enum jt_err ask(struct inside *in, uint8_t verb, struct jt_reader *out)
{
    const struct jt_frame request = { .verb = verb,
                                      .payload = in->payload.data,
                                      .payload_len = in->payload.len };
    jt_buf_reset(&in->reply);
    enum jt_err err = jt_dispatch(in->k, &in->session, &request, &in->reply);
    assert_true(err == JT_OK || err == JT_ERR_PROTOCOL);
    jt_buf_reset(&in->payload);
    assert_int_equal(in->reply.data[JT_FRAME_LENGTH_BYTES], verb);
    enum jt_err status;
    size_t skip = JT_FRAME_LENGTH_BYTES + 1;
    *out = jt_reader_init(in->reply.data + skip, in->reply.len - skip);
    assert_int_equal(jt_wire_outcome_decode(out, &status), JT_OK);
    return status;
}

enum jt_err inside_ask(struct inside *in, uint8_t verb, struct jt_reader *out)
{
    if (rehearse != NULL) {
        rehearse(in, verb);
    }
    return ask(in, verb, out);
}

int inside_setup(void **state)
{
    (void)inside_setup_bare(state);
    struct inside *in = *state;
    struct jt_reader reply;
    assert_int_equal(ask(in, JT_VERB_RING_FIRST, &reply), JT_OK);
    assert_int_equal(jt_ring_row_decode(&reply, &in->ring), JT_OK);
    jt_ring_row_encode(&in->ring, &in->payload);
    assert_int_equal(ask(in, JT_VERB_RING_ACCEPT, &reply), JT_OK);
    (void)inside_roll(in);
    return 0;
}

int inside_teardown(void **state)
{
    struct inside *in = *state;
    jt_keeper_free(in->k);
    keeper_remove(&in->files);
    jt_buf_clear(&in->payload);
    jt_buf_clear(&in->reply);
    free(in);
    return 0;
}

struct inside *inside_beside(const struct inside *first)
{
    void *state;
    struct jt_fault fault = { 0 };
    int from;
    struct jt_buf master;
    (void)inside_setup_bare(&state);
    struct inside *in = state;
    jt_keeper_free(in->k);
    jt_buf_init(&master, 1000);
    from = first->k->dir_fd;
    assert_int_equal(jt_file_read(from, JT_KEYDIR_MASTER, true, &master), JT_OK);
    assert_int_equal(jt_keydir_open(in->files.keys, &from, &fault), JT_OK);
    assert_int_equal(jt_file_replace(from, JT_KEYDIR_MASTER, master.data, master.len), JT_OK);
    close(from);
    jt_buf_clear(&master);
    load(in);
    return in;
}

void inside_restart(struct inside *in, bool clean)
{
    if (clean) {
        assert_int_equal(jt_keeper_settle(in->k), JT_OK);
    }
    jt_keeper_free(in->k);
    load(in);
}

/* Proposes what is given and accepts what comes. */
static void step(struct inside *in, const struct jt_generation_row *g, uint8_t target)
{
    const struct jt_ring_propose propose = { .current = in->ring,
                                             .generation = *g,
                                             .step = target };
    struct jt_ring_proposal proposal;
    struct jt_reader reply;
    jt_ring_propose_encode(&propose, &in->payload);
    assert_int_equal(ask(in, JT_VERB_RING_PROPOSE, &reply), JT_OK);
    assert_int_equal(jt_ring_proposal_decode(&reply, &proposal), JT_OK);
    jt_ring_row_encode(&proposal.next, &in->payload);
    assert_int_equal(ask(in, JT_VERB_RING_ACCEPT, &reply), JT_OK);
    in->ring = proposal.next;
}

struct jt_generation_row inside_create(struct inside *in, uint64_t db_highest)
{
    const struct jt_generation_create create = { .db_highest = db_highest };
    struct jt_generation_row g;
    struct jt_reader reply;
    jt_generation_create_encode(&create, &in->payload);
    assert_int_equal(ask(in, JT_VERB_GENERATION_CREATE, &reply), JT_OK);
    assert_int_equal(jt_generation_row_decode(&reply, &g), JT_OK);
    return g;
}

uint64_t inside_roll(struct inside *in)
{
    struct jt_generation_row g = inside_create(in, 0);
    step(in, &g, JT_GENERATION_ACTIVE);
    return g.number;
}

enum jt_err inside_accept(struct inside *in, const struct jt_ring_row *ring)
{
    struct jt_reader reply;
    jt_ring_row_encode(ring, &in->payload);
    enum jt_err err = ask(in, JT_VERB_RING_ACCEPT, &reply);
    if (err == JT_OK) {
        in->ring = *ring;
    }
    return err;
}

struct jt_generation_row inside_row(struct inside *in, uint64_t number)
{
    const struct jt_ring_entry *e = jt_ring_find(&in->k->ring, number);
    assert_non_null(e);
    struct jt_generation_row g = {
        .number = number, .key_id = e->key_id, .state = e->state, .mac_epoch = in->ring.epoch
    };
    memcpy(g.check_value, e->check_value, sizeof g.check_value);
    assert_int_equal(jt_rowmac_generation(in->k->root, &g, g.mac), JT_OK);
    return g;
}

void inside_retire(struct inside *in, uint64_t number)
{
    struct jt_generation_row g = inside_row(in, number);
    step(in, &g, JT_GENERATION_RETIRED);
}

enum jt_err inside_join(struct inside *in, uint8_t number, const struct row *rows, size_t n,
                        bool accept_ahead, struct jt_node_joined *out)
{
    static struct jt_open_item newest[JT_WIRE_MAX_JOIN_ROWS];
    struct jt_node_join join = { .spec = { .name = "node1", .number = number },
                                 .accept_ahead = accept_ahead,
                                 .newest = newest,
                                 .n = n };
    for (size_t i = 0; i < n; i++) {
        newest[i] = (struct jt_open_item){ .field = rows[i].field,
                                           .id = rows[i].id,
                                           .fingerprint = rows[i].fingerprint,
                                           .envelope = rows[i].envelope,
                                           .envelope_len = sizeof rows[i].envelope };
    }
    jt_node_join_encode(&join, &in->payload);
    struct jt_reader reply;
    *out = (struct jt_node_joined){ 0 };
    enum jt_err err = ask(in, JT_VERB_NODE_JOIN, &reply);
    if (err == JT_OK) {
        assert_int_equal(jt_node_joined_decode(&reply, out), JT_OK);
    }
    return err;
}

static void pan_of(size_t number, uint8_t out[static 8])
{
    memset(out, 0, 8);
    out[0] = 0x41;
    for (size_t d = 0; d < 6; d++, number /= 10) {
        out[7 - d] = (uint8_t)(number % 10);
    }
}

void inside_seal(struct inside *in, size_t first, bool dedup, struct row *rows, size_t n)
{
    static struct jt_seal_item items[JT_WIRE_MAX_ITEMS];
    static struct jt_seal_result results[JT_WIRE_MAX_ITEMS];
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct row){ .field = dedup ? FIELD : FIELD_LINKED };
        pan_of(first + i, rows[i].pan);
        items[i] = (struct jt_seal_item){
            .field = rows[i].field,
            .value = { .kind = JT_FIELD_PAN, .bytes = rows[i].pan, .len = 8 }
        };
    }
    const struct jt_seal_request request = { .items = items, .n = n };
    struct jt_seal_reply reply = { .results = results };
    struct jt_reader payload;
    jt_seal_request_encode(&request, &in->payload);
    assert_int_equal(ask(in, JT_VERB_SEAL, &payload), JT_OK);
    assert_int_equal(jt_seal_reply_decode(&payload, n, &reply), JT_OK);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(results[i].err, JT_OK);
        assert_int_equal(results[i].envelope_len, 25);
        rows[i].id = results[i].id;
        memcpy(rows[i].fingerprint, results[i].fingerprint, 16);
        memcpy(rows[i].envelope, results[i].envelope, 25);
        memcpy(rows[i].token, results[i].token, 16);
    }
}

struct row inside_forge(struct inside *in, uint64_t generation, uint64_t id)
{
    struct row row = { .field = FIELD, .id = id };
    struct jt_fieldkey *fk;
    uint8_t row_id[JT_ROW_ID_LEN];
    pan_of((size_t)(id % 1000), row.pan);
    jt_put_u64(row_id, id);
    assert_int_equal(jt_keyring_fieldkey(in->k->keyring, generation, FIELD, &fk), JT_OK);
    struct jt_cmac_record print = { row.pan, sizeof row.pan, row.fingerprint };
    assert_int_equal(jt_fieldkey_fingerprint(fk, &print, 1), JT_OK);
    struct jt_siv_record seal = { .in = row.pan, .in_len = sizeof row.pan, .out = row.envelope };
    jt_fieldkey_bind(&seal, row_id, row.fingerprint);
    assert_int_equal(jt_fieldkey_seal(fk, &seal, 1), JT_OK);
    assert_int_equal(seal.err, JT_OK);
    return row;
}
