/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts of backups: made by whoever opened the file, and known again by every keeper. */
#include "pair.h"

#include "crypto/digest.h"
#include "keeper/escrow.h"
#include "wire/backup.h"
#include "wire/escrow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_escrow_file file;
static struct jt_backup_receipt receipt;
static struct jt_backup backup;

static void make(struct inside *in)
{
    struct jt_reader reply;
    assert_int_equal(inside_ask(in, JT_VERB_ESCROW_MAKE, &reply), JT_OK);
    assert_int_equal(jt_escrow_file_decode(&reply, &file), JT_OK);
}

static enum jt_err give(struct inside *in)
{
    struct jt_reader reply;
    jt_escrow_file_encode(&file, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_ESCROW_RECEIPT, &reply);
    if (err == JT_OK) {
        assert_int_equal(jt_backup_receipt_decode(&reply, &receipt), JT_OK);
        assert_int_equal(jt_backup_receipt_read(&receipt, &backup), JT_OK);
    }
    return err;
}

static enum jt_err check(struct inside *in)
{
    struct jt_reader reply;
    jt_backup_receipt_encode(&receipt, &in->payload);
    return inside_ask(in, JT_VERB_BACKUP_CHECK, &reply);
}

static void a_receipt_says_what_was_in_the_file(void **state)
{
    struct keeper_pair *p = *state;
    uint8_t digest[JT_SHA256_LEN];
    (void)inside_roll(p->a);
    struct jt_generation_row future = inside_create(p->a, 2);
    make(p->a);
    assert_int_equal(give(p->a), JT_OK);
    assert_int_equal(jt_sha256(file.bytes, file.len, digest), JT_OK);
    assert_memory_equal(backup.digest, digest, sizeof digest);
    assert_int_equal(backup.epoch, p->a->ring.epoch);
    assert_true(backup.made_s > 0 && backup.verified_s >= backup.made_s);
    assert_int_equal(backup.n, 3);
    assert_true(jt_backup_has(&backup, &future));
    assert_int_equal(check(p->a), JT_OK);
}

/* Of what is made later nothing is in it, and what is gone here is. */
static void it_is_of_the_file_and_not_of_the_keeper(void **state)
{
    struct keeper_pair *p = *state;
    make(p->a);
    struct jt_generation_row later = inside_create(p->a, 1);
    jt_keyring_remove(p->a->k->keyring, 1);
    assert_int_equal(give(p->a), JT_OK);
    assert_int_equal(backup.n, 1);
    assert_int_equal(backup.keys[0].number, 1);
    assert_false(jt_backup_has(&backup, &later));
}

static void every_keeper_of_the_installation_knows_it(void **state)
{
    struct keeper_pair *p = *state;
    make(p->a);
    assert_int_equal(give(p->a), JT_OK);
    assert_int_equal(check(p->b), JT_ERR_NO_ROOT);
    pair_carry_root(p->a, p->b);
    assert_int_equal(check(p->b), JT_OK);
    assert_int_equal(give(p->b), JT_OK); /* it may check the file as well */
    assert_int_equal(check(p->a), JT_OK);
}

static void nobody_else_makes_or_alters_one(void **state)
{
    struct keeper_pair *p = *state;
    make(p->a);
    assert_int_equal(give(p->a), JT_OK);
    for (size_t bit = 0; bit < 8 * receipt.body_len; bit++) {
        receipt.body[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(check(p->a), JT_ERR_FORGED);
        receipt.body[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    receipt.mac[0] ^= 1;
    assert_int_equal(check(p->a), JT_ERR_FORGED);
    receipt.mac[0] ^= 1;
    receipt.body_len -= JT_BACKUP_KEY_LEN;
    assert_int_equal(check(p->a), JT_ERR_FORGED);
    receipt.body_len += JT_BACKUP_KEY_LEN;
    assert_int_equal(check(p->a), JT_OK);
    /* Another installation's keeper has its own word. */
    void *stranger;
    (void)inside_setup(&stranger);
    assert_int_equal(check(stranger), JT_ERR_FORGED);
    (void)inside_teardown(&stranger);
}

/* What does not open, or is another installation's, gets none. */
static void only_a_good_file_gets_one(void **state)
{
    struct keeper_pair *p = *state;
    struct jt_reader reply;
    void *stranger;
    make(p->a);
    file.bytes[file.len - 1] ^= 1;
    assert_int_equal(give(p->a), JT_ERR_FILE_ALTERED);
    file.bytes[file.len - 1] ^= 1;
    file.len--;
    assert_int_equal(give(p->a), JT_ERR_FILE_ALTERED);
    (void)inside_setup(&stranger);
    make(stranger);
    assert_int_equal(give(p->a), JT_ERR_MASTER_OTHER);
    (void)inside_teardown(&stranger);
    assert_int_equal(inside_ask(p->b, JT_VERB_RING_FIRST, &reply), JT_OK);
    make(p->b);
    assert_int_equal(give(p->a), JT_ERR_ROOT_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_PAIR(a_receipt_says_what_was_in_the_file),
        IN_A_PAIR(it_is_of_the_file_and_not_of_the_keeper),
        IN_A_PAIR(every_keeper_of_the_installation_knows_it),
        IN_A_PAIR(nobody_else_makes_or_alters_one),
        IN_A_PAIR(only_a_good_file_gets_one),
    };
    return cmocka_run_group_tests_name("keeper/op_backup", tests, NULL, NULL);
}
