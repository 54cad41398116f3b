/* SPDX-License-Identifier: Apache-2.0 */
/* All keys in one file, altered in every bit, and back from it into an empty directory. */
#include "pair.h"

#include "base/file.h"
#include "crypto/kdf.h"
#include "keeper/escrow.h"
#include "keeper/genmark.h"
#include "keeper/keydir.h"
#include "wire/escrow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

static struct jt_escrow_file file;
static struct jt_escrow_report report;
static struct jt_node_joined joined;

static void make(struct inside *in)
{
    struct jt_reader reply;
    assert_int_equal(inside_ask(in, JT_VERB_ESCROW_MAKE, &reply), JT_OK);
    assert_int_equal(jt_escrow_file_decode(&reply, &file), JT_OK);
}

static enum jt_err check(struct inside *in)
{
    struct jt_reader reply;
    jt_escrow_file_encode(&file, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_ESCROW_CHECK, &reply);
    if (err == JT_OK) {
        assert_int_equal(jt_escrow_report_decode(&reply, &report), JT_OK);
    }
    return err;
}

static enum jt_err restore(struct inside *in)
{
    struct jt_reader reply;
    jt_escrow_file_encode(&file, &in->payload);
    return inside_ask(in, JT_VERB_ESCROW_RESTORE, &reply);
}

static void a_file_says_what_is_in_it(void **state)
{
    struct keeper_pair *p = *state;
    (void)inside_roll(p->a);
    make(p->a);
    assert_int_equal(check(p->a), JT_OK);
    assert_int_equal(report.epoch, p->a->ring.epoch);
    assert_int_equal(report.n, 2);
    assert_int_equal(report.n_absent, 0);
    for (size_t i = 0; i < 2; i++) {
        const struct jt_genfile *held = jt_keyring_find(p->a->k->keyring, i + 1);
        assert_int_equal(report.keys[i].number, i + 1);
        assert_int_equal(report.keys[i].verdict, JT_OK);
        assert_memory_equal(report.keys[i].check_value, held->check_value, JT_CHECK_VALUE_LEN);
        /* which also stands in the clear, for whoever keeps files and has no keeper */
        const uint8_t *entry = file.bytes + JT_ESCROW_HEAD_LEN + i * JT_ESCROW_ENTRY_LEN;
        assert_int_equal(jt_get_u64(entry), i + 1);
    }
    /* A later key is not in it. */
    (void)inside_create(p->a, 2);
    assert_int_equal(check(p->a), JT_OK);
    assert_int_equal(report.n_absent, 1);
    /* One that is gone here is. */
    jt_keyring_remove(p->a->k->keyring, 1);
    assert_int_equal(check(p->a), JT_OK);
    assert_int_equal(report.keys[0].verdict, JT_ERR_KEY_MISSING);
    assert_int_equal(report.keys[1].verdict, JT_OK);
}

/* Nothing of a key stands in it in the clear. */
static void no_key_is_in_the_clear(void **state)
{
    struct keeper_pair *p = *state;
    make(p->a);
    const uint8_t *keys[] = { p->a->k->root->key, jt_keyring_key(p->a->k->keyring, 1) };
    for (size_t i = 0; i < 2; i++) {
        assert_null(memmem(file.bytes, file.len, keys[i], 8));
        assert_null(memmem(file.bytes, file.len, keys[i] + 24, 8));
    }
}

static void every_altered_bit_and_every_cut_is_refused(void **state)
{
    struct keeper_pair *p = *state;
    make(p->a);
    for (size_t bit = 0; bit < 8 * file.len; bit++) {
        file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(check(p->a), JT_OK);
        assert_int_not_equal(restore(p->b), JT_OK);
        file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    size_t len = file.len;
    for (file.len = 0; file.len < len; file.len++) {
        assert_int_equal(check(p->a), JT_ERR_FILE_ALTERED);
        assert_int_equal(restore(p->b), JT_ERR_FILE_ALTERED);
    }
    assert_null(p->b->k->root);
    assert_false(pair_has_file(p->b, JT_KEYDIR_ROOT));
    assert_int_equal(check(p->a), JT_OK);
}

static void a_file_of_elsewhere_is_named_as_such(void **state)
{
    struct keeper_pair *p = *state;
    void *stranger_state;
    struct jt_reader reply;
    (void)inside_setup(&stranger_state);
    make(stranger_state); /* another master key */
    assert_int_equal(check(p->a), JT_ERR_MASTER_OTHER);
    assert_int_equal(restore(p->b), JT_ERR_MASTER_OTHER);
    (void)inside_teardown(&stranger_state);
    /* The same master key, another service root. */
    assert_int_equal(inside_ask(p->b, JT_VERB_RING_FIRST, &reply), JT_OK);
    make(p->b);
    assert_int_equal(check(p->a), JT_ERR_ROOT_OTHER);
}

/* The node's directory is lost; the master key comes from where it is kept. */
static void a_lost_directory_comes_back_and_works(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_node_row row;
    struct row card;
    assert_int_equal(inside_join(p->a, NODE, NULL, 0, false, &joined), JT_OK);
    inside_seal(p->a, 1, true, &card, 1);
    (void)inside_roll(p->a);
    struct jt_generation_row future = inside_create(p->a, 2);
    p->a->k->state.seen[0] = (struct jt_seen_set){ .version = 8, .mac = { 1 } };
    p->a->k->state.numeric = (struct jt_numeric_mark){ 5, 6, 7 };
    make(p->a);
    assert_int_equal(restore(p->b), JT_OK);
    inside_restart(p->b, false); /* all of it is durable */
    assert_int_equal(inside_accept(p->b, &p->a->ring), JT_OK);
    const struct jt_open_item item = { .field = card.field,
                                       .id = card.id,
                                       .fingerprint = card.fingerprint,
                                       .envelope = card.envelope,
                                       .envelope_len = sizeof card.envelope };
    struct jt_open_result result;
    struct jt_open_reply opened = { .results = &result };
    struct jt_reader reply;
    jt_open_request_encode(&item, 1, &p->b->payload);
    assert_int_equal(inside_ask(p->b, JT_VERB_OPEN, &reply), JT_OK);
    assert_int_equal(jt_open_reply_decode(&reply, 1, &opened), JT_OK);
    assert_int_equal(result.err, JT_OK);
    assert_memory_equal(result.value.bytes, card.pan, sizeof card.pan);

    const struct jt_keeper_state *restored = &p->b->k->state;
    assert_int_equal(restored->highest_generation, 3);
    assert_int_equal(restored->seen[0].version, 8);
    assert_int_equal(restored->numeric.timeline, 7);
    assert_int_equal(restored->node, 0); /* whose number it takes is not in the file */
    assert_true(jt_keyring_find(p->b->k->keyring, 1)->used);
    assert_false(jt_keyring_find(p->b->k->keyring, future.number)->used);
    assert_true(p->b->k->root->created_s == p->a->k->root->created_s);

    /* Under the number of the lost node it mints above all that this one may have minted. */
    assert_int_equal(jt_keeper_node_row(p->a->k, &row), JT_OK);
    assert_int_equal(inside_join(p->b, NODE, NULL, 0, false, &joined), JT_OK);
    struct row next;
    inside_seal(p->b, 2, true, &next, 1);
    assert_true(jt_idmint_ms_of(next.id) > row.id_mark);
    assert_int_equal(check(p->b), JT_OK);
    assert_int_equal(report.n, 3);
}

static void an_earlier_ring_is_not_taken_after_it(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_ring_row earlier = p->a->ring;
    struct jt_reader reply;
    (void)inside_roll(p->a);
    make(p->a);
    assert_int_equal(restore(p->b), JT_OK);
    assert_int_equal(inside_ask(p->b, JT_VERB_RING_FIRST, &reply), JT_ERR_RING_THERE);
    assert_int_equal(inside_accept(p->b, &earlier), JT_ERR_WENT_BACK);
    assert_int_equal(inside_accept(p->b, &p->a->ring), JT_OK);
}

static void only_an_empty_directory_is_filled(void **state)
{
    struct keeper_pair *p = *state;
    make(p->a);
    assert_int_equal(restore(p->a), JT_ERR_KEY_THERE);
    pair_carry_all(p);
    assert_int_equal(restore(p->b), JT_ERR_KEY_THERE);
}

/* As a crash would leave it: the root, some keys, a key without its mark. */
static void what_was_cut_off_is_done_again(void **state)
{
    struct keeper_pair *p = *state;
    (void)inside_roll(p->a);
    (void)inside_roll(p->a);
    make(p->a);
    assert_int_equal(restore(p->b), JT_OK);
    assert_int_equal(unlinkat(p->b->k->dir_fd, "generation-1.used", 0), 0);
    assert_int_equal(unlinkat(p->b->k->dir_fd, "generation-3.used", 0), 0);
    assert_int_equal(unlinkat(p->b->k->dir_fd, "generation-3.key", 0), 0);
    inside_restart(p->b, false);
    assert_int_equal(restore(p->b), JT_OK);
    assert_true(pair_has_file(p->b, "generation-1.used"));
    assert_true(pair_has_file(p->b, "generation-3.used"));
    inside_restart(p->b, false);
    assert_int_equal(inside_accept(p->b, &p->a->ring), JT_OK);
    assert_int_equal(restore(p->b), JT_ERR_KEY_THERE);
}

/* A key of the same number that is not in the file was made meanwhile: it is not touched. */
static void a_key_in_the_way_of_a_restore_stays(void **state)
{
    struct keeper_pair *p = *state;
    make(p->a);
    assert_int_equal(restore(p->b), JT_OK);
    jt_keyring_remove(p->b->k->keyring, 1);
    const struct jt_genfile other = { .number = 1, .key_id = 1, .development = true };
    const uint8_t key[JT_GENERATION_KEY_LEN] = { 1 };
    assert_int_equal(jt_keyring_add(p->b->k->keyring, &other, key), JT_OK);
    assert_int_equal(restore(p->b), JT_ERR_KEY_WRONG);
}

static void as_many_keys_as_there_can_be_fit(void **state)
{
    (void)state;
    static struct jt_escrow full, back;
    struct jt_master master = { .check_value = { 1 } };
    full.state.development = true;
    full.n = JT_ESCROW_MAX_KEYS;
    assert_int_equal(jt_kdf_derive(full.root, JT_KDF_ROOT_CHECK, NULL, 0, full.root_check_value,
                                   JT_CHECK_VALUE_LEN),
                     JT_OK);
    for (size_t i = 0; i < full.n; i++) {
        struct jt_genfile *meta = &full.entries[i].meta;
        *meta = (struct jt_genfile){ .number = i + 1, .key_id = (uint8_t)(i + 1) };
        full.entries[i].key[0] = (uint8_t)i;
        assert_int_equal(jt_genfile_check_value(full.entries[i].key, meta->check_value), JT_OK);
        full.state.node_marks[i + 1] = i + 5;
    }
    assert_int_equal(jt_escrow_seal(&master, &full, &file), JT_OK);
    assert_int_equal(file.len, JT_ESCROW_MAX);
    assert_int_equal(jt_escrow_open(&master, true, &file, &back), JT_OK);
    assert_int_equal(back.n, JT_ESCROW_MAX_KEYS);
    assert_memory_equal(back.state.node_marks, full.state.node_marks, sizeof full.state.node_marks);
    assert_int_equal(jt_escrow_open(&master, false, &file, &back), JT_ERR_FILE_FOREIGN);
    static const struct jt_escrow nothing;
    assert_memory_equal(&back, &nothing, sizeof back); /* wiped */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PAIR(a_file_says_what_is_in_it),
        IN_A_PAIR(no_key_is_in_the_clear),
        IN_A_PAIR(every_altered_bit_and_every_cut_is_refused),
        IN_A_PAIR(a_file_of_elsewhere_is_named_as_such),
        IN_A_PAIR(a_lost_directory_comes_back_and_works),
        IN_A_PAIR(an_earlier_ring_is_not_taken_after_it),
        IN_A_PAIR(only_an_empty_directory_is_filled),
        IN_A_PAIR(what_was_cut_off_is_done_again),
        IN_A_PAIR(a_key_in_the_way_of_a_restore_stays),
        cmocka_unit_test(as_many_keys_as_there_can_be_fit),
    };
    return cmocka_run_group_tests_name("keeper/op_escrow", tests, NULL, NULL);
}
