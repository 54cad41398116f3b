/* SPDX-License-Identifier: Apache-2.0 */
/* SEAL: the order of the ids, probes, and what is left when something fails on the way. */
#include "inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 3000 /* more than two chunks */

static uint8_t pans[N][8];
static struct jt_seal_item items[N];
static struct jt_seal_result results[N];
static struct jt_seal_reply reply;

static int setup(void **state)
{
    (void)inside_setup(state);
    struct inside *in = *state;
    struct jt_node_joined joined;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    for (size_t i = 0; i < N; i++) {
        memset(pans[i], 0, sizeof pans[i]);
        pans[i][0] = 0x41;
        pans[i][6] = (uint8_t)(i / 100 % 10 << 4 | i / 1000 % 10);
        pans[i][7] = (uint8_t)(i / 10 % 10 << 4 | i % 10);
        items[i] =
            (struct jt_seal_item){ .field = FIELD_LINKED + (uint32_t)(i % 3),
                                   .value = { .kind = JT_FIELD_PAN, .bytes = pans[i], .len = 8 } };
    }
    return 0;
}

static enum jt_err ask(struct inside *in, size_t n, const uint8_t *retired, uint8_t n_retired)
{
    struct jt_seal_request request = { .n_retired = n_retired, .items = items, .n = n };
    if (n_retired > 0) {
        memcpy(request.retired, retired, n_retired);
    }
    struct jt_reader payload;
    jt_seal_request_encode(&request, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_SEAL, &payload);
    reply = (struct jt_seal_reply){ .results = results };
    if (err == JT_OK) {
        assert_int_equal(jt_seal_reply_decode(&payload, n, &reply), JT_OK);
    }
    return err;
}

static int by_field_and_fingerprint(const void *a, const void *b)
{
    size_t x = *(const uint16_t *)a;
    size_t y = *(const uint16_t *)b;
    if (items[x].field != items[y].field) {
        return items[x].field < items[y].field ? -1 : 1;
    }
    return memcmp(results[x].fingerprint, results[y].fingerprint, 16);
}

/*
 * The database inserts by (field, fingerprint): ids must ascend in that order too, or its index is
 * torn to and fro.
 */
static void ids_ascend_by_field_and_fingerprint(void **state)
{
    struct inside *in = *state;
    static uint16_t order[N];
    assert_int_equal(ask(in, N, NULL, 0), JT_OK);
    size_t n = 0;
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(results[i].err, JT_OK);
        assert_int_equal(results[i].id >> 14 & 0xff, NODE);
        if (items[i].field != FIELD_LINKED) {
            order[n++] = (uint16_t)i;
        }
    }
    qsort(order, n, sizeof order[0], by_field_and_fingerprint);
    for (size_t i = 1; i < n; i++) {
        assert_true(results[order[i]].id > results[order[i - 1]].id);
    }
    static bool seen[N];
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < N; i++) {
        first = results[i].id < first ? results[i].id : first;
    }
    for (size_t i = 0; i < N; i++) { /* all in one millisecond: as many ids as cards, none twice */
        assert_true(results[i].id - first < N);
        assert_false(seen[results[i].id - first]);
        seen[results[i].id - first] = true;
    }
    assert_int_equal(in->k->n_sealed, N);
}

static void a_card_twice_in_a_batch_has_two_ids_and_one_fingerprint(void **state)
{
    struct inside *in = *state;
    items[1].field = items[2].field = 2;
    items[2].value.bytes = items[1].value.bytes;
    assert_int_equal(ask(in, 3, NULL, 0), JT_OK);
    assert_memory_equal(results[1].fingerprint, results[2].fingerprint, 16);
    assert_true(results[1].id != results[2].id);
    assert_memory_not_equal(results[1].token, results[2].token, 16);
    assert_memory_not_equal(results[1].envelope, results[2].envelope, 25);
}

static void draining_generations_are_probed_and_retired_ones_on_request(void **state)
{
    struct inside *in = *state;
    uint8_t first[16];
    assert_int_equal(ask(in, 3, NULL, 0), JT_OK);
    memcpy(first, results[1].fingerprint, sizeof first);
    uint64_t second = inside_roll(in);
    uint64_t third = inside_roll(in);
    inside_retire(in, 1);
    assert_int_equal(ask(in, 3, NULL, 0), JT_OK);
    assert_int_equal(reply.n_probed, 1);
    assert_int_equal(reply.probed[0].key.generation, second);

    /* a retired one twice, a draining one, the active one, and a key id that nobody has */
    const uint8_t asked[] = { 1, 1, 2, 3, 99 };
    assert_int_equal(ask(in, 3, asked, sizeof asked), JT_OK);
    assert_int_equal(reply.active.generation, third);
    assert_int_equal(reply.n_probed, 2);
    assert_int_equal(reply.probed[0].key.generation, second);
    assert_false(reply.probed[0].retired);
    assert_int_equal(reply.probed[1].key.generation, 1);
    assert_true(reply.probed[1].retired);
    assert_memory_equal(results[1].probes + 16, first, 16);

    jt_keyring_remove(in->k->keyring, 1); /* a retired generation's key may be gone */
    assert_int_equal(ask(in, 3, asked, sizeof asked), JT_OK);
    assert_int_equal(reply.n_probed, 1);
}

static void bad_pans_take_no_id(void **state)
{
    struct inside *in = *state;
    pans[1][3] = 0xab;
    items[4].value.len = 0;
    items[6].value.kind = JT_FIELD_PAN + 1; /* of the field of no such kind */
    items[8].field = N_NAMED + 1;
    assert_int_equal(ask(in, 10, NULL, 0), JT_OK);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(results[i].err, i == 1 || i == 4 || i == 6 ? JT_ERR_INVALID
                                         : i == 8                   ? JT_ERR_NO_FIELD
                                                                    : JT_OK);
    }
    assert_int_equal(in->k->n_sealed, 6);
    assert_int_equal(in->k->mint.count, 6);
}

/* The active generation's key is lost half-way: an impossible thing, made to happen. */
static void a_failure_leaves_nothing_in_the_working_space(void **state)
{
    struct inside *in = *state;
    assert_int_equal(ask(in, N, NULL, 0), JT_OK);
    jt_keyring_remove(in->k->keyring, 1);
    assert_int_not_equal(ask(in, N, NULL, 0), JT_OK);
    assert_int_equal(in->reply.len, JT_FRAME_REPLY_HEAD); /* a status and nothing else */
    static const uint8_t nothing[32];
    for (size_t i = 0; i < N; i++) {
        assert_memory_equal(in->k->batch->envelopes[i], nothing, sizeof in->k->batch->envelopes[i]);
        assert_memory_equal(in->k->batch->fingerprints[i], nothing, 16);
        assert_memory_equal(in->k->batch->tokens[i], nothing, 16);
    }
}

static void without_a_disk_for_the_mark_nothing_is_sealed(void **state)
{
    struct inside *in = *state;
    int dir_fd = in->k->dir_fd;
    in->k->dir_fd = -1; /* where nothing can be written */
    assert_int_equal(ask(in, 3, NULL, 0), JT_ERR_IO);
    in->k->dir_fd = dir_fd;
    assert_int_equal(ask(in, 3, NULL, 0), JT_OK);
}

#define READY(test) cmocka_unit_test_setup_teardown(test, setup, inside_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        READY(ids_ascend_by_field_and_fingerprint),
        READY(a_card_twice_in_a_batch_has_two_ids_and_one_fingerprint),
        READY(draining_generations_are_probed_and_retired_ones_on_request),
        READY(bad_pans_take_no_id),
        READY(a_failure_leaves_nothing_in_the_working_space),
        READY(without_a_disk_for_the_mark_nothing_is_sealed),
    };
    return cmocka_run_group_tests_name("keeper/op_seal", tests, NULL, NULL);
}
