/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rotation of the master key: what it needs, what it changes and what it leaves, and what of
 * its file keeps a keeper from starting. test_rotation_cut.c cuts it off.
 */
#include "rehearsal.h"
#include "rotating.h"

#include "base/file.h"
#include "keeper/keydir.h"
#include "keeper/rewrap.h"
#include "keeper/rotation.h"
#include "wire/rotation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

/* --- what it does --- */

static enum jt_err escrow(struct inside *in, const struct jt_escrow_file *given,
                          struct jt_rotation_escrow *out)
{
    struct jt_reader reply;
    jt_escrow_file_encode(given, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_ROTATION_ESCROW, &reply);
    if (err == JT_OK) {
        assert_int_equal(jt_rotation_escrow_decode(&reply, out), JT_OK);
    }
    return err;
}

static void who_does_not_open_the_present_key_rotates_nothing(void **state)
{
    struct inside *in = *state;
    struct jt_escrow_file none = { .len = 0 };
    struct jt_rotation_escrow made;
    assert_int_equal(rotating_make(in, ANOTHER), JT_ERR_NO_CEREMONY);
    assert_int_equal(rotating_give(in, JT_VERB_ROTATION_PROVE, JT_UNSEAL_PHRASE, PHRASE),
                     JT_ERR_NO_CEREMONY);
    assert_int_equal(rotating_begin(in, &rotating_by_another), JT_ERR_PHRASE_WRONG);
    assert_int_equal(rotating_make(in, ANOTHER), JT_ERR_NO_CEREMONY);
    assert_int_equal(escrow(in, &none, &made), JT_ERR_NO_CEREMONY);
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    assert_int_equal(rotating_give(in, JT_VERB_ROTATION_PROVE, JT_UNSEAL_SHARE, "jks_x"),
                     JT_ERR_OTHER_METHOD);
    /* begun anew, what was given before counts for nothing */
    assert_int_equal(rotating_begin(in, &rotating_by_phrase), JT_OK);
    assert_int_equal(rotating_make(in, ANOTHER), JT_OK);
    assert_int_equal(rotating_give(in, JT_VERB_ROTATION_PROVE, JT_UNSEAL_NOTHING, ""), JT_OK);
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    /* what was given is good for an hour */
    assert_int_equal(rotating_begin(in, &rotating_by_phrase), JT_OK);
    assert_int_equal(rotating_make(in, ANOTHER), JT_OK);
    in->k->ceremony->rotation.proved_ms -= (int64_t)60 * 60 * 1000;
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    /* and a keeper that was sealed meanwhile knows of no rotation */
    assert_int_equal(rotating_begin(in, &rotating_by_phrase), JT_OK);
    assert_int_equal(rotating_make(in, ANOTHER), JT_OK);
    assert_int_equal(rotating_ask(in, JT_VERB_SEAL_UP), JT_OK);
    assert_int_equal(rotating_begin(in, &rotating_by_phrase), JT_ERR_SEALED);
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    assert_int_equal(rotating_give_all(in, JT_VERB_UNSEAL, &rotating_by_phrase), JT_OK);
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    in->session.of_owner = false;
    assert_int_equal(rotating_begin(in, &rotating_by_phrase), JT_ERR_NOT_OWNER);
}

/* Two who mixed theirs would each have half of what opens it. */
static void a_rotation_is_of_one_connection(void **state)
{
    struct inside *in = *state;
    in->session.number = 1;
    assert_int_equal(rotating_begin(in, &rotating_by_phrase), JT_OK);
    assert_int_equal(rotating_make(in, ANOTHER), JT_OK);
    in->session.number = 2;
    assert_int_equal(rotating_begin(in, &rotating_by_phrase), JT_ERR_OTHER_CEREMONY);
    assert_int_equal(rotating_give_all(in, JT_VERB_ROTATION_PROVE, &rotating_by_phrase),
                     JT_ERR_OTHER_CEREMONY);
    assert_int_equal(rotating_make(in, ANOTHER), JT_ERR_OTHER_CEREMONY);
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_ERR_OTHER_CEREMONY);
    jt_rewrap_closed(in->k, 2); /* which has none */
    in->session.number = 1;
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_OK);
    /* one that was left is nobody else's, and in nobody's way */
    assert_int_equal(rotating_begin(in, &rotating_by_another), JT_OK);
    jt_rewrap_closed(in->k, 1);
    in->session.number = 3;
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    assert_int_equal(rotating_begin(in, &rotating_by_another), JT_OK);
    in->k->ceremony->rotation.begun_ms -= (int64_t)60 * 60 * 1000;
    in->session.number = 4;
    assert_int_equal(rotating_begin(in, &rotating_by_another), JT_OK);
}

static void the_new_one_opens_everything_and_the_old_one_nothing(void **state)
{
    struct inside *in = *state;
    struct rotating_known known;
    uint8_t wrap[sizeof in->k->master->wrap_key];
    rotating_remember(in, &known);
    memcpy(wrap, in->k->master->wrap_key, sizeof wrap);
    assert_int_equal(rotating_begin(in, &rotating_by_phrase), JT_OK);
    assert_int_equal(rotating_make(in, ANOTHER), JT_OK);
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_OK);
    /* it goes on as before: a key is made and erased, another ring is taken */
    assert_memory_not_equal(wrap, in->k->master->wrap_key, sizeof wrap);
    rotating_check(in, &known);
    assert_false(in->k->rotating || rotating_is_there(in, JT_KEYDIR_ROTATION));
    assert_null(in->k->ceremony);
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    assert_int_equal(rotating_ask(in, JT_VERB_SEAL_UP), JT_OK);
    assert_int_equal(rotating_give_all(in, JT_VERB_UNSEAL, &rotating_by_phrase),
                     JT_ERR_PHRASE_WRONG);
    assert_int_equal(rotating_give_all(in, JT_VERB_UNSEAL, &rotating_by_another), JT_OK);
    rotating_check(in, &known);
    rotating_load(in);
    assert_int_equal(rotating_give_all(in, JT_VERB_UNSEAL, &rotating_by_phrase),
                     JT_ERR_PHRASE_WRONG);
    assert_int_equal(rotating_give_all(in, JT_VERB_UNSEAL, &rotating_by_another), JT_OK);
    rotating_check(in, &known);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    assert_int_equal(inside_create(in, 3).number, 4);
}

static void an_escrow_file_is_read_back_and_has_every_key(void **state)
{
    struct inside *in = *state;
    struct rotating_opener next;
    const struct jt_escrow_file none = { .len = 0 };
    static struct jt_rotation_escrow made, again;
    assert_int_equal(rotating_begin(in, &rotating_by_phrase), JT_OK);
    assert_int_equal(escrow(in, &none, &made), JT_ERR_NO_CEREMONY);
    rotating_make_shares(in, &next);
    assert_int_equal(escrow(in, &none, &made), JT_OK);
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END),
                     JT_ERR_NO_CEREMONY); /* not read back */
    struct jt_escrow_file file = made.file;
    file.bytes[file.len - 1] ^= 1;
    assert_int_equal(escrow(in, &file, &again), JT_ERR_BACKUP_ALTERED);
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    assert_int_equal(escrow(in, &made.file, &again), JT_OK);
    assert_memory_equal(again.digest, made.digest, sizeof made.digest);
    /* a key that has come since is not in it */
    assert_int_equal(inside_create(in, 3).number, 4);
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_ERR_ROTATION_KEYS);
    assert_int_equal(escrow(in, &made.file, &again), JT_ERR_ROTATION_KEYS);
    assert_false(rotating_is_there(in, JT_KEYDIR_ROTATION));
    assert_int_equal(escrow(in, &none, &made), JT_OK);
    assert_int_equal(escrow(in, &made.file, &again), JT_OK);
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_OK);
    /* it is good under the new master key, as any other */
    jt_escrow_file_encode(&made.file, &in->payload);
    assert_int_equal(rotating_ask(in, JT_VERB_ESCROW_CHECK), JT_OK);
    rotating_open(in, &next);
    assert_int_equal(jt_keyring_count(in->k->keyring), 4);
}

static enum jt_err follow(struct inside *in, const struct jt_buf *file)
{
    static struct jt_rotation_follow f;
    f = (struct jt_rotation_follow){ .len = file->len };
    memcpy(f.file, file->data, file->len);
    jt_rotation_follow_encode(&f, &in->payload);
    return rotating_ask(in, JT_VERB_ROTATION_FOLLOW);
}

static void another_node_goes_over_to_the_same_one(void **state)
{
    struct inside *in = *state;
    struct rotating_known known;
    struct jt_buf file;
    /* as another node has made it: here, and all is put back */
    rotating_remember(in, &known);
    assert_int_equal(rotating_begin(in, &rotating_by_phrase), JT_OK);
    assert_int_equal(rotating_make(in, ANOTHER), JT_OK);
    assert_int_equal(jt_ceremony_file(in->k->ceremony, &file), JT_OK);
    assert_int_equal(rotating_give(in, JT_VERB_ROTATION_PROVE, JT_UNSEAL_NOTHING, ""), JT_OK);
    assert_int_equal(follow(in, &file), JT_ERR_NO_CEREMONY);
    assert_int_equal(rotating_begin(in, &rotating_by_phrase), JT_OK);
    assert_int_equal(rotating_give_all(in, JT_VERB_ROTATION_FOLLOW, &rotating_by_another),
                     JT_ERR_NO_CEREMONY);
    file.data[0] ^= 1;
    assert_int_equal(follow(in, &file), JT_ERR_FILE_ALTERED);
    file.data[0] ^= 1;
    assert_int_equal(follow(in, &file), JT_OK);
    assert_int_equal(rotating_make(in, ANOTHER), JT_ERR_NO_CEREMONY);
    assert_int_equal(rotating_give_all(in, JT_VERB_ROTATION_FOLLOW, &rotating_by_phrase),
                     JT_ERR_PHRASE_WRONG);
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    assert_int_equal(rotating_give_all(in, JT_VERB_ROTATION_FOLLOW, &rotating_by_another), JT_OK);
    assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_OK);
    struct jt_buf now;
    jt_buf_init(&now, 1000);
    assert_int_equal(jt_file_read(in->k->dir_fd, JT_KEYDIR_MASTER, true, &now), JT_OK);
    assert_int_equal(now.len, file.len);
    assert_memory_equal(now.data, file.data, now.len);
    rotating_open(in, &rotating_by_another);
    rotating_check(in, &known);
    jt_buf_clear(&now);
    jt_buf_clear(&file);
}

/* --- what was put there by hand --- */

static void put(struct inside *in, const char *name, const struct jt_buf *bytes)
{
    assert_int_equal(jt_file_replace(in->k->dir_fd, name, bytes->data, bytes->len), JT_OK);
}

/* A rotation that stands in the directory, of a keeper that ended right behind the one step. */
static void leave_rotation(struct inside *in, struct jt_buf *out)
{
    struct jt_rotation *r = calloc(1, sizeof *r);
    struct jt_buf bytes;
    assert_non_null(r);
    assert_int_equal(rotating_begin(in, &rotating_by_phrase), JT_OK);
    assert_int_equal(rotating_make(in, ANOTHER), JT_OK);
    assert_int_equal(jt_ceremony_file(in->k->ceremony, &bytes), JT_OK);
    struct jt_master *next;
    assert_int_equal(jt_master_new(in->k->ceremony->key, &next), JT_OK);
    r->development = true;
    memcpy(r->from, in->k->master->check_value, sizeof r->from);
    memcpy(r->to, next->check_value, sizeof r->to);
    memcpy(r->master, bytes.data, bytes.len);
    r->master_len = bytes.len;
    jt_buf_clear(&bytes);
    assert_int_equal(jt_root_wrap(next, in->k->root, true, in->k->root->created_s, &bytes), JT_OK);
    memcpy(r->root, bytes.data, sizeof r->root);
    jt_buf_clear(&bytes);
    for (r->n = 0; r->n < N_KEYS; r->n++) {
        const struct jt_genfile *meta = jt_keyring_find(in->k->keyring, r->n + 1);
        assert_int_equal(
            jt_genfile_wrap(next, meta, jt_keyring_key(in->k->keyring, r->n + 1), &bytes), JT_OK);
        memcpy(r->keys[r->n].bytes, bytes.data, sizeof r->keys[r->n].bytes);
        r->keys[r->n].number = r->n + 1;
        jt_buf_clear(&bytes);
    }
    assert_int_equal(jt_rotation_encode(r, out), JT_OK);
    jt_master_free(next);
    free(r);
}

static void a_key_that_was_erased_since_does_not_come_back(void **state)
{
    struct inside *in = *state;
    struct jt_buf bytes;
    leave_rotation(in, &bytes);
    assert_int_equal(jt_genfile_erase(in->k->dir_fd, 3), JT_OK);
    put(in, JT_KEYDIR_ROTATION, &bytes);
    rotating_open(in, &rotating_by_another);
    assert_int_equal(jt_keyring_count(in->k->keyring), 2);
    assert_false(rotating_is_there(in, "generation-3.key") ||
                 rotating_is_there(in, JT_KEYDIR_ROTATION));
    jt_buf_clear(&bytes);
}

static void refuses(struct inside *in, enum jt_err why, const char *told)
{
    struct jt_fault fault = { 0 };
    struct jt_keeper *k;
    const struct jt_keeper_source source = { .directory = in->files.keys, .development = true };
    jt_keeper_free(in->k);
    in->k = NULL;
    rehearse_start(&source);
    assert_int_equal(jt_keeper_load(&source, &k, &fault), why);
    assert_non_null(strstr(fault.cause, told));
    assert_true(rotating_is_there(in, JT_KEYDIR_ROTATION));
}

static const struct rotating_opener third = { JT_UNSEAL_PHRASE, { "the third of them all", "" } };

static void what_it_does_not_know_keeps_the_keeper_from_starting(void **state)
{
    struct inside *in = *state;
    struct jt_buf bytes;
    int dir_fd;
    leave_rotation(in, &bytes);
    assert_int_equal(inside_create(in, 3).number, 4);
    put(in, JT_KEYDIR_ROTATION, &bytes);
    refuses(in, JT_ERR_FILE_UNSAFE, "does not have the key of generation 4");
    dir_fd = open(in->files.keys, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir_fd >= 0);
    for (size_t i = 0; i < bytes.len; i += 37) { /* every place counts */
        bytes.data[i] ^= 0x10;
        assert_int_equal(jt_file_replace(dir_fd, JT_KEYDIR_ROTATION, bytes.data, bytes.len), JT_OK);
        refuses(in, JT_ERR_FILE_ALTERED, "rotation is damaged");
        bytes.data[i] ^= 0x10;
    }
    /* nor does one of another master key, which is another's after each rotation */
    assert_int_equal(unlinkat(dir_fd, JT_KEYDIR_ROTATION, 0), 0);
    close(dir_fd);
    rotating_open(in, &rotating_by_phrase);
    assert_int_equal(jt_genfile_erase(in->k->dir_fd, 4), JT_OK);
    rotating_open(in, &rotating_by_phrase);
    for (int i = 0; i < 2; i++) {
        const struct rotating_opener *present = i == 0 ? &rotating_by_phrase : &third;
        assert_int_equal(rotating_begin(in, present), JT_OK);
        assert_int_equal(rotating_make(in, third.text[0]), JT_OK);
        assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_END), JT_OK);
    }
    put(in, JT_KEYDIR_ROTATION, &bytes);
    refuses(in, JT_ERR_FILE_UNSAFE, "does not go from the master key of this directory");
    dir_fd = open(in->files.keys, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir_fd >= 0);
    /* without it everything is as it was */
    assert_int_equal(unlinkat(dir_fd, JT_KEYDIR_ROTATION, 0), 0);
    rotating_open(in, &third);
    assert_int_equal(jt_keyring_count(in->k->keyring), 3);
    close(dir_fd);
    jt_buf_clear(&bytes);
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, rotating_setup, inside_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(who_does_not_open_the_present_key_rotates_nothing),
        HERE(a_rotation_is_of_one_connection),
        HERE(the_new_one_opens_everything_and_the_old_one_nothing),
        HERE(an_escrow_file_is_read_back_and_has_every_key),
        HERE(another_node_goes_over_to_the_same_one),
        HERE(a_key_that_was_erased_since_does_not_come_back),
        HERE(what_it_does_not_know_keeps_the_keeper_from_starting),
    };
    return cmocka_run_group_tests_name("keeper/rotation", tests, NULL, NULL);
}
