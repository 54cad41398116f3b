/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UNSEAL, SEAL_UP and the ceremonies: what is given opens the master key or changes nothing; when a
 * keeper is sealed, no key is left in its memory.
 */
#include "inside.h"
#include "rehearsal.h"

#include "base/file.h"
#include "base/sanitized.h"
#include "keeper/ceremony.h"
#include "keeper/keydir.h"
#include "wire/custody.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#define PHRASE "a passphrase of the tests"
#define MASK   0x5a

/* A keeper for a ceremony, or one that serves. */
static void load(struct inside *in, bool ceremony, const char *phrase)
{
    struct jt_fault fault = { 0 };
    const struct jt_keeper_source source = {
        .directory = in->files.keys, .development = true, .phrase = phrase, .ceremony = ceremony
    };
    jt_keeper_free(in->k);
    in->k = NULL;
    rehearse_start(&source);
    if (jt_keeper_load(&source, &in->k, &fault) != JT_OK) {
        fail_msg("start: %s", fault.cause);
    }
    in->session = (struct jt_session){ .greeted = true, .of_owner = true };
}

static enum jt_err unseal(struct inside *in, enum jt_unseal_kind kind, const char *text,
                          struct jt_unsealed *out)
{
    struct jt_unseal request = { .kind = (uint8_t)kind };
    struct jt_reader reply;
    snprintf(request.text, sizeof request.text, "%s", text);
    jt_unseal_encode(&request, &in->payload);
    *out = (struct jt_unsealed){ 0 };
    enum jt_err err = inside_ask(in, JT_VERB_UNSEAL, &reply);
    if (err == JT_OK) {
        assert_int_equal(jt_unsealed_decode(&reply, out), JT_OK);
    }
    return err;
}

static enum jt_err make(struct inside *in, uint8_t k, uint8_t n, const char *phrase)
{
    struct jt_ceremony_order order = { .method = n > 0 ? JT_CUSTODY_SHARES : JT_CUSTODY_PHRASE,
                                       .k = k,
                                       .n = n };
    struct jt_ceremony_made made;
    struct jt_reader reply;
    snprintf(order.phrase, sizeof order.phrase, "%s", phrase);
    jt_ceremony_order_encode(&order, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_CEREMONY_MAKE, &reply);
    if (err == JT_OK) {
        assert_int_equal(jt_ceremony_made_decode(&reply, &made), JT_OK);
        assert_int_equal(made.n, n);
    }
    return err;
}

static enum jt_err share(struct inside *in, uint8_t place, struct jt_ceremony_share *out)
{
    struct jt_reader reply;
    jt_ceremony_place_encode(&place, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_CEREMONY_SHARE, &reply);
    *out = (struct jt_ceremony_share){ 0 };
    if (err == JT_OK) {
        assert_int_equal(jt_ceremony_text_decode(&reply, out), JT_OK);
    }
    out->place = place;
    return err;
}

static enum jt_err prove(struct inside *in, const struct jt_ceremony_share *typed)
{
    struct jt_reader reply;
    jt_ceremony_share_encode(typed, &in->payload);
    return inside_ask(in, JT_VERB_CEREMONY_PROVE, &reply);
}

static enum jt_err ask(struct inside *in, uint8_t verb)
{
    struct jt_reader reply;
    return inside_ask(in, verb, &reply);
}

/* Makes shares of which all are typed back, and puts the file in its place. */
static void hold_ceremony(struct inside *in, uint8_t k, uint8_t n, struct jt_ceremony_share *shares)
{
    assert_int_equal(make(in, k, n, ""), JT_OK);
    for (uint8_t i = 0; i < n; i++) {
        assert_int_equal(share(in, (uint8_t)(i + 1), &shares[i]), JT_OK);
        assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
        assert_int_equal(prove(in, &shares[i]), JT_OK);
    }
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_OK);
}

/* A keeper's directory of which the master key is under the passphrase. */
static int setup(void **state)
{
    struct inside *in = calloc(1, sizeof *in);
    struct jt_fault fault = { 0 };
    assert_non_null(in);
    jt_buf_init(&in->payload, JT_WIRE_MAX_FRAME);
    jt_buf_init(&in->reply, JT_WIRE_MAX_FRAME + 64);
    keeper_make(&in->files, "development", "");
    assert_int_equal(jt_keeper_init(in->files.keys, true, PHRASE, &fault), JT_OK);
    load(in, false, PHRASE);
    *state = in;
    return 0;
}

static int setup_empty(void **state)
{
    (void)setup(state);
    struct inside *in = *state;
    char path[128];
    jt_keeper_free(in->k);
    in->k = NULL;
    snprintf(path, sizeof path, "%s/" JT_KEYDIR_MASTER, in->files.keys);
    assert_int_equal(unlink(path), 0);
    load(in, true, NULL);
    return 0;
}

/* A service root and one active generation. */
static void begin(struct inside *in)
{
    struct jt_reader reply;
    assert_int_equal(inside_ask(in, JT_VERB_RING_FIRST, &reply), JT_OK);
    assert_int_equal(jt_ring_row_decode(&reply, &in->ring), JT_OK);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    (void)inside_roll(in);
}

static void a_passphrase_unseals_and_nothing_else_does(void **state)
{
    struct inside *in = *state;
    struct jt_unsealed now;
    assert_false(in->k->sealed);
    begin(in);
    load(in, false, NULL);
    assert_true(in->k->sealed);
    assert_int_equal(unseal(in, JT_UNSEAL_NOTHING, "", &now), JT_OK);
    assert_true(now.sealed && now.method == JT_CUSTODY_PHRASE);
    assert_int_equal(inside_accept(in, &in->ring), JT_ERR_SEALED);
    assert_int_equal(unseal(in, JT_UNSEAL_PHRASE, "another one of them", &now),
                     JT_ERR_PHRASE_WRONG);
    assert_int_equal(unseal(in, JT_UNSEAL_PHRASE, "", &now), JT_ERR_PHRASE_WRONG);
    assert_int_equal(unseal(in, JT_UNSEAL_SHARE, PHRASE, &now), JT_ERR_OTHER_METHOD);
    assert_true(in->k->sealed);
    assert_int_equal(unseal(in, JT_UNSEAL_PHRASE, PHRASE, &now), JT_OK);
    assert_false(now.sealed);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    assert_int_equal(jt_keyring_count(in->k->keyring), 1);
    assert_int_equal(unseal(in, JT_UNSEAL_PHRASE, PHRASE, &now), JT_ERR_NOT_SEALED);
}

static void what_cannot_be_loaded_leaves_the_keeper_sealed(void **state)
{
    struct inside *in = *state;
    struct jt_unsealed now;
    struct jt_buf file;
    begin(in);
    load(in, false, NULL);
    jt_buf_init(&file, 1000);
    assert_int_equal(jt_file_read(in->k->dir_fd, JT_KEYDIR_ROOT, true, &file), JT_OK);
    file.data[40] ^= 1;
    assert_int_equal(jt_file_replace(in->k->dir_fd, JT_KEYDIR_ROOT, file.data, file.len), JT_OK);
    assert_int_equal(unseal(in, JT_UNSEAL_PHRASE, PHRASE, &now), JT_ERR_FILE_ALTERED);
    assert_true(in->k->sealed && in->k->root == NULL && in->k->master == NULL);
    file.data[40] ^= 1;
    assert_int_equal(jt_file_replace(in->k->dir_fd, JT_KEYDIR_ROOT, file.data, file.len), JT_OK);
    assert_int_equal(unseal(in, JT_UNSEAL_PHRASE, PHRASE, &now), JT_OK);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    jt_buf_clear(&file);
}

/* Whether this process has the bytes anywhere it may write, MASKed as they are given. */
static size_t count_in_memory(const uint8_t *masked, size_t len)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    char line[400];
    size_t n = 0;
    assert_non_null(maps);
    assert_true(mem >= 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char rights[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[0] != 'r' ||
            rights[1] != 'w' || strstr(line, "[vvar]") != NULL) {
            continue;
        }
        for (unsigned long at = from; at + len <= to; at += 4096) {
            static uint8_t page[4096 + 64];
            size_t want = to - at < sizeof page ? to - at : sizeof page;
            ssize_t got = pread(mem, page, want, (off_t)at);
            for (ssize_t i = 0; i + (ssize_t)len <= got && i < 4096; i++) {
                size_t j = 0;
                while (j < len && page[i + (ssize_t)j] == (masked[j] ^ MASK)) {
                    j++;
                }
                n += j == len;
            }
            /* what was copied here is not to be found there */
            memset(page, 0, sizeof page);
        }
    }
    fclose(maps);
    close(mem);
    return n;
}

static void mask(const uint8_t *key, uint8_t out[static 32])
{
    for (size_t i = 0; i < 32; i++) {
        out[i] = key[i] ^ MASK;
    }
}

static void a_sealed_keeper_has_no_key_in_its_memory(void **state)
{
    if (JT_SANITIZED) {
        skip(); /* a sanitizer maps terabytes, and keeps copies */
    }
    struct inside *in = *state;
    uint8_t generation[32], wrap[32], sign[32];
    struct jt_unsealed now;
    begin(in);
    load(in, false, PHRASE);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    mask(jt_keyring_key(in->k->keyring, 1), generation);
    mask(in->k->master->wrap_key, wrap);
    mask(in->k->root->sign_seed, sign);
    assert_true(count_in_memory(generation, 32) >= 1);
    assert_true(count_in_memory(wrap, 32) >= 1);
    assert_true(count_in_memory(sign, 32) >= 1);
    assert_int_equal(ask(in, JT_VERB_SEAL_UP), JT_OK);
    assert_int_equal(count_in_memory(generation, 32), 0);
    assert_int_equal(count_in_memory(wrap, 32), 0);
    assert_int_equal(count_in_memory(sign, 32), 0);
    assert_int_equal(ask(in, JT_VERB_SEAL_UP), JT_ERR_SEALED);
    assert_int_equal(inside_accept(in, &in->ring), JT_ERR_SEALED);
    assert_int_equal(unseal(in, JT_UNSEAL_PHRASE, PHRASE, &now), JT_OK);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
}

static void a_ceremony_makes_a_key_that_its_shares_open(void **state)
{
    struct inside *in = *state;
    struct jt_ceremony_share shares[5];
    struct jt_unsealed now;
    assert_int_equal(unseal(in, JT_UNSEAL_NOTHING, "", &now), JT_OK);
    assert_int_equal(now.method, JT_CUSTODY_NONE);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    assert_int_equal(make(in, 4, 3, ""), JT_ERR_LIMIT);
    hold_ceremony(in, 3, 5, shares);

    load(in, false, NULL);
    assert_int_equal(make(in, 2, 2, ""), JT_ERR_NO_CEREMONY); /* it serves */
    const struct {
        const char *text;
        enum jt_err err;
        uint8_t given;
    } steps[] = { { shares[4].text, JT_OK, 1 },
                  { shares[4].text, JT_ERR_SHARE_AGAIN, 1 },
                  { "jks_nothing", JT_ERR_NOT_SHARE, 1 },
                  { shares[0].text, JT_OK, 2 } };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(unseal(in, JT_UNSEAL_SHARE, steps[i].text, &now), steps[i].err);
        assert_int_equal(unseal(in, JT_UNSEAL_NOTHING, "", &now), JT_OK);
        assert_int_equal(now.given, steps[i].given);
        assert_true(now.sealed && now.needed == 3);
    }
    assert_int_equal(unseal(in, JT_UNSEAL_SHARE, shares[2].text, &now), JT_OK);
    assert_false(now.sealed);
    begin(in);
    assert_int_equal(ask(in, JT_VERB_SEAL_UP), JT_OK);
    assert_int_equal(in->k->unsealing->n, 0);
}

static void who_cannot_type_a_share_back_has_none(void **state)
{
    struct inside *in = *state;
    struct jt_ceremony_share one, two;
    assert_int_equal(make(in, 2, 2, ""), JT_OK);
    assert_int_equal(share(in, 1, &one), JT_OK);
    assert_int_equal(share(in, 2, &two), JT_OK);
    assert_int_equal(share(in, 3, &two), JT_ERR_NO_CEREMONY);
    assert_int_equal(share(in, 2, &two), JT_OK);
    one.place = 2;
    assert_int_equal(prove(in, &one), JT_ERR_SHARE_OTHER);
    one.place = 1;
    assert_int_equal(prove(in, &one), JT_OK);
    two.text[20] = two.text[20] == 'x' ? 'y' : 'x';
    assert_int_equal(prove(in, &two), JT_ERR_NOT_SHARE);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    assert_int_equal(faccessat(in->k->dir_fd, JT_KEYDIR_MASTER, F_OK, 0), -1);
    /* begun anew, what was typed back before counts for nothing */
    assert_int_equal(make(in, 2, 2, ""), JT_OK);
    assert_int_equal(prove(in, &one), JT_ERR_SHARE_OTHER);
}

static void sealed_anew_the_key_is_the_same_and_old_shares_are_void(void **state)
{
    struct inside *in = *state;
    struct jt_ceremony_share shares[3], others[2];
    struct jt_unsealed now;
    begin(in); /* under the passphrase */
    load(in, true, PHRASE);
    assert_false(in->k->sealed);
    load(in, true, NULL);
    assert_int_equal(make(in, 2, 3, ""), JT_ERR_SEALED);
    assert_int_equal(unseal(in, JT_UNSEAL_PHRASE, PHRASE, &now), JT_OK);
    hold_ceremony(in, 2, 3, shares);

    load(in, true, PHRASE);
    assert_true(in->k->sealed);
    assert_int_equal(unseal(in, JT_UNSEAL_PHRASE, PHRASE, &now), JT_ERR_OTHER_METHOD);
    assert_int_equal(unseal(in, JT_UNSEAL_SHARE, shares[0].text, &now), JT_OK);
    assert_int_equal(unseal(in, JT_UNSEAL_SHARE, shares[2].text, &now), JT_OK);
    hold_ceremony(in, 2, 2, others);

    load(in, false, NULL);
    assert_int_equal(unseal(in, JT_UNSEAL_SHARE, shares[0].text, &now), JT_ERR_SHARE_OTHER);
    assert_int_equal(unseal(in, JT_UNSEAL_SHARE, others[1].text, &now), JT_OK);
    assert_int_equal(unseal(in, JT_UNSEAL_SHARE, others[0].text, &now), JT_OK);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK); /* all that it has wrapped is there */
    assert_int_equal(jt_keyring_count(in->k->keyring), 1);
}

static const char secret[] = "01234567890123456789012345678901234567890123456789ag";
static const char wrong[] = "11234567890123456789012345678901234567890123456789ag";

/* As whoever speaks with the token orders it. */
static enum jt_err make_for_token(struct inside *in, const char *text)
{
    struct jt_ceremony_order order = { .method = JT_CUSTODY_PKCS11,
                                       .box = { .token = "vault", .serial = "1", .key = "jeton" } };
    struct jt_reader reply;
    snprintf(order.phrase, sizeof order.phrase, "%s", text);
    jt_ceremony_order_encode(&order, &in->payload);
    return inside_ask(in, JT_VERB_CEREMONY_MAKE, &reply);
}

static void the_secret_of_a_token_unseals_and_nothing_else_does(void **state)
{
    struct inside *in = *state;
    struct jt_unsealed now;
    struct jt_pkcs11box box;
    struct jt_reader reply;
    begin(in);
    assert_int_equal(ask(in, JT_VERB_UNSEAL_BOX), JT_ERR_OTHER_METHOD);
    assert_int_equal(make_for_token(in, secret), JT_ERR_NO_CEREMONY);
    load(in, true, NULL);
    assert_int_equal(make_for_token(in, secret), JT_ERR_SEALED);
    assert_int_equal(unseal(in, JT_UNSEAL_PHRASE, PHRASE, &now), JT_OK);
    assert_int_equal(make_for_token(in, PHRASE), JT_ERR_INVALID);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    assert_int_equal(make_for_token(in, secret), JT_OK);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_OK);

    load(in, false, PHRASE);
    assert_int_equal(unseal(in, JT_UNSEAL_NOTHING, "", &now), JT_OK);
    assert_true(now.sealed && now.method == JT_CUSTODY_PKCS11);
    assert_int_equal(inside_ask(in, JT_VERB_UNSEAL_BOX, &reply), JT_OK);
    assert_int_equal(jt_unseal_box_decode(&reply, &box), JT_OK);
    assert_string_equal(box.token, "vault");
    assert_string_equal(box.key, "jeton");
    assert_int_equal(unseal(in, JT_UNSEAL_PHRASE, PHRASE, &now), JT_ERR_OTHER_METHOD);
    assert_int_equal(unseal(in, JT_UNSEAL_SHARE, secret, &now), JT_ERR_OTHER_METHOD);
    assert_int_equal(unseal(in, JT_UNSEAL_PKCS11, wrong, &now), JT_ERR_PKCS11_WRONG);
    assert_int_equal(unseal(in, JT_UNSEAL_PKCS11, "", &now), JT_ERR_PKCS11_WRONG);
    in->session.of_owner = false; /* the front, whoever has it */
    assert_int_equal(unseal(in, JT_UNSEAL_PKCS11, secret, &now), JT_ERR_NOT_OWNER);
    assert_int_equal(ask(in, JT_VERB_UNSEAL_BOX), JT_ERR_NOT_OWNER);
    in->session.of_owner = true;
    assert_true(in->k->sealed);
    assert_int_equal(unseal(in, JT_UNSEAL_PKCS11, secret, &now), JT_OK);
    assert_false(now.sealed);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK); /* all that it has wrapped is there */
}

static void a_replaced_master_key_file_is_noticed(void **state)
{
    struct inside *in = *state;
    struct jt_fault fault = { 0 };
    struct jt_buf file;
    jt_buf_init(&file, 1000);
    assert_int_equal(jt_unsealing_check(in->k->unsealing, in->k->dir_fd, &fault), JT_OK);
    assert_int_equal(jt_file_read(in->k->dir_fd, JT_KEYDIR_MASTER, true, &file), JT_OK);
    file.data[file.len - 1] ^= 1;
    assert_int_equal(jt_file_replace(in->k->dir_fd, JT_KEYDIR_MASTER, file.data, file.len), JT_OK);
    assert_int_equal(jt_unsealing_check(in->k->unsealing, in->k->dir_fd, &fault),
                     JT_ERR_DIRECTORY_BAD);
    jt_buf_clear(&file);
}

static void a_master_key_of_the_other_environment_is_not_taken(void **state)
{
    struct inside *in = *state;
    struct jt_unsealing *u;
    struct jt_fault fault = { 0 };
    struct jt_buf file;
    jt_buf_init(&file, 1000);
    assert_int_equal(jt_file_read(in->k->dir_fd, JT_KEYDIR_MASTER, true, &file), JT_OK);
    assert_int_equal(jt_unsealing_of(&file, false, &u, &fault), JT_ERR_FILE_FOREIGN);
    assert_null(u);
    assert_non_null(strstr(fault.cause, "is marked development: refused, because the environment "
                                        "is production"));
    file.data[9] = JT_ENVIRONMENT_PRODUCTION;
    fault = (struct jt_fault){ 0 };
    assert_int_equal(jt_unsealing_of(&file, true, &u, &fault), JT_ERR_FILE_FOREIGN);
    assert_non_null(strstr(fault.cause, "is marked production"));
    file.data[9] = 9;
    assert_int_equal(jt_unsealing_of(&file, true, &u, &fault), JT_ERR_FILE_ALTERED);
    jt_buf_clear(&file);
}

#define SEALED(test) cmocka_unit_test_setup_teardown(test, setup, inside_teardown)
#define EMPTY(test)  cmocka_unit_test_setup_teardown(test, setup_empty, inside_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEALED(a_passphrase_unseals_and_nothing_else_does),
        SEALED(what_cannot_be_loaded_leaves_the_keeper_sealed),
        SEALED(a_sealed_keeper_has_no_key_in_its_memory),
        EMPTY(a_ceremony_makes_a_key_that_its_shares_open),
        EMPTY(who_cannot_type_a_share_back_has_none),
        SEALED(sealed_anew_the_key_is_the_same_and_old_shares_are_void),
        SEALED(the_secret_of_a_token_unseals_and_nothing_else_does),
        SEALED(a_replaced_master_key_file_is_noticed),
        SEALED(a_master_key_of_the_other_environment_is_not_taken),
    };
    return cmocka_run_group_tests_name("keeper/op_unseal", tests, NULL, NULL);
}
