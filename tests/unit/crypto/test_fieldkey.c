#include "crypto/fieldkey.h"

#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GENERATION UINT64_C(0x0102030405060708)
#define FIELD 7
#define KEY_ID 0xa5
#define PLAIN_LEN 8
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

static struct jt_fieldkey *fieldkey(const uint8_t *key, uint64_t generation, uint8_t key_id, uint32_t field)
{
    struct jt_fieldkey *fk = NULL;
    assert_int_equal(jt_fieldkey_new(key, generation, key_id, field, &fk), JT_OK);
    assert_non_null(fk);
    return fk;
}

/* Stored envelopes and fingerprints depend on every byte of the format: what the second implementation printed, for ever. */
static void envelopes_and_fingerprints_are_frozen(void **state)
{
    (void)state;
    struct vector_file f = vector_file_open("frozen.txt");
    struct vector v;
    size_t n = 0;
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
        uint8_t mac[JT_FINGERPRINT_LEN];
        struct jt_fieldkey *fk = fieldkey(vector_get(&v, "key").p, GENERATION, KEY_ID, FIELD);
        struct jt_siv_record seal = { row.p, row.len, plain.p, plain.len, sealed, JT_ERR_IO };
        struct jt_siv_record open = { row.p, row.len, envelope.p, envelope.len, opened, JT_ERR_IO };
        struct jt_cmac_record print = { plain.p, plain.len, mac };
        assert_int_equal(jt_fieldkey_seal(fk, &seal, 1), JT_OK);
        assert_int_equal(seal.err, JT_OK);
        assert_int_equal(envelope.len, JT_ENVELOPE_OVERHEAD + plain.len);
        assert_memory_equal(sealed, envelope.p, envelope.len);
        assert_int_equal(jt_fieldkey_open(fk, &open, 1), JT_OK);
        assert_int_equal(open.err, JT_OK);
        assert_memory_equal(opened, plain.p, plain.len);
        assert_int_equal(jt_fieldkey_fingerprint(fk, &print, 1), JT_OK);
        assert_memory_equal(mac, fingerprint.p, JT_FINGERPRINT_LEN);
        jt_fieldkey_free(fk);
        n++;
    }
    vector_file_close(&f);
    assert_int_equal(n, 4);
}

static void key_id_zero_is_refused(void **state)
{
    (void)state;
    struct jt_fieldkey *fk = (struct jt_fieldkey *)(uintptr_t)1;
    assert_int_equal(jt_fieldkey_new(some_key, 1, 0, 1, &fk), JT_ERR_INVALID);
    assert_null(fk);
    jt_fieldkey_free(NULL);
}

static const uint8_t row[16] = { 1, 2, 3 };
static const uint8_t plain[PLAIN_LEN] = { 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 };

static void sealed_once(struct jt_fieldkey *fk, uint8_t *envelope)
{
    struct jt_siv_record seal = { row, sizeof(row), plain, sizeof(plain), envelope, JT_ERR_IO };
    assert_int_equal(jt_fieldkey_seal(fk, &seal, 1), JT_OK);
    assert_int_equal(seal.err, JT_OK);
}

/* Opens `envelope` under `fk` and expects a refusal that leaves nothing in the output. */
static void check_refused(struct jt_fieldkey *fk, const uint8_t *row_id, size_t row_id_len, const uint8_t *envelope, size_t len)
{
    uint8_t opened[ENVELOPE_LEN];
    struct jt_siv_record open = { row_id, row_id_len, envelope, len, opened, JT_ERR_IO };
    memset(opened, 0xee, sizeof(opened));
    assert_int_equal(jt_fieldkey_open(fk, &open, 1), JT_OK);
    assert_int_equal(open.err, JT_ERR_DECRYPT);
    if (len > JT_ENVELOPE_OVERHEAD) {
        assert_true(all_zero(opened, len - JT_ENVELOPE_OVERHEAD));
    }
}

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    uint8_t envelope[ENVELOPE_LEN];
    struct jt_fieldkey *fk = fieldkey(some_key, GENERATION, KEY_ID, FIELD);
    sealed_once(fk, envelope);
    for (size_t bit = 0; bit < 8 * sizeof(envelope); bit++) {
        envelope[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check_refused(fk, row, sizeof(row), envelope, sizeof(envelope));
        envelope[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof(row); bit++) {
        uint8_t other[sizeof(row)];
        memcpy(other, row, sizeof(row));
        other[bit / 8] ^= (uint8_t)(1 << bit % 8);
        check_refused(fk, other, sizeof(other), envelope, sizeof(envelope));
    }
    for (size_t len = 0; len < sizeof(envelope); len++) {
        check_refused(fk, row, sizeof(row), envelope, len);
    }
    check_refused(fk, row, sizeof(row) - 1, envelope, sizeof(envelope));
    check_refused(fk, row, 0, envelope, sizeof(envelope));
    check_refused(fk, row, JT_ROW_ID_MAX + 1, envelope, sizeof(envelope));
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
        check_refused(foreign[i], row, sizeof(row), envelope, sizeof(envelope));
    }
    /* Renaming the envelope does not help: the key id is in the associated data too. */
    envelope[0] = KEY_ID + 1;
    check_refused(foreign[2], row, sizeof(row), envelope, sizeof(envelope));
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

/* What record `i` is: every seventh out of bounds, the others of the lengths around which things change. */
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
        records[i] = (struct jt_siv_record){ big + i, 1 + i % JT_ROW_ID_MAX, big, plain_len_of(i), envelopes[i], JT_ERR_IO };
    }
    records[10].row_id_len = 0;
    records[11].row_id_len = JT_ROW_ID_MAX + 1;
    assert_int_equal(jt_fieldkey_seal(fk, records, N), JT_OK);
    for (size_t i = 0; i < N; i++) {
        bool bad = i % 7 == 3 || i == 10 || i == 11;
        assert_int_equal(records[i].err, bad ? JT_ERR_INVALID : JT_OK);
        assert_int_equal(envelopes[i][0], bad ? 0xee : KEY_ID);
        size_t len = bad ? i % (JT_ENVELOPE_OVERHEAD + 1) : JT_ENVELOPE_OVERHEAD + plain_len_of(i);
        records[i] = (struct jt_siv_record){ big + i, 1 + i % JT_ROW_ID_MAX, envelopes[i], len, opened[i], JT_ERR_IO };
    }
    assert_int_equal(jt_fieldkey_open(fk, records, N), JT_OK);
    for (size_t i = 0; i < N; i++) {
        bool bad = i % 7 == 3 || i == 10 || i == 11;
        assert_int_equal(records[i].err, bad ? JT_ERR_DECRYPT : JT_OK);
        if (!bad) {
            assert_memory_equal(opened[i], big, plain_len_of(i));
        }
    }
    jt_fieldkey_free(fk);
}

/* The API seals no empty plaintexts; an envelope of one, could it be made, is refused like any other. */
static void empty_plaintexts_are_refused_both_ways(void **state)
{
    (void)state;
    uint8_t envelope[JT_ENVELOPE_OVERHEAD] = { KEY_ID };
    struct jt_fieldkey *fk = fieldkey(some_key, GENERATION, KEY_ID, FIELD);
    struct jt_siv_record seal = { row, sizeof(row), plain, 0, envelope, JT_ERR_IO };
    assert_int_equal(jt_fieldkey_seal(fk, &seal, 1), JT_OK);
    assert_int_equal(seal.err, JT_ERR_INVALID);
    check_refused(fk, row, sizeof(row), envelope, sizeof(envelope));
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
        { plain, sizeof(plain), macs[0] },     { plain, sizeof(plain), macs[1] },     { plain, sizeof(plain), macs[2] },
        { plain, sizeof(plain) - 1, macs[3] }, { plain, sizeof(plain), macs[4] },
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes_and_fingerprints_are_frozen),
        cmocka_unit_test(key_id_zero_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(foreign_fields_generations_and_key_ids_are_refused),
        cmocka_unit_test(bad_records_leave_their_neighbours_alone),
        cmocka_unit_test(empty_plaintexts_are_refused_both_ways),
        cmocka_unit_test(fingerprints_differ_by_field_generation_key_and_contents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
