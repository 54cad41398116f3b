/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watch over the key directory: every file that is another than what the keeper goes by is
 * noticed, and so is it when all is well again.
 */
#include "inside.h"

#include "keeper/dirwatch.h"
#include "keeper/keydir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

static enum jt_err watch(struct inside *in)
{
    enum jt_err err = jt_dirwatch_check(in->k, 0, NULL);
    assert_true(in->k->dir_good == (err == JT_OK));
    return err;
}

/* One byte of what the keeper goes by is another; then it is not. */
static void differs(struct inside *in, void *byte)
{
    uint8_t *b = byte;
    *b ^= 1;
    assert_int_equal(watch(in), JT_ERR_DIRECTORY_BAD);
    *b ^= 1;
    assert_int_equal(watch(in), JT_OK);
}

static void each_file_that_is_another_is_noticed(void **state)
{
    struct inside *in = *state;
    assert_int_equal(watch(in), JT_OK);
    differs(in, in->k->master->check_value);
    differs(in, in->k->root->check_value);
    differs(in, &in->k->state.highest_epoch);
    differs(in, &in->k->state.id_mark);
    differs(in, &in->k->state.node_marks[3]);
    differs(in, in->k->state.ring.mac);
}

static void a_key_of_the_ring_that_is_another_is_noticed(void **state)
{
    struct inside *in = *state;
    uint8_t key[JT_GENERATION_KEY_LEN];
    const struct jt_genfile held = *jt_keyring_find(in->k->keyring, 1);
    memcpy(key, jt_keyring_key(in->k->keyring, 1), sizeof key);
    struct jt_genfile others[3] = { held, held, held };
    others[0].key_id ^= 0x40;
    others[1].check_value[0] ^= 1;
    others[2].number = 77; /* nor is the one meant held at all */
    for (size_t i = 0; i < 3; i++) {
        jt_keyring_clear(in->k->keyring);
        assert_int_equal(jt_keyring_add(in->k->keyring, &others[i], key), JT_OK);
        assert_int_equal(watch(in), JT_ERR_DIRECTORY_BAD);
    }
    jt_keyring_clear(in->k->keyring);
    assert_int_equal(jt_keyring_add(in->k->keyring, &held, key), JT_OK);
    assert_int_equal(watch(in), JT_OK);
    /* of one that was never in a ring no mark is looked for, and of one that was it is */
    assert_true(held.used);
    assert_int_equal(unlinkat(in->k->dir_fd, "generation-1.used", 0), 0);
    assert_int_equal(watch(in), JT_ERR_DIRECTORY_BAD);
    memset(key, 0, sizeof key);
}

/* A ring is looked at with the keys that it needs, and a number by itself. */
static void what_comes_is_looked_at_before_it_is_taken(void **state)
{
    struct inside *in = *state;
    struct jt_ring next = in->k->ring;
    const struct jt_generation_row g = inside_create(in, 1);
    next.entries[next.n++] = (struct jt_ring_entry){ .number = g.number,
                                                     .key_id = g.key_id,
                                                     .state = JT_GENERATION_ACTIVE };
    assert_int_equal(jt_dirwatch_check(in->k, g.number, &next), JT_OK);
    next.entries[next.n - 1].number = 77;
    assert_int_equal(jt_dirwatch_check(in->k, 0, &next), JT_ERR_DIRECTORY_BAD);
    next.entries[next.n - 1].state = JT_GENERATION_RETIRED;
    next.entries[next.n - 1].compromised = true;
    assert_int_equal(jt_dirwatch_check(in->k, 77, NULL), JT_ERR_DIRECTORY_BAD);
    assert_int_equal(watch(in), JT_OK);
}

/* The file has what a save that failed has left; the keeper goes by what it had before. */
static void what_a_failed_save_has_left_is_written_over(void **state)
{
    struct inside *in = *state;
    struct jt_keeper_state ahead = in->k->state;
    ahead.id_mark += 1000;
    assert_int_equal(jt_state_save(in->k->dir_fd, in->k->root, &ahead), JT_OK);
    assert_int_equal(watch(in), JT_ERR_DIRECTORY_BAD); /* somebody else wrote it */
    in->k->state_unsure = true;
    assert_int_equal(watch(in), JT_OK);
    assert_false(in->k->state_unsure);
    inside_restart(in, false);
    assert_true(in->k->state.id_mark == ahead.id_mark - 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_KEEPER(each_file_that_is_another_is_noticed),
        IN_A_KEEPER(a_key_of_the_ring_that_is_another_is_noticed),
        IN_A_KEEPER(what_comes_is_looked_at_before_it_is_taken),
        IN_A_KEEPER(what_a_failed_save_has_left_is_written_over),
    };
    return cmocka_run_group_tests_name("keeper/dirwatch", tests, NULL, NULL);
}
