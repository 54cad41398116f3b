/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the key directory that are authentic and wrong all the same: of another version, of the
 * other environment, or of a form that no keeper writes. And that nothing which fails in writing or
 * reading one is told as that.
 */
#include "failing.h"
#include "inside.h"

#include "base/file.h"
#include "crypto/digest.h"
#include "keeper/destructfile.h"
#include "keeper/genmark.h"
#include "keeper/keydir.h"
#include "keeper/rotation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#define FORMAT_AT      8
#define ENVIRONMENT_AT 9

typedef enum jt_err mac_fn(const struct jt_root *root, const uint8_t *body, size_t len,
                           uint8_t out[static JT_ROW_MAC_LEN]);

/* A kind of file, and a good one of it. */
struct kind {
    const char *name;
    mac_fn *mac;
    enum jt_err (*load)(struct inside *in);
    struct jt_buf good;
};

static struct kind kind;

static enum jt_err load_state(struct inside *in)
{
    struct jt_keeper_state state;
    struct jt_ring ring;
    struct jt_fault fault = { 0 };
    enum jt_err err =
        jt_state_load(in->k->dir_fd, in->k->root, in->k->development, &state, &ring, &fault);
    assert_true(err == JT_OK || (state.highest_epoch == 0 && ring.epoch == 0));
    return err;
}

static enum jt_err load_destructions(struct inside *in)
{
    static struct jt_destructions ds;
    struct jt_fault fault = { 0 };
    memset(&ds, 0, sizeof ds);
    return jt_destructions_load(in->k->dir_fd, in->k->root, in->k->development, &ds, &fault);
}

static enum jt_err load_mark(struct inside *in)
{
    struct jt_fault fault = { 0 };
    return jt_genmark_check(in->k->dir_fd, in->k->root, in->k->development, 1,
                            jt_keyring_find(in->k->keyring, 1), &fault);
}

static void choose(struct inside *in, const char *name, mac_fn *mac,
                   enum jt_err (*load)(struct inside *in))
{
    kind = (struct kind){ .name = name, .mac = mac, .load = load };
    jt_buf_init(&kind.good, 20000);
    assert_int_equal(jt_file_read(in->k->dir_fd, name, true, &kind.good), JT_OK);
    assert_int_equal(load(in), JT_OK);
}

static void done(struct inside *in)
{
    assert_int_equal(jt_file_replace(in->k->dir_fd, kind.name, kind.good.data, kind.good.len),
                     JT_OK);
    assert_int_equal(kind.load(in), JT_OK);
    jt_buf_clear(&kind.good);
}

/* With other bytes there, or longer or shorter by some, and a MAC of the keeper's own. */
static enum jt_err with(struct inside *in, size_t at, const void *bytes, size_t len, int longer)
{
    static uint8_t file[20000];
    size_t body_len = (size_t)((int)kind.good.len - JT_ROW_MAC_LEN + longer);
    memset(file, 0, sizeof file);
    memcpy(file, kind.good.data, kind.good.len - JT_ROW_MAC_LEN);
    memcpy(file + at, bytes, len);
    assert_int_equal(kind.mac(in->k->root, file, body_len, file + body_len), JT_OK);
    assert_int_equal(jt_file_replace(in->k->dir_fd, kind.name, file, body_len + JT_ROW_MAC_LEN),
                     JT_OK);
    return kind.load(in);
}

static enum jt_err with_byte(struct inside *in, size_t at, uint8_t byte)
{
    return with(in, at, &byte, 1, 0);
}

static void head_is_looked_at(struct inside *in, uint8_t above)
{
    assert_int_equal(with(in, 0, "", 0, 0), JT_OK);
    assert_int_equal(with_byte(in, 3, 'X'), JT_ERR_FILE_ALTERED);
    assert_int_equal(with_byte(in, FORMAT_AT, 0), JT_ERR_FILE_ALTERED);
    assert_int_equal(with_byte(in, FORMAT_AT, above), JT_ERR_FILE_ALTERED);
    assert_int_equal(with_byte(in, ENVIRONMENT_AT, JT_ENVIRONMENT_PRODUCTION), JT_ERR_FILE_FOREIGN);
    assert_int_equal(with(in, 0, "", 0, 1), JT_ERR_FILE_ALTERED);
    assert_int_equal(with(in, 0, "", 0, -1), JT_ERR_FILE_ALTERED);
    uint8_t last = kind.good.data[kind.good.len - 1] ^ 1;
    struct jt_buf *good = &kind.good;
    assert_int_equal(jt_file_replace(in->k->dir_fd, kind.name, good->data, 5), JT_OK);
    assert_int_equal(kind.load(in), JT_ERR_FILE_ALTERED);
    good->data[good->len - 1] = last;
    assert_int_equal(jt_file_replace(in->k->dir_fd, kind.name, good->data, good->len), JT_OK);
    assert_int_equal(kind.load(in), JT_ERR_FILE_ALTERED);
    good->data[good->len - 1] = last ^ 1;
}

static void a_state_that_no_keeper_writes_is_refused(void **state)
{
    struct inside *in = *state;
    const uint8_t epoch[8] = { 0 };
    uint8_t length[2];
    choose(in, JT_KEYDIR_STATE, jt_rowmac_state, load_state);
    head_is_looked_at(in, 0x7f);
    assert_int_equal(with_byte(in, ENVIRONMENT_AT, 9), JT_ERR_FILE_ALTERED);
    assert_int_equal(with_byte(in, 11, 2), JT_ERR_FILE_ALTERED);      /* forked */
    assert_int_equal(with(in, 12, epoch, 8, 0), JT_ERR_FILE_ALTERED); /* below its ring's */
    /* its ring, and that one's MAC and length */
    const size_t ring_mac = kind.good.len - 2 * JT_ROW_MAC_LEN;
    const size_t ring_at = ring_mac - in->k->state.ring.body_len;
    assert_int_equal(with_byte(in, ring_mac, kind.good.data[ring_mac] ^ 1), JT_ERR_FILE_ALTERED);
    assert_int_equal(with_byte(in, ring_at, kind.good.data[ring_at] ^ 1), JT_ERR_FILE_ALTERED);
    jt_put_u16(length, (uint16_t)(in->k->state.ring.body_len + 1));
    assert_int_equal(with(in, ring_at - 2, length, 2, 0), JT_ERR_FILE_ALTERED);
    done(in);
}

static void destructions_that_no_keeper_writes_are_refused(void **state)
{
    struct inside *in = *state;
    const uint8_t too_many[2] = { 0xff, 0xff };
    in->k->destructions.n = 1;
    in->k->destructions.all[0] = (struct jt_destruction){ .generation = 1 };
    assert_int_equal(jt_destructfile_save(in->k->dir_fd, in->k->root, true, &in->k->destructions),
                     JT_OK);
    choose(in, JT_KEYDIR_DESTRUCTIONS, jt_rowmac_destructions, load_destructions);
    head_is_looked_at(in, 0x7f);
    assert_int_equal(with(in, 10, too_many, 2, 0), JT_ERR_FILE_ALTERED);
    size_t cancelled = 12 + 8 + JT_CHECK_VALUE_LEN + JT_DESTRUCTION_DIGEST;
    assert_int_equal(with_byte(in, cancelled, 1), JT_OK);
    assert_int_equal(with_byte(in, cancelled, 2), JT_ERR_FILE_ALTERED);
    done(in);
}

static void a_mark_that_no_keeper_writes_is_refused(void **state)
{
    struct inside *in = *state;
    choose(in, "generation-1.used", jt_rowmac_mark, load_mark);
    head_is_looked_at(in, 0x7f);
    assert_int_equal(with_byte(in, ENVIRONMENT_AT, 9), JT_ERR_FILE_ALTERED);
    assert_int_equal(with_byte(in, 10, 9), JT_ERR_FILE_ALTERED); /* of another key id */
    assert_int_equal(with_byte(in, 11, 1), JT_ERR_FILE_ALTERED);
    assert_int_equal(with_byte(in, 19, 2), JT_ERR_FILE_ALTERED); /* of another generation */
    assert_int_equal(with_byte(in, 20, kind.good.data[20] ^ 1), JT_ERR_FILE_ALTERED);
    done(in);
}

/* --- the file of a rotation, which is authentic by what is in it --- */

#define TO_AT       (12 + JT_CHECK_VALUE_LEN)
#define LENGTH_AT   (12 + 2 * JT_CHECK_VALUE_LEN)
#define MASTER_AT   (LENGTH_AT + 2)
#define N_KEYS_HERE 2

static struct jt_rotation rotation, back;

/* Nothing in it can be opened, which is looked at later. */
static void make_rotation(struct jt_buf *out)
{
    const struct jt_masterfile file = { .development = true, .method = JT_MASTER_PASSPHRASE };
    struct jt_buf master;
    memset(&rotation, 0, sizeof rotation);
    rotation.development = true;
    rotation.n = N_KEYS_HERE;
    jt_buf_init(&master, JT_MASTERFILE_MAX);
    jt_masterfile_encode(&file, &master);
    memcpy(rotation.master, master.data, master.len);
    rotation.master_len = master.len;
    jt_buf_clear(&master);
    memcpy(rotation.root, "JTSVROOT", 8);
    for (size_t i = 0; i < N_KEYS_HERE; i++) {
        memcpy(rotation.keys[i].bytes, "JTGENKEY", 8);
        rotation.keys[i].bytes[19] = (uint8_t)(i + 1);
    }
    assert_int_equal(jt_rotation_encode(&rotation, out), JT_OK);
}

static enum jt_err decode_with(const struct jt_buf *good, size_t at, const void *bytes, size_t len,
                               int longer)
{
    struct jt_buf file;
    uint8_t digest[JT_SHA256_LEN];
    const size_t body_len = good->len - JT_SHA256_LEN;
    jt_buf_init(&file, JT_ROTATION_MAX + 1);
    jt_buf_put(&file, good->data, body_len);
    memcpy(file.data + at, bytes, len);
    if (longer > 0) {
        jt_buf_u8(&file, 0);
    } else if (longer < 0) {
        file.len--;
    }
    assert_int_equal(jt_sha256(file.data, file.len, digest), JT_OK);
    jt_buf_put(&file, digest, sizeof digest);
    enum jt_err err = jt_rotation_decode(&file, &back);
    if (err != JT_OK) {
        static const struct jt_rotation nothing;
        assert_memory_equal(&back, &nothing, sizeof back);
    }
    jt_buf_clear(&file);
    return err;
}

static void a_rotation_that_no_keeper_writes_is_refused(void **state)
{
    (void)state;
    struct jt_buf good;
    const uint8_t production = JT_ENVIRONMENT_PRODUCTION, nine = 9, large[2] = { 0xff, 0xff };
    make_rotation(&good);
    assert_int_equal(decode_with(&good, 0, "", 0, 0), JT_OK);
    assert_int_equal(back.n, N_KEYS_HERE);
    assert_int_equal(back.keys[1].number, 2);
    const size_t root_at = MASTER_AT + rotation.master_len, keys_at = root_at + JT_ROOT_FILE_LEN;
    const struct {
        size_t at;
        const void *bytes;
        size_t len;
    } wrong[] = {
        { 0, "X", 1 },
        { FORMAT_AT, &nine, 1 },
        { ENVIRONMENT_AT, &nine, 1 },
        { ENVIRONMENT_AT, &production, 1 }, /* and its master key is of development */
        { 10, large, 2 },                   /* keys */
        { 10, "\0\3", 2 },                  /* one more than there are */
        { TO_AT, "X", 1 },
        { LENGTH_AT, large, 2 },
        { MASTER_AT, "X", 1 },
        { root_at, "X", 1 },
        { keys_at, "X", 1 },
        { keys_at + 19, "\2", 1 }, /* the number of the next one */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(decode_with(&good, wrong[i].at, wrong[i].bytes, wrong[i].len, 0),
                         JT_ERR_FILE_ALTERED);
    }
    assert_int_equal(decode_with(&good, 0, "", 0, 1), JT_ERR_FILE_ALTERED);
    assert_int_equal(decode_with(&good, 0, "", 0, -1), JT_ERR_FILE_ALTERED);
    good.len = 20;
    assert_int_equal(jt_rotation_decode(&good, &back), JT_ERR_FILE_ALTERED);
    jt_buf_clear(&good);
}

/* And one of production is none for a keeper in development. */
static void a_rotation_of_the_other_environment_is_not_ended(void **state)
{
    struct inside *in = *state;
    struct jt_buf file, master;
    struct jt_fault fault = { 0 };
    const struct jt_masterfile of_production = { .method = JT_MASTER_PASSPHRASE };
    make_rotation(&file);
    jt_buf_clear(&file);
    jt_buf_init(&master, JT_MASTERFILE_MAX);
    jt_masterfile_encode(&of_production, &master);
    memcpy(rotation.master, master.data, master.len);
    rotation.development = false;
    assert_int_equal(jt_rotation_encode(&rotation, &file), JT_OK);
    assert_int_equal(jt_file_replace(in->k->dir_fd, JT_KEYDIR_ROTATION, file.data, file.len),
                     JT_OK);
    assert_int_equal(jt_rotation_finish(in->k->dir_fd, true, &fault), JT_ERR_FILE_FOREIGN);
    assert_int_equal(faccessat(in->k->dir_fd, JT_KEYDIR_ROTATION, F_OK, 0), 0);
    assert_int_equal(unlinkat(in->k->dir_fd, JT_KEYDIR_ROTATION, 0), 0);
    assert_int_equal(jt_rotation_finish(in->k->dir_fd, true, &fault), JT_OK); /* there is none */
    jt_buf_clear(&file);
    jt_buf_clear(&master);
}

/* --- what fails --- */

static enum jt_err save_state(struct inside *in)
{
    return jt_state_save(in->k->dir_fd, in->k->root, &in->k->state);
}

static enum jt_err save_destructions(struct inside *in)
{
    return jt_destructfile_save(in->k->dir_fd, in->k->root, true, &in->k->destructions);
}

static enum jt_err save_mark(struct inside *in)
{
    return jt_genmark_write(in->k->dir_fd, in->k->root, jt_keyring_find(in->k->keyring, 1));
}

static enum jt_err erase_mark(struct inside *in)
{
    return jt_genmark_erase(in->k->dir_fd, 1);
}

/* Each call of it; and then it goes well. */
static void each_call_of(struct inside *in, enum jt_err (*act)(struct inside *in),
                         enum jt_err (*load)(struct inside *in))
{
    for (int number = 0; number < FAILING_MANY; number++) {
        failing_from(number);
        enum jt_err err = act(in);
        const char *failed = failing_end();
        if (failed == NULL) {
            assert_int_equal(err, JT_OK);
            assert_true(number > 1);
            return;
        }
        assert_true(err == JT_OK || failing_says_so(err, failed));
        if (load != NULL) { /* what lies there is whole, whatever has failed */
            err = load(in);
            assert_true(err == JT_OK || err == JT_ERR_NO_FILE);
        }
    }
    fail_msg("no end");
}

static void whatever_fails_is_told_as_that_and_leaves_a_whole_file(void **state)
{
    struct inside *in = *state;
    in->k->destructions.n = 2;
    each_call_of(in, save_state, load_state);
    each_call_of(in, load_state, NULL);
    each_call_of(in, save_destructions, load_destructions);
    each_call_of(in, load_destructions, NULL);
    each_call_of(in, load_mark, NULL);
    each_call_of(in, erase_mark, NULL);
    assert_int_equal(erase_mark(in), JT_OK); /* once more does no harm */
    each_call_of(in, save_mark, load_mark);
    assert_int_equal(load_mark(in), JT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_KEEPER(a_state_that_no_keeper_writes_is_refused),
        IN_A_KEEPER(destructions_that_no_keeper_writes_are_refused),
        IN_A_KEEPER(a_mark_that_no_keeper_writes_is_refused),
        cmocka_unit_test(a_rotation_that_no_keeper_writes_is_refused),
        IN_A_KEEPER(a_rotation_of_the_other_environment_is_not_ended),
        IN_A_KEEPER(whatever_fails_is_told_as_that_and_leaves_a_whole_file),
    };
    return cmocka_run_group_tests_name("keeper/keydir_forms", tests, NULL, NULL);
}
