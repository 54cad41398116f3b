/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's directory and the three kinds of files in it, without a process. */
#include "keeper/genfile.h"
#include "keeper/genmark.h"
#include "keeper/keydir.h"
#include "keeper/keeper.h"
#include "keeper/master.h"
#include "keeper/root.h"
#include "keeper/rowmac.h"
#include "keeper/state.h"

#include "base/file.h"
#include "keeper_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENVIRONMENT_AT 9 /* in every file: behind magic and format */

struct fixture {
    struct keeper k; /* only its directory */
    int dir_fd;
    struct jt_master *master;
    struct jt_root *root; /* its file and an empty state are there */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    struct jt_fault fault = { 0 };
    keeper_make(&f->k, "development", "");
    assert_int_equal(jt_keeper_init(f->k.keys, true, NULL, &fault), JT_OK);
    assert_int_equal(jt_keydir_open(f->k.keys, &f->dir_fd, &fault), JT_OK);
    assert_int_equal(jt_master_load(f->dir_fd, true, &f->master, &fault), JT_OK);
    const struct jt_keeper_state empty = { .development = true };
    assert_int_equal(jt_root_generate(&f->root), JT_OK);
    assert_int_equal(jt_state_save(f->dir_fd, f->root, &empty), JT_OK);
    assert_int_equal(jt_root_store(f->dir_fd, f->master, f->root, true, 1763712000), JT_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    jt_root_free(f->root);
    jt_master_free(f->master);
    close(f->dir_fd);
    keeper_remove(&f->k);
    free(f);
    return 0;
}

static void read_file(int dir_fd, const char *name, struct jt_buf *out)
{
    jt_buf_init(out, 10000);
    assert_int_equal(jt_file_read(dir_fd, name, true, out), JT_OK);
}

static void init_is_refused_where_keys_are(void **state)
{
    struct fixture *f = *state;
    struct jt_fault fault = { 0 };
    close(f->dir_fd);
    assert_int_equal(jt_keeper_init(f->k.keys, true, NULL, &fault), JT_ERR_FILE_EXISTS);
    assert_non_null(strstr(fault.cause, "has a master key already"));

    jt_fault_clear(&fault);
    assert_int_equal(jt_keydir_open(f->k.keys, &f->dir_fd, &fault), JT_OK);
    assert_int_equal(unlinkat(f->dir_fd, JT_KEYDIR_MASTER, 0), 0);
    close(f->dir_fd);
    assert_int_equal(jt_keeper_init(f->k.keys, true, NULL, &fault),
                     JT_ERR_FILE_EXISTS); /* a service root that it has wrapped */
    assert_non_null(strstr(fault.cause, "restore its master.key"));

    jt_fault_clear(&fault);
    assert_int_equal(jt_keydir_open(f->k.keys, &f->dir_fd, &fault), JT_OK);
    const uint8_t key[JT_GENERATION_KEY_LEN] = { 1 };
    struct jt_genfile meta = { .number = 1, .key_id = 1, .development = true };
    assert_int_equal(jt_genfile_create(f->dir_fd, f->master, &meta, key), JT_OK);
    assert_int_equal(unlinkat(f->dir_fd, JT_KEYDIR_ROOT, 0), 0);
    close(f->dir_fd);
    assert_int_equal(jt_keeper_init(f->k.keys, true, NULL, &fault), JT_ERR_FILE_EXISTS);
    assert_non_null(strstr(fault.cause, "restore its master.key"));
    jt_fault_clear(&fault);
    assert_int_equal(jt_keydir_open(f->k.keys, &f->dir_fd, &fault), JT_OK);
}

static void every_flipped_bit_of_the_master_key_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct jt_buf file;
    read_file(f->dir_fd, JT_KEYDIR_MASTER, &file);
    assert_int_equal(file.len, 52);
    for (size_t bit = 0; bit < 8 * file.len; bit++) {
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(jt_file_replace(f->dir_fd, JT_KEYDIR_MASTER, file.data, file.len), JT_OK);
        struct jt_fault fault = { 0 };
        struct jt_master *m;
        assert_int_equal(jt_master_load(f->dir_fd, true, &m, &fault), JT_ERR_FILE_ALTERED);
        assert_null(m);
        assert_true(fault.cause[0] != '\0');
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    jt_buf_clear(&file);
}

static void every_flipped_bit_of_a_generation_key_file_is_refused(void **state)
{
    struct fixture *f = *state;
    uint8_t key[JT_GENERATION_KEY_LEN];
    memset(key, 7, sizeof key);
    struct jt_genfile meta = {
        .number = 3, .key_id = 9, .development = true, .created_s = 1763712000
    };
    assert_int_equal(jt_genfile_check_value(key, meta.check_value), JT_OK);
    assert_int_equal(jt_genfile_create(f->dir_fd, f->master, &meta, key), JT_OK);
    assert_int_equal(jt_genfile_create(f->dir_fd, f->master, &meta, key), JT_ERR_FILE_EXISTS);

    struct jt_genfile back;
    uint8_t key_back[JT_GENERATION_KEY_LEN];
    const uint8_t nothing[JT_GENERATION_KEY_LEN] = { 0 };
    struct jt_fault fault = { 0 };
    assert_int_equal(jt_genfile_load(f->dir_fd, f->master, true, 3, &back, key_back, &fault),
                     JT_OK);
    assert_int_equal(back.key_id, 9);
    assert_int_equal(back.created_s, 1763712000);
    assert_memory_equal(key_back, key, sizeof key);

    char name[JT_KEYDIR_NAME_LEN];
    jt_keydir_generation_name(3, name);
    struct jt_buf file;
    read_file(f->dir_fd, name, &file);
    assert_int_equal(file.len, 84);
    for (size_t bit = 0; bit < 8 * file.len; bit++) {
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(jt_file_replace(f->dir_fd, name, file.data, file.len), JT_OK);
        enum jt_err err = jt_genfile_load(f->dir_fd, f->master, true, 3, &back, key_back, &fault);
        /* denied: the environment byte */
        assert_true(err == JT_ERR_FILE_ALTERED || err == JT_ERR_FILE_FOREIGN);
        assert_memory_equal(key_back, nothing, sizeof nothing);
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < file.len; len++) {
        assert_int_equal(jt_file_replace(f->dir_fd, name, file.data, len), JT_OK);
        assert_int_equal(jt_genfile_load(f->dir_fd, f->master, true, 3, &back, key_back, &fault),
                         JT_ERR_FILE_ALTERED);
    }
    jt_buf_clear(&file);
}

static void a_key_file_of_another_master_key_is_refused(void **state)
{
    struct fixture *f = *state;
    struct fixture *other;
    void *other_state;
    setup(&other_state);
    other = other_state;
    uint8_t key[JT_GENERATION_KEY_LEN] = { 1 };
    struct jt_genfile meta = { .number = 1, .key_id = 1, .development = true };
    assert_int_equal(jt_genfile_check_value(key, meta.check_value), JT_OK);
    assert_int_equal(jt_genfile_create(f->dir_fd, other->master, &meta, key), JT_OK);
    struct jt_fault fault = { 0 };
    assert_int_equal(jt_genfile_load(f->dir_fd, f->master, true, 1, &meta, key, &fault),
                     JT_ERR_FILE_ALTERED);
    assert_non_null(strstr(fault.cause, "another master key"));
    teardown(&other_state);
}

static void every_flipped_bit_of_the_service_root_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct jt_fault fault = { 0 };
    struct jt_root *back;
    assert_int_equal(jt_root_store(f->dir_fd, f->master, f->root, true, 0), JT_ERR_FILE_EXISTS);
    assert_int_equal(jt_root_load(f->dir_fd, f->master, true, &back, &fault), JT_OK);
    assert_memory_equal(back->key, f->root->key, sizeof back->key);
    assert_memory_equal(back->check_value, f->root->check_value, sizeof back->check_value);
    assert_memory_equal(back->sign_public, f->root->sign_public, sizeof back->sign_public);
    jt_root_free(back);
    assert_int_equal(jt_root_load(f->dir_fd, f->master, false, &back, &fault), JT_ERR_FILE_FOREIGN);

    struct jt_buf file;
    read_file(f->dir_fd, JT_KEYDIR_ROOT, &file);
    assert_int_equal(file.len, 76);
    for (size_t bit = 0; bit < 8 * file.len; bit++) {
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(jt_file_replace(f->dir_fd, JT_KEYDIR_ROOT, file.data, file.len), JT_OK);
        enum jt_err err = jt_root_load(f->dir_fd, f->master, true, &back, &fault);
        assert_true(err == JT_ERR_FILE_ALTERED ||
                    err == JT_ERR_FILE_FOREIGN); /* denied: the environment byte */
        assert_null(back);
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < file.len; len++) {
        assert_int_equal(jt_file_replace(f->dir_fd, JT_KEYDIR_ROOT, file.data, len), JT_OK);
        assert_int_equal(jt_root_load(f->dir_fd, f->master, true, &back, &fault),
                         JT_ERR_FILE_ALTERED);
    }
    jt_buf_clear(&file);
    assert_int_equal(unlinkat(f->dir_fd, JT_KEYDIR_ROOT, 0), 0);
    assert_int_equal(jt_root_load(f->dir_fd, f->master, true, &back, &fault), JT_ERR_NO_FILE);
}

static void a_service_root_of_another_master_key_is_refused(void **state)
{
    struct fixture *f = *state;
    void *other_state;
    setup(&other_state);
    struct fixture *other = other_state;
    struct jt_fault fault = { 0 };
    struct jt_root *back;
    assert_int_equal(jt_root_load(f->dir_fd, other->master, true, &back, &fault),
                     JT_ERR_FILE_ALTERED);
    assert_non_null(strstr(fault.cause, "another master key"));
    teardown(&other_state);
}

static void token_keys_are_kept_for_more_fields_than_fit(void **state)
{
    struct fixture *f = *state;
    uint8_t first[2 * JT_ROOT_CACHE][JT_TOKEN_LEN];
    const uint64_t id = 77;
    for (int round = 0; round < 2; round++) {
        for (uint32_t field = 0; field < 2 * JT_ROOT_CACHE; field++) {
            uint8_t token[1][JT_TOKEN_LEN];
            struct jt_tokenkey *tk;
            assert_int_equal(jt_root_tokenkey(f->root, field, &tk), JT_OK);
            assert_int_equal(jt_tokenkey_seal(tk, &id, 1, token), JT_OK);
            if (round == 0) {
                memcpy(first[field], token[0], sizeof token[0]);
            }
            assert_memory_equal(token[0], first[field], sizeof token[0]);
            assert_true(field == 0 || memcmp(first[field], first[field - 1], sizeof token[0]) != 0);
        }
    }
}

static void an_erased_key_file_is_gone(void **state)
{
    struct fixture *f = *state;
    uint8_t key[JT_GENERATION_KEY_LEN] = { 1 };
    struct jt_genfile meta = { .number = 1, .key_id = 1, .development = true };
    assert_int_equal(jt_genfile_check_value(key, meta.check_value), JT_OK);
    assert_int_equal(jt_genfile_create(f->dir_fd, f->master, &meta, key), JT_OK);
    assert_int_equal(jt_genfile_erase(f->dir_fd, 1), JT_OK);
    assert_int_equal(jt_genfile_erase(f->dir_fd, 1), JT_ERR_NO_FILE);
    struct jt_keydir listing;
    struct jt_fault fault = { 0 };
    assert_int_equal(jt_keydir_list(f->dir_fd, &listing, &fault), JT_OK);
    assert_int_equal(listing.n_generations, 0);
}

static void every_flipped_bit_of_the_state_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct jt_keeper_state s = { .development = true,
                                 .highest_epoch = 0,
                                 .highest_generation = 4,
                                 .node = 200,
                                 .node_marks = { [1] = 77, [200] = 5, [255] = UINT64_MAX },
                                 .id_mark = UINT64_C(1) << 40,
                                 .course = { 1, 2, 3, { [1] = 6, [255] = 8 } },
                                 .forked = true,
                                 .opened = { .ever = 7000000000, .day = 20000, .today = 81 } };
    assert_int_equal(jt_state_save(f->dir_fd, f->root, &s), JT_OK);
    struct jt_keeper_state back;
    struct jt_ring ring;
    struct jt_fault fault = { 0 };
    assert_int_equal(jt_state_load(f->dir_fd, f->root, true, &back, &ring, &fault), JT_OK);
    assert_int_equal(back.highest_generation, 4);
    assert_int_equal(back.node, 200);
    assert_memory_equal(back.node_marks, s.node_marks, sizeof s.node_marks);
    assert_memory_equal(&back.course, &s.course, sizeof s.course);
    assert_true(back.forked);
    assert_true(back.id_mark == UINT64_C(1) << 40);
    assert_true(back.opened.ever == 7000000000 && back.opened.day == 20000);
    assert_true(back.opened.today == 81);
    assert_int_equal(ring.epoch, 0);
    assert_int_equal(jt_state_load(f->dir_fd, f->root, false, &back, &ring, &fault),
                     JT_ERR_FILE_FOREIGN);

    struct jt_buf file;
    read_file(f->dir_fd, JT_KEYDIR_STATE, &file);
    for (size_t bit = 0; bit < 8 * file.len; bit++) {
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(jt_file_replace(f->dir_fd, JT_KEYDIR_STATE, file.data, file.len), JT_OK);
        assert_int_equal(jt_state_load(f->dir_fd, f->root, true, &back, &ring, &fault),
                         JT_ERR_FILE_ALTERED);
        file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    jt_buf_clear(&file);
    assert_int_equal(unlinkat(f->dir_fd, JT_KEYDIR_STATE, 0), 0);
    assert_int_equal(jt_state_load(f->dir_fd, f->root, true, &back, &ring, &fault), JT_ERR_NO_FILE);
}

/* A key file of before there were several keepers: its key is this one's own. */
static void a_key_file_of_the_first_format_is_read(void **state)
{
    struct fixture *f = *state;
    struct jt_fault fault = { 0 };
    uint8_t key[JT_GENERATION_KEY_LEN] = { 1 }, back[JT_GENERATION_KEY_LEN];
    struct jt_genfile meta = { .number = 1, .key_id = 1, .development = true, .foreign = true };
    struct jt_buf file;
    assert_int_equal(jt_genfile_check_value(key, meta.check_value), JT_OK);
    assert_int_equal(jt_genfile_create(f->dir_fd, f->master, &meta, key), JT_OK);
    assert_int_equal(jt_genfile_load(f->dir_fd, f->master, true, 1, &meta, back, &fault), JT_OK);
    assert_true(meta.foreign);
    read_file(f->dir_fd, "generation-1.key", &file);
    for (uint8_t origin = 0; origin < 2; origin++) { /* which that format did not have */
        file.data[8] = 1;
        file.data[11] = origin;
        assert_int_equal(
            jt_wrap_seal(f->master->wrap_key, file.data, 36, key, sizeof key, file.data + 36),
            JT_OK);
        assert_int_equal(jt_file_replace(f->dir_fd, "generation-1.key", file.data, file.len),
                         JT_OK);
        assert_int_equal(jt_genfile_load(f->dir_fd, f->master, true, 1, &meta, back, &fault),
                         origin == 0 ? JT_OK : JT_ERR_FILE_ALTERED);
        assert_false(meta.foreign);
    }
    jt_buf_clear(&file);
}

/*
 * One of format 6 has no course of the database (21 bytes, as long as nobody has renewed a lease in
 * it, at COURSE_AT); one of format 5 no marks of nodes (a byte, as long as there are none, at
 * MARKS_AT) either, one of format 4 no count of messages sealed (8 + 8 bytes at SEALED_AT) and no
 * mark of numeric tokens (8
 * + 8 + 4 bytes behind it) either, and one of format 3 no count of opened cards (20 bytes at
 * OPENED_AT). All else is the same.
 */
#define OPENED_AT  92
#define SEALED_AT  112
#define MARKS_AT   148
#define COURSE_AT  149
#define COURSE_END (COURSE_AT + 8 + 4 + 8 + 1)
static void read_older(struct fixture *f, uint8_t format, size_t from, struct jt_keeper_state *back)
{
    struct jt_fault fault = { 0 };
    const struct jt_keeper_state s = { .development = true,
                                       .node = 3,
                                       .id_mark = 99,
                                       .operators_revoked = 12,
                                       .opened = { 1, 2, 3 },
                                       .sealed = { 4, 5 },
                                       .numeric = { 4, 5, 6 },
                                       .course = { 7, 8, 9, { 0 } } };
    struct jt_ring ring;
    struct jt_buf file;
    assert_int_equal(jt_state_save(f->dir_fd, f->root, &s), JT_OK);
    read_file(f->dir_fd, JT_KEYDIR_STATE, &file);
    file.data[8] = format;
    memmove(file.data + from, file.data + COURSE_END, file.len - COURSE_END);
    size_t len = file.len - (COURSE_END - from), body_len = len - JT_ROW_MAC_LEN;
    assert_int_equal(jt_rowmac_state(f->root, file.data, body_len, file.data + body_len), JT_OK);
    assert_int_equal(jt_file_replace(f->dir_fd, JT_KEYDIR_STATE, file.data, len), JT_OK);
    assert_int_equal(jt_state_load(f->dir_fd, f->root, true, back, &ring, &fault), JT_OK);
    assert_true(back->id_mark == 99 && back->operators_revoked == 12 && back->node == 3);
    bool counted = from >= MARKS_AT;
    assert_true(back->sealed.generation == (counted ? 4 : 0));
    assert_true(back->sealed.n == (counted ? 5 : 0));
    assert_true(back->numeric.mark == (counted ? 4 : 0));
    assert_true(back->numeric.system_identifier == (counted ? 5 : 0));
    assert_false(jt_course_known(&back->course));
    for (size_t i = 0; i < 256; i++) {
        assert_int_equal(back->node_marks[i], 0);
    }
    jt_buf_clear(&file);
}

static void a_state_file_without_the_counts_of_later_versions_is_read(void **state)
{
    struct jt_keeper_state back;
    read_older(*state, 6, COURSE_AT, &back);
    assert_true(back.opened.ever == 1 && back.opened.day == 2 && back.opened.today == 3);
    read_older(*state, 5, MARKS_AT, &back);
    assert_true(back.opened.ever == 1 && back.opened.day == 2 && back.opened.today == 3);
    read_older(*state, 4, SEALED_AT, &back);
    assert_true(back.opened.ever == 1 && back.opened.day == 2 && back.opened.today == 3);
    read_older(*state, 3, OPENED_AT, &back);
    assert_true(back.opened.ever == 0 && back.opened.day == 0 && back.opened.today == 0);
}

/* As production: anything but development would be taken for it. */
static void an_unknown_environment_is_refused_even_with_its_mac(void **state)
{
    struct fixture *f = *state;
    struct jt_fault fault = { 0 };
    const struct jt_keeper_state s = { .development = false };
    struct jt_keeper_state back;
    struct jt_ring ring;
    struct jt_buf file;
    assert_int_equal(jt_state_save(f->dir_fd, f->root, &s), JT_OK);
    assert_int_equal(jt_state_load(f->dir_fd, f->root, false, &back, &ring, &fault), JT_OK);
    read_file(f->dir_fd, JT_KEYDIR_STATE, &file);
    file.data[ENVIRONMENT_AT] = 7;
    size_t body_len = file.len - JT_ROW_MAC_LEN;
    assert_int_equal(jt_rowmac_state(f->root, file.data, body_len, file.data + body_len), JT_OK);
    assert_int_equal(jt_file_replace(f->dir_fd, JT_KEYDIR_STATE, file.data, file.len), JT_OK);
    assert_int_equal(jt_state_load(f->dir_fd, f->root, false, &back, &ring, &fault),
                     JT_ERR_FILE_ALTERED);
    jt_buf_clear(&file);

    const struct jt_genfile meta = { .number = 3, .key_id = 9 };
    char name[JT_KEYDIR_NAME_LEN];
    jt_keydir_mark_name(3, name);
    assert_int_equal(jt_genmark_write(f->dir_fd, f->root, &meta), JT_OK);
    assert_int_equal(jt_genmark_check(f->dir_fd, f->root, false, 3, &meta, &fault), JT_OK);
    read_file(f->dir_fd, name, &file);
    file.data[ENVIRONMENT_AT] = 7;
    body_len = file.len - JT_ROW_MAC_LEN;
    assert_int_equal(jt_rowmac_mark(f->root, file.data, body_len, file.data + body_len), JT_OK);
    assert_int_equal(jt_file_replace(f->dir_fd, name, file.data, file.len), JT_OK);
    assert_int_equal(jt_genmark_check(f->dir_fd, f->root, false, 3, &meta, &fault),
                     JT_ERR_FILE_ALTERED);
    jt_buf_clear(&file);
}

static void put(int dir_fd, const char *name, mode_t mode)
{
    int fd = openat(dir_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void strangers_in_the_directory_are_refused(void **state)
{
    struct fixture *f = *state;
    struct jt_keydir listing;
    const char *const strange[] = { "generation-0.key",
                                    "generation-01.key",
                                    "generation-.key",
                                    "generation-1.key2",
                                    "notes",
                                    ".hidden",
                                    "generation--1.key",
                                    "generation-18446744073709551616.key",
                                    "notes.new" };
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        struct jt_fault fault = { 0 };
        put(f->dir_fd, strange[i], 0600);
        assert_int_equal(jt_keydir_list(f->dir_fd, &listing, &fault), JT_ERR_FILE_UNSAFE);
        assert_non_null(strstr(fault.cause, strange[i]));
        assert_int_equal(unlinkat(f->dir_fd, strange[i], 0), 0);
    }
}

static void what_a_crash_leaves_behind_is_cleared_away(void **state)
{
    struct fixture *f = *state;
    struct jt_keydir listing;
    struct jt_fault fault = { 0 };
    put(f->dir_fd, "state.new", 0600);
    put(f->dir_fd, "service-root.key.new", 0600);
    put(f->dir_fd, "generation-12.key.new", 0600);
    put(f->dir_fd, "generation-10.key", 0600);
    put(f->dir_fd, "generation-9.key", 0600);
    assert_int_equal(jt_keydir_list(f->dir_fd, &listing, &fault), JT_OK);
    assert_true(listing.master && listing.root && listing.state);
    assert_int_equal(listing.n_generations, 2);
    assert_int_equal(listing.generations[0], 9);
    assert_int_equal(listing.generations[1], 10);
    assert_int_not_equal(faccessat(f->dir_fd, "state.new", F_OK, 0), 0);
    assert_int_not_equal(faccessat(f->dir_fd, "generation-12.key.new", F_OK, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(init_is_refused_where_keys_are, setup, teardown),
        cmocka_unit_test_setup_teardown(every_flipped_bit_of_the_master_key_file_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(every_flipped_bit_of_a_generation_key_file_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_file_of_another_master_key_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(every_flipped_bit_of_the_service_root_file_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_service_root_of_another_master_key_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(token_keys_are_kept_for_more_fields_than_fit, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_erased_key_file_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_file_of_the_first_format_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_state_file_without_the_counts_of_later_versions_is_read,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(every_flipped_bit_of_the_state_file_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_unknown_environment_is_refused_even_with_its_mac, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(strangers_in_the_directory_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_crash_leaves_behind_is_cleared_away, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("keeper/files", tests, NULL, NULL);
}
