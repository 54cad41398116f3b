/* SPDX-License-Identifier: Apache-2.0 */
#include "signers.h"

#include "crypto/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = { "alice", "bob", "carol", "dave" };

static void seed_of(size_t who, uint8_t seed[static JT_SIGN_SEED_LEN])
{
    memset(seed, (int)who + 1, JT_SIGN_SEED_LEN);
}

struct jt_custodian signers_one(size_t who)
{
    uint8_t seed[JT_SIGN_SEED_LEN];
    struct jt_custodian c = { .name = "" };
    seed_of(who, seed);
    (void)snprintf(c.name, sizeof c.name, "%s", names[who]);
    assert_int_equal(jt_sign_public(seed, c.key), JT_OK);
    return c;
}

struct jt_approval signers_sign(size_t who, const void *text, size_t len)
{
    uint8_t seed[JT_SIGN_SEED_LEN];
    struct jt_approval a = { .custodian = "" };
    seed_of(who, seed);
    (void)snprintf(a.custodian, sizeof a.custodian, "%s", names[who]);
    assert_int_equal(jt_sign(seed, text, len, a.signature), JT_OK);
    return a;
}

struct jt_custodians_make signers_two(size_t from)
{
    struct jt_custodians_make make = { .set = { .n = 2 } };
    make.set.all[0] = signers_one(from);
    make.set.all[1] = signers_one(from + 1);
    return make;
}

struct jt_custodians_make signers_next(const struct inside *in, size_t from, size_t by_a,
                                       size_t by_b)
{
    struct jt_custodians_make make = signers_two(from);
    if (in->k->custodians.set.version > 0) {
        struct jt_custodian_set next = make.set;
        struct jt_buf text;
        next.development = true;
        next.version = in->k->custodians.set.version + 1;
        memcpy(next.root_check_value, in->k->root->check_value, JT_CHECK_VALUE_LEN);
        jt_buf_init(&text, JT_CUSTODIAN_SET_TEXT_MAX);
        jt_custodian_set_text(&next, &text);
        make.approvals.n = 2;
        make.approvals.all[0] = signers_sign(by_a, text.data, text.len);
        make.approvals.all[1] = signers_sign(by_b, text.data, text.len);
        jt_buf_clear(&text);
    }
    return make;
}

enum jt_err signers_make(struct inside *in, const struct jt_custodians_make *make,
                         struct jt_custodian_row *row)
{
    struct jt_reader reply;
    jt_custodians_make_encode(make, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_CUSTODIANS_MAKE, &reply);
    return err == JT_OK ? jt_custodian_row_decode(&reply, row) : err;
}

uint8_t signers_show(struct inside *in, const struct jt_custodian_row *row)
{
    struct jt_reader reply;
    struct jt_custodians_shown answer;
    jt_custodian_row_encode(row, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_CUSTODIANS_SHOW, &reply), JT_OK);
    assert_int_equal(jt_custodians_shown_decode(&reply, &answer), JT_OK);
    return answer.verdict;
}

struct jt_custodian_row signers_enroll(struct inside *in)
{
    struct jt_custodian_row row;
    const struct jt_custodians_make make = signers_two(0);
    in->k->local = true;
    assert_int_equal(signers_make(in, &make, &row), JT_OK);
    in->k->local = false;
    assert_int_equal(signers_show(in, &row), JT_CUSTODIANS_NEWER);
    return row;
}
