/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/fieldkey.h"

#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GENERATION   UINT64_C(0x0102030405060708)
#define FIELD        7
#define KEY_ID       0xa5
#define PLAIN_LEN    8
#define ENVELOPE_LEN (JT_ENVELOPE_OVERHEAD + PLAIN_LEN)

static const uint8_t some_key[JT_GENERATION_KEY_LEN] = { 5, 6, 7 };

static bool all_zero(const uint8_t *p, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++) {
        any |= p[i];
    }
    return any == 0;
}

static struct jt_fieldkey *fieldkey(const uint8_t *key, uint64_t generation, uint8_t key_id,
                                    uint32_t field)
{
    struct jt_fieldkey *fk = NULL;
    assert_int_equal(jt_fieldkey_new(key, generation, key_id, field, &fk), JT_OK);
    assert_non_null(fk);
    return fk;
}

/* A record bound to a row and its fingerprint. */
static struct jt_siv_record record_of(const uint8_t *row_id, const uint8_t *fingerprint,
                                      const uint8_t *in, size_t in_len, uint8_t *out)
{
    struct jt_siv_record r = { .in = in, .in_len = in_len, .out = out, .err = JT_ERR_IO };
    jt_fieldkey_bind(&r, row_id, fingerprint);
    return r;
}

/*
 * Stored envelopes and fingerprints depend on every byte of the format: what the second
 * implementation printed, for ever.
 */
static void envelopes_and_fingerprints_are_frozen(void **state)
{
    (void)state;
    struct vector_file f = vector_file_open("frozen.txt");
    struct vector v;
    size_t n = 0, n_numeric = 0;
    while (vector_next(&f, &v)) {
        if (!vector_has(&v, "row")) {
            continue;
        }
        struct jt_bytes row = vector_get(&v, "row");
        struct jt_bytes plain = vector_get(&v, "plain");
        struct jt_bytes envelope = vector_get(&v, "envelope");
        struct jt_bytes fingerprint = vector_get(&v, "fingerprint");
        uint8_t sealed[VECTOR_BYTES_MAX];
        uint8_t opened[VECTOR_BYTES_MAX];
        struct jt_bytes linked = vector_get(&v, "linked");
        uint8_t macs[2][JT_FINGERPRINT_LEN];
        uint8_t plain_and_row[VECTOR_BYTES_MAX];
        memcpy(plain_and_row, plain.p, plain.len);
        memcpy(plain_and_row + plain.len, row.p, row.len);
        struct jt_fieldkey *fk = fieldkey(vector_get(&v, "key").p, GENERATION, KEY_ID, FIELD);
        assert_int_equal(row.len, JT_ROW_ID_LEN);
        struct jt_siv_record seal = record_of(row.p, fingerprint.p, plain.p, plain.len, sealed);
        struct jt_siv_record open =
            record_of(row.p, fingerprint.p, envelope.p, envelope.len, opened);
        struct jt_bytes digits = { NULL, 0 };
        if (vector_has(&v, "digits")) {
            digits = vector_get(&v, "digits");
            n_numeric++;
        }
        /* without any they are the empty component that every opaque token has */
        jt_fieldkey_bind_digits(&seal, digits.p, digits.len);
        jt_fieldkey_bind_digits(&open, digits.p, digits.len);
        struct jt_cmac_record prints[] = {
            { plain.p, plain.len, macs[0] },
            { plain_and_row, plain.len + row.len, macs[1] },
        };
        assert_int_equal(jt_fieldkey_seal(fk, &seal, 1), JT_OK);
        assert_int_equal(seal.err, JT_OK);
        assert_int_equal(envelope.len, JT_ENVELOPE_OVERHEAD + plain.len);
        assert_memory_equal(sealed, envelope.p, envelope.len);
        assert_int_equal(jt_fieldkey_open(fk, &open, 1), JT_OK);
        assert_int_equal(open.err, JT_OK);
        assert_memory_equal(opened, plain.p, plain.len);
        assert_int_equal(jt_fieldkey_fingerprint(fk, prints, 2), JT_OK);
        assert_memory_equal(macs[0], fingerprint.p, JT_FINGERPRINT_LEN);
        assert_memory_equal(macs[1], linked.p, JT_FINGERPRINT_LEN);
        jt_fieldkey_free(fk);
        n++;
    }
    vector_file_close(&f);
    assert_int_equal(n, 6);
    assert_int_equal(n_numeric, 2);
}

static void key_id_zero_is_refused(void **state)
{
    (void)state;
    struct jt_fieldkey *fk = (struct jt_fieldkey *)(uintptr_t)1;
    assert_int_equal(jt_fieldkey_new(some_key, 1, 0, 1, &fk), JT_ERR_INVALID);
    assert_null(fk);
    jt_fieldkey_free(NULL);
}

static const uint8_t row[JT_ROW_ID_LEN] = { 1, 2, 3 };
static const uint8_t fingerprint_of_row[JT_FINGERPRINT_LEN] = { 4, 5, 6 };
static const uint8_t plain[PLAIN_LEN] = { 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 };

static void sealed_once(struct jt_fieldkey *fk, uint8_t *envelope)
{
    struct jt_siv_record seal = record_of(row, fingerprint_of_row, plain, sizeof(plain), envelope);
    assert_int_equal(jt_fieldkey_seal(fk, &seal, 1), JT_OK);
    assert_int_equal(seal.err, JT_OK);
}

/* Opens the record under `fk` and expects a refusal that leaves nothing in the output. */
static void check_record_refused(struct jt_fieldkey *fk, struct jt_siv_record open)
{
    uint8_t opened[ENVELOPE_LEN];
    open.out = opened;
    memset(opened, 0xee, sizeof(opened));
    assert_int_equal(jt_fieldkey_open(fk, &open, 1), JT_OK);
    assert_int_equal(open.err, JT_ERR_DECRYPT);
    if (open.in_len > JT_ENVELOPE_OVERHEAD) {
        assert_true(all_zero(opened, open.in_len - JT_ENVELOPE_OVERHEAD));
    }
}

static void check_refused(struct jt_fieldkey *fk, const uint8_t *row_id, const uint8_t *fingerprint,
                          const uint8_t *envelope, size_t len)
{
    check_record_refused(fk, record_of(row_id, fingerprint, envelope, len, NULL));
}

/* Binds a record in the ways that no row has: a component too few, or one of a wrong length. */
static struct jt_siv_record badly_bound(struct jt_siv_record r, size_t way)
{
    switch (way) {
    case 0: r.n_ad = 0; break;
    case 1: r.n_ad = 2; break;
    case 2: r.ad[0].len--; break;
    case 3: r.ad[0].len = 0; break;
    case 4: r.ad[1].len--; break;
    case 5: r.ad[1].len = 0; break;
    case 6: r.ad[2] = (struct jt_bytes){ "1", 1 }; break;
    }
    return r;
}
#define N_BADLY_BOUND 7

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    uint8_t envelope[ENVELOPE_LEN];
    struct jt_fieldkey *fk = fieldkey(some_key, GENERATION, KEY_ID, FIELD);
    sealed_once(fk, envelope);
    for (size_t bit = 0; bit < 8 * sizeof(envelope); bit++) {
        envelope[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check_refused(fk, row, fingerprint_of_row, envelope, sizeof(envelope));
        envelope[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof(row); bit++) {
        uint8_t other[sizeof(row)];
        memcpy(other, row, sizeof(row));
        other[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check_refused(fk, other, fingerprint_of_row, envelope, sizeof(envelope));
    }
    for (size_t bit = 0; bit < 8 * sizeof(fingerprint_of_row); bit++) {
        uint8_t other[sizeof(fingerprint_of_row)];
        memcpy(other, fingerprint_of_row, sizeof(other));
        other[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check_refused(fk, row, other, envelope, sizeof(envelope));
    }
    for (size_t len = 0; len < sizeof(envelope); len++) {
        check_refused(fk, row, fingerprint_of_row, envelope, len);
    }
    for (size_t way = 0; way < N_BADLY_BOUND; way++) {
        check_record_refused(
            fk,
            badly_bound(record_of(row, fingerprint_of_row, envelope, sizeof(envelope), NULL), way));
    }
    jt_fieldkey_free(fk);
}

static void foreign_fields_generations_and_key_ids_are_refused(void **state)
{
    (void)state;
    static const uint8_t other_key[JT_GENERATION_KEY_LEN] = { 5, 6, 8 };
    uint8_t envelope[ENVELOPE_LEN];
    struct jt_fieldkey *fk = fieldkey(some_key, GENERATION, KEY_ID, FIELD);
    struct jt_fieldkey *foreign[] = {
        fieldkey(some_key, GENERATION, KEY_ID, FIELD + 1),
        fieldkey(some_key, GENERATION + 1, KEY_ID, FIELD),
        fieldkey(some_key, GENERATION, KEY_ID + 1, FIELD),
        fieldkey(other_key, GENERATION, KEY_ID, FIELD),
    };
    sealed_once(fk, envelope);
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        check_refused(foreign[i], row, fingerprint_of_row, envelope, sizeof(envelope));
    }
    /* Renaming the envelope does not help: the key id is in the associated data too. */
    envelope[0] = KEY_ID + 1;
    check_refused(foreign[2], row, fingerprint_of_row, envelope, sizeof(envelope));
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        jt_fieldkey_free(foreign[i]);
    }
    jt_fieldkey_free(fk);
}

#define N 300

static uint8_t big[JT_PLAINTEXT_MAX + 1];
static uint8_t envelopes[N][JT_ENVELOPE_OVERHEAD + JT_PLAINTEXT_MAX];
static uint8_t opened[N][JT_PLAINTEXT_MAX];
static struct jt_siv_record records[N];

/*
 * What record `i` is: every seventh out of bounds, the others of the lengths around which things
 * change.
 */
static size_t plain_len_of(size_t i)
{
    static const size_t lengths[] = { 1, 6, 8, 10, 16, 33, JT_PLAINTEXT_MAX };
    return i % 7 == 3 ? (i % 2 == 0 ? 0 : JT_PLAINTEXT_MAX + 1) : lengths[(i / 7) % 7];
}

static void bad_records_leave_their_neighbours_alone(void **state)
{
    (void)state;
    struct jt_fieldkey *fk = fieldkey(some_key, GENERATION, KEY_ID, FIELD);
    memset(envelopes, 0xee, sizeof(envelopes));
    for (size_t i = 0; i < sizeof(big); i++) {
        big[i] = (uint8_t)(i * 3);
    }
    for (size_t i = 0; i < N; i++) {
        records[i] = record_of(big + i, big + 2 * i, big, plain_len_of(i), envelopes[i]);
    }
    records[11] = badly_bound(records[11], 0);
    records[12] = badly_bound(records[12], 2);
    assert_int_equal(jt_fieldkey_seal(fk, records, N), JT_OK);
    for (size_t i = 0; i < N; i++) {
        bool bad = i % 7 == 3 || i == 11 || i == 12;
        assert_int_equal(records[i].err, bad ? JT_ERR_INVALID : JT_OK);
        assert_int_equal(envelopes[i][0], bad ? 0xee : KEY_ID);
        size_t len = bad ? i % (JT_ENVELOPE_OVERHEAD + 1) : JT_ENVELOPE_OVERHEAD + plain_len_of(i);
        records[i] = record_of(big + i, big + 2 * i, envelopes[i], len, opened[i]);
    }
    assert_int_equal(jt_fieldkey_open(fk, records, N), JT_OK);
    for (size_t i = 0; i < N; i++) {
        bool bad = i % 7 == 3 || i == 11 || i == 12;
        assert_int_equal(records[i].err, bad ? JT_ERR_DECRYPT : JT_OK);
        if (!bad) {
            assert_memory_equal(opened[i], big, plain_len_of(i));
        }
    }
    jt_fieldkey_free(fk);
}

/*
 * The API seals no empty plaintexts; an envelope of one, could it be made, is refused like any
 * other.
 */
static void empty_plaintexts_are_refused_both_ways(void **state)
{
    (void)state;
    uint8_t envelope[JT_ENVELOPE_OVERHEAD] = { KEY_ID };
    struct jt_fieldkey *fk = fieldkey(some_key, GENERATION, KEY_ID, FIELD);
    struct jt_siv_record seal = record_of(row, fingerprint_of_row, plain, 0, envelope);
    assert_int_equal(jt_fieldkey_seal(fk, &seal, 1), JT_OK);
    assert_int_equal(seal.err, JT_ERR_INVALID);
    check_refused(fk, row, fingerprint_of_row, envelope, sizeof(envelope));
    jt_fieldkey_free(fk);
}

static void fingerprints_differ_by_field_generation_key_and_contents(void **state)
{
    (void)state;
    static const uint8_t other_key[JT_GENERATION_KEY_LEN] = { 5, 6, 8 };
    uint8_t macs[5][JT_FINGERPRINT_LEN];
    struct jt_fieldkey *fk[] = {
        fieldkey(some_key, 1, 1, FIELD),
        fieldkey(some_key, 1, 1, FIELD + 1),
        fieldkey(other_key, 2, 2, FIELD),
    };
    struct jt_cmac_record prints[] = {
        { plain, sizeof(plain), macs[0] }, { plain, sizeof(plain), macs[1] },
        { plain, sizeof(plain), macs[2] }, { plain, sizeof(plain) - 1, macs[3] },
        { plain, sizeof(plain), macs[4] },
    };
    assert_int_equal(jt_fieldkey_fingerprint(fk[0], &prints[0], 1), JT_OK);
    assert_int_equal(jt_fieldkey_fingerprint(fk[1], &prints[1], 1), JT_OK);
    assert_int_equal(jt_fieldkey_fingerprint(fk[2], &prints[2], 1), JT_OK);
    assert_int_equal(jt_fieldkey_fingerprint(fk[0], &prints[3], 2), JT_OK);
    for (size_t a = 0; a < 4; a++) {
        for (size_t b = 0; b < a; b++) {
            assert_memory_not_equal(macs[a], macs[b], JT_FINGERPRINT_LEN);
        }
    }
    assert_memory_equal(macs[4], macs[0], JT_FINGERPRINT_LEN);
    for (size_t i = 0; i < 3; i++) {
        jt_fieldkey_free(fk[i]);
    }
}

/* An envelope that an application keeps never opens as a vaulted one, nor the other way round. */
static void held_and_vaulted_envelopes_do_not_mix(void **state)
{
    (void)state;
    static const uint8_t value[PLAIN_LEN] = { 0x41, 1, 2 };
    static const uint8_t row_id[JT_ROW_ID_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    static const uint8_t fingerprint[JT_FINGERPRINT_LEN] = { 9 };
    uint8_t all[JT_ROW_ID_LEN + JT_FINGERPRINT_LEN], envelope[ENVELOPE_LEN], out[PLAIN_LEN];
    struct jt_fieldkey *fk = fieldkey(some_key, GENERATION, KEY_ID, FIELD);
    memcpy(all, row_id, sizeof row_id);
    memcpy(all + sizeof row_id, fingerprint, sizeof fingerprint);

    struct jt_siv_record r = record_of(row_id, fingerprint, value, PLAIN_LEN, envelope);
    assert_int_equal(jt_fieldkey_seal(fk, &r, 1), JT_OK);
    const struct jt_bytes row_ids[] = { { row_id, sizeof row_id }, { all, sizeof all } };
    for (size_t i = 0; i < 2; i++) {
        struct jt_siv_record held = { .in = envelope, .in_len = ENVELOPE_LEN, .out = out };
        jt_fieldkey_bind_held(&held, row_ids[i].p, row_ids[i].len);
        assert_int_equal(jt_fieldkey_open(fk, &held, 1), JT_OK);
        assert_int_equal(held.err, JT_ERR_DECRYPT);
        assert_true(all_zero(out, sizeof out));
    }

    struct jt_siv_record held = { .in = value, .in_len = PLAIN_LEN, .out = envelope };
    jt_fieldkey_bind_held(&held, row_id, sizeof row_id);
    assert_int_equal(jt_fieldkey_seal(fk, &held, 1), JT_OK);
    assert_int_equal(held.err, JT_OK);
    r = record_of(row_id, fingerprint, envelope, ENVELOPE_LEN, out);
    assert_int_equal(jt_fieldkey_open(fk, &r, 1), JT_OK);
    assert_int_equal(r.err, JT_ERR_DECRYPT);
    held = (struct jt_siv_record){ .in = envelope, .in_len = ENVELOPE_LEN, .out = out };
    jt_fieldkey_bind_held(&held, row_id, sizeof row_id);
    assert_int_equal(jt_fieldkey_open(fk, &held, 1), JT_OK);
    assert_int_equal(held.err, JT_OK);
    assert_memory_equal(out, value, PLAIN_LEN);
    jt_fieldkey_bind_held(&held, row_id, 0); /* bound to nothing */
    assert_int_equal(jt_fieldkey_open(fk, &held, 1), JT_OK);
    assert_int_equal(held.err, JT_ERR_DECRYPT);
    jt_fieldkey_free(fk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes_and_fingerprints_are_frozen),
        cmocka_unit_test(key_id_zero_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(foreign_fields_generations_and_key_ids_are_refused),
        cmocka_unit_test(bad_records_leave_their_neighbours_alone),
        cmocka_unit_test(empty_plaintexts_are_refused_both_ways),
        cmocka_unit_test(held_and_vaulted_envelopes_do_not_mix),
        cmocka_unit_test(fingerprints_differ_by_field_generation_key_and_contents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
