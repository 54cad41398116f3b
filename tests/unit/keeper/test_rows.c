/* SPDX-License-Identifier: Apache-2.0 */
/* Client and field rows: only a keeper can make them, and no byte of them can be changed. */
#include "keeper_process.h"

#include "keyclient/keyclient.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct keeper k;
static struct jt_keyclient *kc;
static const uint8_t secret[JT_CLIENT_SECRET_LEN] = { 1, 2, 3 };

static int setup(void **state)
{
    (void)state;
    keeper_make(&k, "development", "");
    keeper_init(&k);
    if (!keeper_start(&k)) {
        return -1;
    }
    struct jt_ring_row ring; /* asked for the service root that it is MACed under */
    return jt_keyclient_open(k.socket, -1, 20000, &kc) == JT_OK &&
                   jt_keyclient_wait_ring_first(kc, &ring) == JT_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    jt_keyclient_free(kc);
    keeper_remove(&k);
    return 0;
}

static enum jt_err try_make(const char *id, uint32_t permissions, const uint8_t *with,
                            struct jt_client_row *out)
{
    struct jt_client_order order = { .permissions = permissions, .fresh = true };
    struct jt_client_change change;
    const struct jt_set_row none = jt_set_row_empty(JT_SET_CLIENTS);
    memcpy(order.secret, with, sizeof order.secret);
    enum jt_err err = jt_keyclient_wait_client_make(kc, id, &order, &none, &change);
    *out = change.row;
    return err;
}

static struct jt_client_row make_client(const char *id, uint32_t permissions)
{
    struct jt_client_row row;
    assert_int_equal(try_make(id, permissions, secret, &row), JT_OK);
    return row;
}

static enum jt_err check_client(const struct jt_client_row *row, const uint8_t *with)
{
    struct jt_client_checked ignored;
    return jt_keyclient_wait_client_check(kc, row, with, &ignored);
}

static void a_client_row_stands_with_its_own_secret_only(void **state)
{
    (void)state;
    struct jt_client_row row = make_client("shop-1", JT_MAY_TOKENIZE);
    assert_string_equal(row.spec.id, "shop-1");
    assert_int_equal(check_client(&row, secret), JT_OK);
    for (size_t bit = 0; bit < 8 * sizeof secret; bit += 7) {
        uint8_t wrong[sizeof secret];
        memcpy(wrong, secret, sizeof wrong);
        wrong[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(check_client(&row, wrong), JT_ERR_BAD_CREDENTIAL);
    }
}

static void an_altered_client_row_is_refused(void **state)
{
    (void)state;
    const struct jt_client_row row = make_client("shop-1", JT_MAY_TOKENIZE);
    struct jt_client_row altered = row;
    altered.spec.permissions |= JT_MAY_DETOKENIZE; /* wider */
    assert_int_equal(check_client(&altered, secret), JT_ERR_BAD_CREDENTIAL);
    altered = row;
    altered.spec.id[0] = 't'; /* another name */
    assert_int_equal(check_client(&altered, secret), JT_ERR_BAD_CREDENTIAL);
    altered = row;
    altered.revision++;
    assert_int_equal(check_client(&altered, secret), JT_ERR_BAD_CREDENTIAL);
    altered = row;
    altered.state = JT_ROW_REVOKED;
    assert_int_equal(check_client(&altered, secret), JT_ERR_BAD_CREDENTIAL);
    altered = row;
    altered.mac_epoch++;
    assert_int_equal(check_client(&altered, secret), JT_ERR_BAD_CREDENTIAL);
    altered = row;
    altered.secret_mac[3] ^= 1;
    assert_int_equal(check_client(&altered, secret), JT_ERR_BAD_CREDENTIAL);
    altered = row;
    altered.mac[3] ^= 1;
    assert_int_equal(check_client(&altered, secret), JT_ERR_BAD_CREDENTIAL);

    /* The secret of one client put into the row of another. */
    const struct jt_client_row admin = make_client("admin", JT_MAY_ALL);
    const uint8_t other[JT_CLIENT_SECRET_LEN] = { 9 };
    struct jt_client_row guest;
    assert_int_equal(try_make("guest", JT_MAY_TOKENIZE, other, &guest), JT_OK);
    altered = admin;
    memcpy(altered.secret_mac, guest.secret_mac, sizeof altered.secret_mac);
    assert_int_equal(check_client(&altered, other), JT_ERR_BAD_CREDENTIAL);
}

static void malformed_clients_are_not_made(void **state)
{
    (void)state;
    struct jt_client_row row;
    const char *const bad[] = { "Shop", "", "a4111111111111111", "s-4111-1111-1111-1111" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(try_make(bad[i], JT_MAY_TOKENIZE, secret, &row), JT_ERR_INVALID);
    }
    assert_int_equal(try_make("shop", JT_MAY_ALL + 1, secret, &row), JT_ERR_INVALID);
    assert_true(jt_keyclient_ready(kc)); /* refused, not cut off */
}

/* All zeros are refused, and nothing else is chosen: pan/rules.h. */
static const uint8_t card_rules[] = { 1, 0xff, 0, 1, 0 };

static enum jt_err check_field(const struct jt_field_row *row)
{
    struct jt_set_change change = { .now.field = *row };
    const struct jt_set_sum_request request = { .kind = JT_SET_FIELDS, .n = 1, .changes = &change };
    struct jt_set_sum ignored;
    return jt_keyclient_wait_set_sum(kc, &request, &ignored);
}

static void a_field_row_stands_and_an_altered_one_is_refused(void **state)
{
    (void)state;
    struct jt_field_spec spec = {
        .id = 7, .name = "cards.pan", .kind = JT_FIELD_PAN, .dedup = true
    };
    struct jt_field_change change;
    const struct jt_set_row none = jt_set_row_empty(JT_SET_FIELDS);
    assert_int_equal(jt_keyclient_wait_field_make(kc, &spec, &none, &change), JT_OK);
    const struct jt_field_row row = change.row;
    assert_int_equal(check_field(&row), JT_OK);
    struct jt_field_row altered = row;
    altered.spec.dedup = false;
    assert_int_equal(check_field(&altered), JT_ERR_FORGED);
    altered = row;
    altered.spec.allow_bad_luhn = true;
    assert_int_equal(check_field(&altered), JT_ERR_FORGED);
    altered = row;
    altered.spec.rules_len = 5;
    memcpy(altered.spec.rules, card_rules, sizeof card_rules);
    assert_int_equal(check_field(&altered), JT_ERR_FORGED);
    altered = row;
    altered.spec.id = 8;
    assert_int_equal(check_field(&altered), JT_ERR_FORGED);
    altered = row;
    altered.spec.name[0] = 'd';
    assert_int_equal(check_field(&altered), JT_ERR_FORGED);
    altered = row;
    altered.revision++;
    assert_int_equal(check_field(&altered), JT_ERR_FORGED);
    altered = row;
    altered.state = JT_ROW_REVOKED;
    assert_int_equal(check_field(&altered), JT_ERR_FORGED);
    altered = row;
    altered.mac_epoch++;
    assert_int_equal(check_field(&altered), JT_ERR_FORGED);
    altered = row;
    altered.mac[0] ^= 0x80;
    assert_int_equal(check_field(&altered), JT_ERR_FORGED);
}

static enum jt_err change_field(const struct jt_field_change *was, const struct jt_field_spec *spec,
                                uint8_t standing, struct jt_field_change *out)
{
    const struct jt_field_alter alter = { .was = *was, .spec = *spec, .state = standing };
    return jt_keyclient_wait_field_change(kc, &alter, out);
}

static void of_a_field_only_the_rules_change(void **state)
{
    (void)state;
    struct jt_field_spec spec = { .id = 9, .name = "b", .kind = JT_FIELD_PAN, .dedup = true };
    const struct jt_set_row none = jt_set_row_empty(JT_SET_FIELDS);
    struct jt_field_change made, changed, again;
    assert_int_equal(jt_keyclient_wait_field_make(kc, &spec, &none, &made), JT_OK);
    spec.mask_eight = spec.allow_bad_luhn = true;
    assert_int_equal(change_field(&made, &spec, JT_ROW_REVOKED, &changed), JT_OK);
    assert_true(changed.row.spec.mask_eight && changed.row.spec.allow_bad_luhn);
    assert_int_equal(changed.row.state, JT_ROW_REVOKED);
    assert_int_equal(changed.set.version, made.set.version + 1);
    assert_int_equal(changed.set.n, made.set.n);
    assert_int_equal(changed.row.revision, changed.set.version);
    assert_int_equal(check_field(&changed.row), JT_OK);
    assert_int_equal(change_field(&changed, &spec, JT_ROW_ACTIVE, &again), JT_OK);

    const struct jt_field_spec good = spec;
    spec.id = 10;
    assert_int_equal(change_field(&made, &spec, JT_ROW_ACTIVE, &again), JT_ERR_INVALID);
    spec = good;
    spec.name[0] = 'c';
    assert_int_equal(change_field(&made, &spec, JT_ROW_ACTIVE, &again), JT_ERR_INVALID);
    spec = good;
    spec.kind = 2;
    assert_int_equal(change_field(&made, &spec, JT_ROW_ACTIVE, &again), JT_ERR_INVALID);
    spec = good;
    spec.dedup = false;
    assert_int_equal(change_field(&made, &spec, JT_ROW_ACTIVE, &again), JT_ERR_INVALID);
    assert_int_equal(change_field(&made, &good, 3, &again), JT_ERR_INVALID);
    struct jt_field_change forged = made;
    forged.row.spec.mask_eight = true;
    assert_int_equal(change_field(&forged, &good, JT_ROW_ACTIVE, &again), JT_ERR_FORGED);
    forged = made;
    forged.set.n++;
    assert_int_equal(change_field(&forged, &good, JT_ROW_ACTIVE, &again), JT_ERR_FORGED);
}

static void card_rules_change_and_are_part_of_the_row(void **state)
{
    (void)state;
    struct jt_field_spec spec = { .id = 9, .name = "b", .kind = JT_FIELD_PAN, .rules_len = 5 };
    memcpy(spec.rules, card_rules, sizeof card_rules);
    const struct jt_set_row none = jt_set_row_empty(JT_SET_FIELDS);
    struct jt_field_change made, changed, ignored;
    assert_int_equal(jt_keyclient_wait_field_make(kc, &spec, &none, &made), JT_OK);
    assert_int_equal(made.row.spec.rules_len, sizeof card_rules);
    assert_memory_equal(made.row.spec.rules, card_rules, sizeof card_rules);
    assert_int_equal(check_field(&made.row), JT_OK);
    for (size_t i = 0; i < sizeof card_rules; i++) {
        struct jt_field_row altered = made.row;
        altered.spec.rules[i] ^= 4;
        assert_int_equal(check_field(&altered), JT_ERR_FORGED);
    }
    struct jt_field_row altered = made.row;
    altered.spec.rules_len = 0;
    assert_int_equal(check_field(&altered), JT_ERR_FORGED);
    spec.rules[3] = 2;
    assert_int_equal(change_field(&made, &spec, JT_ROW_ACTIVE, &changed), JT_OK);
    assert_int_equal(check_field(&changed.row), JT_OK);
    assert_int_equal(changed.row.spec.rules[3], 2);
    spec.rules[0] = 2; /* a form that there is not */
    assert_int_equal(change_field(&made, &spec, JT_ROW_ACTIVE, &ignored), JT_ERR_INVALID);
    spec.rules_len = 0;
    assert_int_equal(change_field(&changed, &spec, JT_ROW_ACTIVE, &ignored), JT_OK);
}

#define COLUMN "shop public.customer id pan pan_envelope"

static void a_column_is_part_of_the_row_and_takes_no_others_place(void **state)
{
    (void)state;
    struct jt_field_spec spec = { .id = 9, .name = "b", .kind = JT_FIELD_PAN };
    const struct jt_set_row none = jt_set_row_empty(JT_SET_FIELDS);
    struct jt_field_change made, with, ignored;
    assert_int_equal(jt_keyclient_wait_field_make(kc, &spec, &none, &made), JT_OK);
    memcpy(spec.column, COLUMN, sizeof COLUMN);
    assert_int_equal(change_field(&made, &spec, JT_ROW_ACTIVE, &with), JT_OK);
    assert_string_equal(with.row.spec.column, COLUMN);
    assert_int_equal(check_field(&with.row), JT_OK);
    struct jt_field_row altered = with.row;
    altered.spec.column[0] = '\0'; /* as somebody who would have it forgotten */
    assert_int_equal(check_field(&altered), JT_ERR_FORGED);
    altered = with.row;
    altered.spec.column[0] = 'x';
    assert_int_equal(check_field(&altered), JT_ERR_FORGED);
    spec.mask_eight = true; /* beside it the rules change */
    assert_int_equal(change_field(&with, &spec, JT_ROW_ACTIVE, &ignored), JT_OK);
    spec.column[0] = 'x'; /* another one */
    assert_int_equal(change_field(&with, &spec, JT_ROW_ACTIVE, &ignored), JT_ERR_INVALID);
    spec.column[0] = '\0';
    assert_int_equal(change_field(&with, &spec, JT_ROW_ACTIVE, &ignored), JT_OK);
    spec.column[0] = 'x'; /* what is none */
    spec.column[1] = '\0';
    assert_int_equal(change_field(&made, &spec, JT_ROW_ACTIVE, &ignored), JT_ERR_INVALID);
    struct jt_field_spec bytes = { .id = 9, .name = "c", .kind = JT_FIELD_BYTES };
    memcpy(bytes.column, COLUMN, sizeof COLUMN);
    assert_int_equal(jt_keyclient_wait_field_make(kc, &bytes, &none, &ignored), JT_ERR_INVALID);
}

static void malformed_fields_are_not_made(void **state)
{
    (void)state;
    struct jt_field_change row;
    const struct jt_set_row none = jt_set_row_empty(JT_SET_FIELDS);
    const struct jt_field_spec bad[] = {
        { .id = 0, .name = "cards", .kind = JT_FIELD_PAN },
        { .id = 1, .name = "Cards", .kind = JT_FIELD_PAN },
        { .id = 1, .name = "", .kind = JT_FIELD_PAN },
        { .id = 1, .name = "cards", .kind = 3 },
        { .id = 1, .name = "b", .kind = JT_FIELD_BYTES, .dedup = true },
        { .id = 1, .name = "b", .kind = JT_FIELD_BYTES, .mask_eight = true },
        { .id = 1, .name = "b", .kind = JT_FIELD_BYTES, .rules_len = 5, .rules = { 1, 255, 0, 1 } },
        { .id = 1, .name = "b", .kind = JT_FIELD_PAN, .rules_len = 5, .rules = { 2, 255, 0, 1 } },
        { .id = 1, .name = "b", .kind = JT_FIELD_PAN, .rules_len = 5, .rules = { 1, 255 } },
        { .id = 1, .name = "b", .kind = JT_FIELD_PAN, .rules_len = 4, .rules = { 1, 255, 0, 1 } },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(jt_keyclient_wait_field_make(kc, &bad[i], &none, &row), JT_ERR_INVALID);
    }
}

static void rows_of_another_keeper_are_refused(void **state)
{
    (void)state;
    struct keeper other;
    struct jt_keyclient *other_kc;
    keeper_make(&other, "development", "");
    keeper_init(&other);
    assert_true(keeper_start(&other));
    assert_int_equal(jt_keyclient_open(other.socket, -1, 20000, &other_kc), JT_OK);
    struct jt_client_row client = make_client("shop-1", JT_MAY_ALL);
    struct jt_ring_row ring;
    assert_int_equal(jt_keyclient_wait_ring_first(other_kc, &ring), JT_OK);
    struct jt_client_checked ignored;
    assert_int_equal(jt_keyclient_wait_client_check(other_kc, &client, secret, &ignored),
                     JT_ERR_BAD_CREDENTIAL);
    bool joined;
    assert_int_equal(jt_keyclient_wait_ring_first(kc, &ring), JT_OK);
    assert_int_equal(jt_keyclient_wait_ring_accept(other_kc, &ring, &joined), JT_ERR_KEY_WRONG);
    jt_keyclient_free(other_kc);
    keeper_remove(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_row_stands_with_its_own_secret_only),
        cmocka_unit_test(an_altered_client_row_is_refused),
        cmocka_unit_test(malformed_clients_are_not_made),
        cmocka_unit_test(a_field_row_stands_and_an_altered_one_is_refused),
        cmocka_unit_test(of_a_field_only_the_rules_change),
        cmocka_unit_test(card_rules_change_and_are_part_of_the_row),
        cmocka_unit_test(a_column_is_part_of_the_row_and_takes_no_others_place),
        cmocka_unit_test(malformed_fields_are_not_made),
        cmocka_unit_test(rows_of_another_keeper_are_refused),
    };
    return cmocka_run_group_tests_name("keeper/rows", tests, setup, teardown);
}
