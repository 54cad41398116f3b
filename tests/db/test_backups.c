/* SPDX-License-Identifier: Apache-2.0 */
/* Backups as rows. Whether a receipt is a keeper's is not asked here. */
#include "tests/db/fixture.h"

#include "store/backups.h"

#include <string.h>

static const struct jt_act alice = { .node = "node-1", .actor = "alice" };

static enum jt_err record(struct fx *fx, uint8_t which, uint64_t verified_s, size_t len)
{
    static struct jt_backup backup;
    static struct jt_backup_receipt receipt;
    backup = (struct jt_backup){ .digest = { which }, .made_s = 5, .verified_s = verified_s };
    receipt = (struct jt_backup_receipt){ .body_len = len, .mac = { which, 1 } };
    memset(receipt.body, which, len);
    return jt_backup_record(fx->db, &backup, &receipt, &alice);
}

struct found {
    size_t n, stop_after;
    struct jt_backup_row rows[4];
};

static bool note(void *arg, const struct jt_backup_row *row)
{
    struct found *found = arg;
    assert_true(found->n < 4);
    found->rows[found->n++] = *row;
    return found->n != found->stop_after;
}

static void read_all(struct fx *fx, struct found *found)
{
    found->n = 0;
    assert_int_equal(jt_backups_read(fx->db, note, found), JT_OK);
}

static void they_come_back_whole_the_last_opened_first(void **state)
{
    struct fx *fx = *state;
    static struct found found;
    read_all(fx, &found);
    assert_int_equal(found.n, 0);
    assert_int_equal(record(fx, 1, 100, 58), JT_OK);
    assert_int_equal(record(fx, 2, 300, JT_BACKUP_BODY_MAX), JT_OK);
    assert_int_equal(record(fx, 3, 200, 75), JT_OK);
    read_all(fx, &found);
    assert_int_equal(found.n, 3);
    assert_int_equal(found.rows[0].digest[0], 2);
    assert_int_equal(found.rows[0].receipt.body_len, JT_BACKUP_BODY_MAX);
    assert_int_equal(found.rows[0].receipt.body[JT_BACKUP_BODY_MAX - 1], 2);
    assert_int_equal(found.rows[0].receipt.mac[0], 2);
    assert_string_equal(found.rows[0].verified_by, "alice");
    assert_string_equal(found.rows[0].node, "node-1");
    assert_int_equal(found.rows[1].digest[0], 3);
    assert_int_equal(found.rows[2].digest[0], 1);
    found.stop_after = 1;
    read_all(fx, &found);
    assert_int_equal(found.n, 1);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 77"), 3);
}

/* One that is opened again takes the place of what was known of it. */
static void a_file_has_one_row(void **state)
{
    struct fx *fx = *state;
    static struct found found;
    assert_int_equal(record(fx, 1, 100, 58), JT_OK);
    assert_int_equal(record(fx, 2, 200, 58), JT_OK);
    assert_int_equal(record(fx, 1, 300, 75), JT_OK);
    read_all(fx, &found);
    assert_int_equal(found.n, 2);
    assert_int_equal(found.rows[0].digest[0], 1);
    assert_int_equal(found.rows[0].receipt.body_len, 75);
}

static void a_file_that_is_gone_is_forgotten(void **state)
{
    struct fx *fx = *state;
    static struct found found;
    const uint8_t first[JT_BACKUP_DIGEST_LEN] = { 1 };
    assert_int_equal(record(fx, 1, 100, 58), JT_OK);
    assert_int_equal(record(fx, 2, 200, 58), JT_OK);
    assert_int_equal(jt_backup_forget(fx->db, first, &alice), JT_OK);
    assert_int_equal(jt_backup_forget(fx->db, first, &alice), JT_ERR_NO_BACKUP);
    read_all(fx, &found);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.rows[0].digest[0], 2);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 78"), 1);
}

/* Anybody may have written rows: they bound what is read, and are no obstacle to it. */
static void what_is_too_long_for_a_receipt_is_left_out(void **state)
{
    struct fx *fx = *state;
    static struct found found;
    assert_int_equal(record(fx, 1, 100, 58), JT_OK);
    fx_exec(
        fx->plain,
        "INSERT INTO backup SELECT sha256('a'), decode(repeat('00', 4394), 'hex'), mac, made_at, "
        "verified_at, verified_by, node FROM backup WHERE verified_by = 'alice'; "
        "INSERT INTO backup SELECT sha256('b'), body, mac, made_at, 'infinity', repeat('x', "
        "1000), node FROM backup WHERE octet_length(body) = 58");
    read_all(fx, &found);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.rows[0].digest[0], 1);
}

static void there_is_an_end_to_how_many_are_recorded(void **state)
{
    struct fx *fx = *state;
    assert_int_equal(record(fx, 1, 100, 58), JT_OK);
    fx_exec(fx->plain, "INSERT INTO backup SELECT sha256(n::text::bytea), body, mac, made_at, "
                       "verified_at, verified_by, node FROM backup, generate_series(1, 999) n");
    assert_int_equal(record(fx, 2, 200, 58), JT_ERR_BACKUPS_FULL);
    assert_int_equal(record(fx, 1, 300, 58), JT_OK); /* one that is there */
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 77"), 2);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(they_come_back_whole_the_last_opened_first),
        fx_vault_test(a_file_has_one_row),
        fx_vault_test(a_file_that_is_gone_is_forgotten),
        fx_vault_test(what_is_too_long_for_a_receipt_is_left_out),
        fx_vault_test(there_is_an_end_to_how_many_are_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
