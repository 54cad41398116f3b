/* SPDX-License-Identifier: Apache-2.0 */
/* Parcels and escrow files that a second implementation has made (tests/vectors). */
#include "keeper/parcel.h"

#include "../crypto/vectors.h"
#include "crypto/kdf.h"
#include "keeper/escrow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void open_parcel(const struct vector *v)
{
    struct jt_parcel_request request;
    struct jt_parcel parcel;
    uint8_t key[JT_PARCEL_KEY_LEN];
    struct jt_bytes base = vector_get(v, "base"), private_key = vector_get(v, "private");
    struct jt_bytes asked = vector_get(v, "request"), answered = vector_get(v, "parcel");
    struct jt_reader in = jt_reader_init(asked.p, asked.len);
    assert_int_equal(base.len, JT_PARCEL_BASE_LEN);
    assert_int_equal(jt_parcel_request_decode(&in, &request), JT_OK);
    assert_int_equal(in.left, 0);
    assert_int_equal(jt_parcel_request_check(base.p, &request), JT_OK);
    in = jt_reader_init(answered.p, answered.len);
    assert_int_equal(jt_parcel_decode(&in, &parcel), JT_OK);
    assert_int_equal(in.left, 0);
    assert_int_equal(jt_parcel_open(base.p, &request, private_key.p, &parcel, key), JT_OK);
    assert_memory_equal(key, vector_get(v, "sealedkey").p, sizeof key);
    /* What is sealed here opens the same way. */
    assert_int_equal(jt_parcel_seal(base.p, &request, key, &parcel), JT_OK);
    memset(key, 0, sizeof key);
    assert_int_equal(jt_parcel_open(base.p, &request, private_key.p, &parcel, key), JT_OK);
    assert_memory_equal(key, vector_get(v, "sealedkey").p, sizeof key);
    /* Under another base, or for another request, it does not, and nothing is left. */
    static const uint8_t nothing[JT_PARCEL_KEY_LEN];
    uint8_t other[JT_PARCEL_BASE_LEN];
    memcpy(other, base.p, sizeof other);
    other[JT_PARCEL_BASE_LEN - 1] ^= 1;
    assert_int_equal(jt_parcel_open(other, &request, private_key.p, &parcel, key), JT_ERR_FORGED);
    assert_memory_equal(key, nothing, sizeof key);
    request.mac[0] ^= 1;
    assert_int_equal(jt_parcel_request_check(base.p, &request), JT_ERR_FORGED);
    assert_int_equal(jt_parcel_open(base.p, &request, private_key.p, &parcel, key), JT_ERR_FORGED);
}

static void open_escrow(const struct vector *v)
{
    static struct jt_escrow escrow;
    static struct jt_escrow_file file, again;
    struct jt_master master;
    const uint8_t *key = vector_get(v, "master").p;
    struct jt_bytes bytes = vector_get(v, "escrow");
    assert_int_equal(
        jt_kdf_derive(key, JT_KDF_ESCROW, NULL, 0, master.escrow, sizeof master.escrow), JT_OK);
    assert_int_equal(jt_kdf_derive(key, JT_KDF_MASTER_CHECK, NULL, 0, master.check_value,
                                   sizeof master.check_value),
                     JT_OK);
    memcpy(file.bytes, bytes.p, bytes.len);
    file.len = bytes.len;
    assert_int_equal(jt_escrow_open(&master, true, &file, &escrow), JT_OK);
    assert_memory_equal(escrow.root, vector_get(v, "root").p, sizeof escrow.root);
    assert_int_equal(escrow.n, 2);
    assert_memory_equal(escrow.entries[0].key, vector_get(v, "first").p, 32);
    assert_memory_equal(escrow.entries[1].key, vector_get(v, "second").p, 32);
    assert_int_equal(escrow.entries[0].meta.number, 7);
    assert_int_equal(escrow.entries[1].meta.key_id, 12);
    assert_true(escrow.entries[0].meta.used && !escrow.entries[1].meta.used);
    assert_int_equal(escrow.entries[1].meta.created_s, 1763711002);
    assert_int_equal(escrow.epoch, 9);
    assert_int_equal(escrow.state.highest_generation, 8);
    assert_int_equal(escrow.state.seen[1].version, 4);
    assert_int_equal(escrow.state.operators_revoked, 2);
    assert_int_equal(escrow.state.numeric.timeline, 7);
    assert_int_equal(escrow.state.node_marks[1], 77);
    assert_int_equal(escrow.state.node_marks[255], 88);
    assert_int_equal(jt_escrow_seal(&master, &escrow, &again), JT_OK);
    assert_int_equal(again.len, file.len);
    assert_memory_equal(again.bytes, file.bytes, file.len);
}

static void what_a_second_implementation_made_opens(void **state)
{
    (void)state;
    struct vector_file f = vector_file_open("frozen.txt");
    struct vector v;
    int n_parcels = 0, n_escrows = 0;
    while (vector_next(&f, &v)) {
        if (vector_has(&v, "parcel")) {
            open_parcel(&v);
            n_parcels++;
        }
        if (vector_has(&v, "escrow")) {
            open_escrow(&v);
            n_escrows++;
        }
    }
    vector_file_close(&f);
    assert_int_equal(n_parcels, 2);
    assert_int_equal(n_escrows, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_second_implementation_made_opens),
    };
    return cmocka_run_group_tests_name("keeper/parcel", tests, NULL, NULL);
}
