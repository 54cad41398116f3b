/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numeric tokens in the keeper: SEAL makes them and binds envelopes to them, IDENTIFY finds them,
 * OPEN, MATCH and RESEAL need them, NUMERIC_MARK says whether any are made.
 */
#include "inside.h"
#include "crypto/kdf.h"
#include "keeper/numeric.h"
#include "tests/unit/crypto/vectors.h"
#include "wire/identify.h"
#include "wire/match.h"
#include "wire/numeric.h"
#include "wire/open.h"
#include "wire/reseal.h"
#include "wire/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N        1500 /* more than a chunk */
#define PLAIN    500  /* fields with numeric tokens: check digits are wrong, */
#define GUARDED  501  /* or right, */
#define UNLINKED 502  /* or wrong and without dedup */
#define LEN      8

struct stored {
    uint64_t id;
    uint8_t pan[LEN], fingerprint[16], envelope[25], tok[16];
    struct jt_digits digits;
    bool guarded;
    uint8_t value_tok[16], digit_fps[2][16];
};

static struct stored rows[N];
static struct jt_seal_result sealed[N];

static void name_field(struct inside *in, uint32_t id, struct jt_numeric_form form, bool dedup)
{
    const struct jt_field_row row = { .spec = { .id = id,
                                                .kind = JT_FIELD_PAN,
                                                .dedup = dedup,
                                                .token_form = jt_numeric_form_encode(&form) },
                                      .state = JT_ROW_ACTIVE };
    assert_int_equal(jt_fieldtable_add(&in->k->fields, &row), JT_OK);
}

static bool show(struct inside *in, uint64_t mark, uint64_t system, uint32_t timeline, bool accept)
{
    const struct jt_numeric_show asked = { { mark, system, timeline }, accept };
    struct jt_numeric_shown shown;
    struct jt_reader reply;
    jt_numeric_show_encode(&asked, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_NUMERIC_MARK, &reply), JT_OK);
    assert_int_equal(jt_numeric_shown_decode(&reply, &shown), JT_OK);
    assert_true(shown.open == in->k->numeric_open);
    return shown.open;
}

static int setup(void **state)
{
    (void)inside_setup(state);
    struct inside *in = *state;
    struct jt_node_joined joined;
    name_field(in, PLAIN, (struct jt_numeric_form){ 6, 4, false, false }, true);
    name_field(in, GUARDED, (struct jt_numeric_form){ 6, 4, true, true }, true);
    name_field(in, UNLINKED, (struct jt_numeric_form){ 0, 0, false, false }, false);
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    return 0;
}

/* 16 digits each; whether the check digit is right is not the keeper's concern. */
static void make_pan(size_t i, uint8_t pan[static LEN])
{
    static const uint8_t first[LEN] = { 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 };
    memcpy(pan, first, LEN);
    pan[4] = (uint8_t)((i / 1000 % 10) << 4 | i / 100 % 10);
    pan[5] = (uint8_t)((i / 10 % 10) << 4 | i % 10);
}

static struct jt_value value_of(const uint8_t pan[static LEN])
{
    return (struct jt_value){ .kind = JT_FIELD_PAN, .bytes = pan, .len = LEN };
}

static void ask_seal(struct inside *in, uint32_t field, struct jt_seal_reply *reply)
{
    static struct jt_seal_item items[N];
    for (size_t i = 0; i < N; i++) {
        make_pan(i, rows[i].pan);
        items[i] = (struct jt_seal_item){ .field = field, .value = value_of(rows[i].pan) };
    }
    const struct jt_seal_request request = { .items = items, .n = N };
    struct jt_reader payload;
    *reply = (struct jt_seal_reply){ .results = sealed };
    jt_seal_request_encode(&request, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_SEAL, &payload), JT_OK);
    assert_int_equal(jt_seal_reply_decode(&payload, N, reply), JT_OK);
}

static void seal_all(struct inside *in, uint32_t field)
{
    struct jt_seal_reply reply;
    ask_seal(in, field, &reply);
    for (size_t i = 0; i < N; i++) {
        const struct jt_seal_result *r = &sealed[i];
        struct stored *s = &rows[i];
        assert_int_equal(r->err, JT_OK);
        s->id = r->id;
        memcpy(s->fingerprint, r->fingerprint, 16);
        memcpy(s->envelope, r->envelope, 25);
        memcpy(s->tok, r->token, 16);
        s->digits = r->digits;
        s->guarded = r->value_tok != NULL;
        assert_int_equal(r->digit_fps != NULL, s->guarded);
        if (s->guarded) {
            memcpy(s->value_tok, r->value_tok, 16);
            memcpy(s->digit_fps, r->digit_fps, 16 * (1 + jt_seal_draining(&reply)));
        }
    }
}

static struct jt_open_item open_item(uint32_t field, const struct stored *s)
{
    return (struct jt_open_item){ .field = field,
                                  .id = s->id,
                                  .fingerprint = s->fingerprint,
                                  .envelope = s->envelope,
                                  .envelope_len = 25,
                                  .digits = s->digits };
}

static enum jt_err open_one(struct inside *in, const struct jt_open_item *item, uint8_t *pan)
{
    struct jt_open_result result;
    struct jt_open_reply reply = { .results = &result };
    struct jt_reader payload;
    jt_open_request_encode(item, 1, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_OPEN, &payload), JT_OK);
    assert_int_equal(jt_open_reply_decode(&payload, 1, &reply), JT_OK);
    if (result.err == JT_OK) {
        assert_int_equal(result.value.len, LEN);
        memcpy(pan, result.value.bytes, LEN);
    }
    return result.err;
}

static void sealed_cards_open_with_their_own_digits_only(void **state)
{
    struct inside *in = *state;
    static const uint32_t fields[] = { PLAIN, GUARDED, UNLINKED };
    uint8_t pan[LEN];
    assert_true(show(in, 1, 7, 1, false));
    for (size_t f = 0; f < 3; f++) {
        seal_all(in, fields[f]);
        for (size_t i = 0; i < N; i += 97) {
            struct jt_open_item item = open_item(fields[f], &rows[i]);
            assert_int_equal(rows[i].digits.packed_len, LEN);
            assert_true(jt_numeric_has_form(&jt_fieldtable_find(&in->k->fields, fields[f])->form,
                                            rows[i].digits.packed, LEN));
            assert_int_equal(open_one(in, &item, pan), JT_OK);
            assert_memory_equal(pan, rows[i].pan, LEN);
            item.digits = rows[(i + 1) % N].digits;
            assert_int_equal(open_one(in, &item, pan), JT_ERR_DECRYPT);
            item.digits = (struct jt_digits){ .packed_len = 0 };
            assert_int_equal(open_one(in, &item, pan), JT_ERR_DECRYPT);
        }
    }
}

static void only_a_guarded_field_says_how_to_find_cards_that_are_tokens(void **state)
{
    struct inside *in = *state;
    assert_true(show(in, 1, 7, 1, false));
    seal_all(in, PLAIN);
    assert_false(rows[0].guarded || rows[N - 1].guarded);
    (void)inside_roll(in);
    seal_all(in, GUARDED);
    /* What is said of digits is what is said of a card of the same digits, and the other way round.
     */
    static struct stored first[N];
    memcpy(first, rows, sizeof rows);
    static struct jt_seal_item items[2];
    struct jt_seal_reply reply = { .results = sealed };
    struct jt_reader payload;
    items[0] = (struct jt_seal_item){ .field = GUARDED, .value = value_of(first[5].digits.packed) };
    items[1] = (struct jt_seal_item){ .field = GUARDED, .value = value_of(first[6].pan) };
    const struct jt_seal_request request = { .items = items, .n = 2 };
    jt_seal_request_encode(&request, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_SEAL, &payload), JT_OK);
    assert_int_equal(jt_seal_reply_decode(&payload, 2, &reply), JT_OK);
    assert_int_equal(reply.n_probed, 1);
    assert_memory_equal(sealed[0].fingerprint, first[5].digit_fps[0], 16);
    assert_memory_equal(sealed[0].probes, first[5].digit_fps[1], 16);
    assert_memory_equal(sealed[0].value_tok, first[5].tok, 16);
    assert_memory_equal(sealed[1].value_tok, first[6].value_tok, 16);
    /* tokens that keep the same digits lie side by side, and others elsewhere */
    assert_memory_equal(first[5].tok, first[6].tok, JT_TOK_CLASS_LEN);
    assert_memory_equal(first[5].tok, first[6].value_tok, JT_TOK_CLASS_LEN);
    assert_true(memcmp(first[5].tok, first[6].tok, 16) != 0);
}

static enum jt_err identify(struct inside *in, uint32_t field, const uint8_t *token, uint8_t *tok)
{
    const struct jt_identify_item item = { .field = field, .token = token };
    struct jt_identify_result result;
    struct jt_identify_reply reply = { .results = &result };
    struct jt_reader payload;
    jt_identify_request_encode(&item, 1, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_IDENTIFY, &payload), JT_OK);
    assert_int_equal(jt_identify_reply_decode(&payload, 1, &reply), JT_OK);
    if (result.err == JT_OK) {
        assert_true(result.id == 0);
        memcpy(tok, result.tok, 16);
    }
    return result.err;
}

static void tokens_are_found_by_what_they_were_stored_under(void **state)
{
    struct inside *in = *state;
    uint8_t token[16], tok[16], other[16];
    assert_true(show(in, 1, 7, 1, false));
    seal_all(in, PLAIN);
    for (size_t i = 0; i < N; i += 131) {
        jt_numeric_to_token(rows[i].digits.packed, LEN, token);
        assert_int_equal(identify(in, PLAIN, token, tok), JT_OK);
        assert_memory_equal(tok, rows[i].tok, 16);
        assert_int_equal(identify(in, UNLINKED, token, other), JT_ERR_NO_TOKEN); /* begins with 4 */
        assert_int_equal(identify(in, GUARDED, token, other), JT_ERR_NO_TOKEN);
        assert_int_equal(identify(in, FIELD, token, other), JT_ERR_NO_TOKEN);
    }
    /* of a card number not even the tok leaves: its check digit is right */
    assert_int_equal(jt_numeric_token_parse("4111111111111111", 16, token), JT_OK);
    assert_int_equal(identify(in, PLAIN, token, tok), JT_ERR_NO_TOKEN);
    memset(token, 0x77, sizeof token);
    assert_int_equal(identify(in, PLAIN, token, tok), JT_ERR_NO_TOKEN);
}

static void a_known_card_is_matched_with_its_digits(void **state)
{
    struct inside *in = *state;
    uint8_t token[16];
    assert_true(show(in, 1, 7, 1, false));
    seal_all(in, PLAIN);
    for (int wrong = 0; wrong < 2; wrong++) {
        const struct jt_match_item item = { .field = PLAIN,
                                            .id = rows[3].id,
                                            .fingerprint = rows[3].fingerprint,
                                            .value = value_of(rows[3].pan),
                                            .envelope = rows[3].envelope,
                                            .envelope_len = 25,
                                            .digits = rows[3 + wrong].digits };
        struct jt_match_result result;
        struct jt_match_reply reply = { .results = &result };
        struct jt_reader payload;
        jt_match_request_encode(&item, 1, &in->payload);
        assert_int_equal(inside_ask(in, JT_VERB_MATCH, &payload), JT_OK);
        assert_int_equal(jt_match_reply_decode(&payload, 1, &reply), JT_OK);
        assert_int_equal(result.err, wrong ? JT_ERR_DECRYPT : JT_OK);
        if (!wrong) {
            jt_numeric_to_token(rows[3].digits.packed, LEN, token);
            assert_memory_equal(result.token, token, 16);
        }
    }
}

static void a_card_moves_with_its_digits(void **state)
{
    struct inside *in = *state;
    uint8_t pan[LEN];
    assert_true(show(in, 1, 7, 1, false));
    seal_all(in, UNLINKED);
    (void)inside_roll(in);
    for (int wrong = 0; wrong < 2; wrong++) {
        struct jt_open_item item = open_item(UNLINKED, &rows[9]);
        item.digits = rows[9 + wrong].digits;
        struct jt_reseal_result result;
        struct jt_reseal_reply reply = { .results = &result };
        struct jt_reader payload;
        jt_open_request_encode(&item, 1, &in->payload);
        assert_int_equal(inside_ask(in, JT_VERB_RESEAL, &payload), JT_OK);
        assert_int_equal(jt_reseal_reply_decode(&payload, 1, &reply), JT_OK);
        assert_int_equal(result.err, wrong ? JT_ERR_DECRYPT : JT_OK);
        if (wrong) {
            continue;
        }
        struct stored moved = rows[9];
        memcpy(moved.fingerprint, result.fingerprint, 16);
        memcpy(moved.envelope, result.envelope, 25);
        item = open_item(UNLINKED, &moved);
        assert_int_equal(open_one(in, &item, pan), JT_OK);
        assert_memory_equal(pan, rows[9].pan, LEN);
        item.digits = rows[10].digits;
        assert_int_equal(open_one(in, &item, pan), JT_ERR_DECRYPT);
    }
}

static void numbers_without_room_are_refused(void **state)
{
    struct inside *in = *state;
    assert_true(show(in, 1, 7, 1, false));
    name_field(in, 503, (struct jt_numeric_form){ 8, 4, false, false }, true);
    static const uint8_t digits_13[7] = { 0x42, 0x22, 0x22, 0x22, 0x22, 0x22, 0x2f };
    static const uint8_t digits_14[7] = { 0x30, 0x56, 0x93, 0x09, 0x02, 0x59, 0x04 };
    const uint8_t *const pans[] = { digits_13, digits_14 };
    for (size_t i = 0; i < 2; i++) {
        const struct jt_seal_item item = {
            .field = 503, .value = { .kind = JT_FIELD_PAN, .bytes = pans[i], .len = 7 }
        };
        const struct jt_seal_request request = { .items = &item, .n = 1 };
        struct jt_seal_reply reply = { .results = sealed };
        struct jt_reader payload;
        jt_seal_request_encode(&request, &in->payload);
        assert_int_equal(inside_ask(in, JT_VERB_SEAL, &payload), JT_OK);
        assert_int_equal(jt_seal_reply_decode(&payload, 1, &reply), JT_OK);
        assert_int_equal(sealed[0].err, i == 0 ? JT_ERR_TOKEN_SPACE : JT_OK);
    }
}

/* --- the mark --- */

static void check_waits(struct inside *in, bool waits)
{
    struct jt_seal_reply reply;
    ask_seal(in, PLAIN, &reply);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(sealed[i].err, waits ? JT_ERR_NUMERIC_WAITS : JT_OK);
    }
    ask_seal(in, FIELD, &reply); /* opaque tokens are made all the same */
    assert_int_equal(sealed[0].err, JT_OK);
    assert_int_equal(sealed[0].digits.packed_len, 0);
}

static void nothing_is_made_for_a_database_that_went_back(void **state)
{
    struct inside *in = *state;
    struct jt_node_joined joined;
    check_waits(in, true);                 /* nothing was shown yet */
    assert_true(show(in, 5, 7, 1, false)); /* the first is taken as it is */
    check_waits(in, false);
    assert_true(show(in, 5, 7, 1, false));
    assert_true(show(in, 9, 7, 1, false));
    assert_false(show(in, 8, 7, 1, false)); /* behind */
    check_waits(in, true);
    assert_true(show(in, 9, 7, 1, false));
    assert_false(show(in, 9, 7, 2, false));  /* promoted, or restored to a point in time */
    assert_false(show(in, 10, 8, 1, false)); /* another cluster */
    assert_true(in->k->state.numeric.mark == 9);
    for (int clean = 0; clean < 2; clean++) {
        inside_restart(in, clean);
        name_field(in, PLAIN, (struct jt_numeric_form){ 6, 4, false, false }, true);
        assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
        check_waits(in, true);
        assert_false(show(in, 8, 7, 1, false));
        assert_true(show(in, 9, 7, 1, false));
    }
    assert_true(show(in, 3, 8, 4, true)); /* an operator's word */
    check_waits(in, false);
    assert_true(show(in, 3, 8, 4, false));
    assert_false(show(in, 9, 7, 1, false));
}

static void a_mark_of_nowhere_is_refused(void **state)
{
    struct inside *in = *state;
    static const struct jt_numeric_show bad[] = { { { 1, 0, 1 }, false },
                                                  { { 1, 1, 0 }, false },
                                                  { { 1, 0, 1 }, true } };
    for (size_t i = 0; i < 3; i++) {
        struct jt_reader reply;
        jt_numeric_show_encode(&bad[i], &in->payload);
        assert_int_equal(inside_ask(in, JT_VERB_NUMERIC_MARK, &reply), JT_ERR_INVALID);
    }
    assert_false(in->k->numeric_open);
}

/* --- frozen --- */

static void toks_are_frozen(void **state)
{
    (void)state;
    struct vector_file f = vector_file_open("frozen.txt");
    struct vector v;
    size_t n = 0;
    while (vector_next(&f, &v)) {
        if (!vector_has(&v, "tok")) {
            continue;
        }
        struct jt_bytes digits = vector_get(&v, "digits"), kept = vector_get(&v, "kept");
        struct jt_bytes want = vector_get(&v, "tok");
        uint8_t keeps[2];
        assert_int_equal(kept.len, sizeof keeps);
        memcpy(keeps, kept.p, sizeof keeps);
        const struct jt_numeric_form form = { .leading = keeps[0], .last = keeps[1] };
        uint8_t key[JT_CMAC_KEY_LEN], tok[JT_TOK_LEN];
        struct jt_cmac *cmac;
        struct jt_cmac_record record;
        struct jt_numeric_message message;
        static const uint8_t field[4] = { 0, 0, 0, 7 };
        assert_int_equal(
            jt_kdf_derive(vector_get(&v, "key").p, JT_KDF_NUMERIC, field, 4, key, sizeof key),
            JT_OK);
        assert_int_equal(jt_cmac_new(key, &cmac), JT_OK);
        assert_int_equal(jt_numeric_message(&form, digits.p, digits.len, &message), JT_OK);
        assert_int_equal(jt_numeric_macs(cmac, &message, &record, 1), JT_OK);
        jt_numeric_tok(&message, tok);
        assert_int_equal(want.len, sizeof tok);
        assert_memory_equal(tok, want.p, sizeof tok);
        jt_cmac_free(cmac);
        n++;
    }
    vector_file_close(&f);
    assert_int_equal(n, 2);
}

#define WITH_FIELDS(test) cmocka_unit_test_setup_teardown(test, setup, inside_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIELDS(sealed_cards_open_with_their_own_digits_only),
        WITH_FIELDS(only_a_guarded_field_says_how_to_find_cards_that_are_tokens),
        WITH_FIELDS(tokens_are_found_by_what_they_were_stored_under),
        WITH_FIELDS(a_known_card_is_matched_with_its_digits),
        WITH_FIELDS(a_card_moves_with_its_digits),
        WITH_FIELDS(numbers_without_room_are_refused),
        WITH_FIELDS(nothing_is_made_for_a_database_that_went_back),
        WITH_FIELDS(a_mark_of_nowhere_is_refused),
        cmocka_unit_test(toks_are_frozen),
    };
    return cmocka_run_group_tests_name("keeper/op_numeric", tests, NULL, NULL);
}
