/* SPDX-License-Identifier: Apache-2.0 */
#include "rotating.h"

#include "rehearsal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>

void rotating_load(struct inside *in)
{
    struct jt_fault fault = { 0 };
    const struct jt_keeper_source source = { .directory = in->files.keys, .development = true };
    jt_keeper_free(in->k);
    in->k = NULL;
    if (rehearse_start != NULL) {
        rehearse_start(&source);
    }
    if (jt_keeper_load(&source, &in->k, &fault) != JT_OK) {
        fail_msg("start: %s", fault.cause);
    }
    in->session = (struct jt_session){ .greeted = true, .of_owner = true };
}

enum jt_err rotating_ask(struct inside *in, uint8_t verb)
{
    struct jt_reader reply;
    return inside_ask(in, verb, &reply);
}

/* By UNSEAL, ROTATION_PROVE or ROTATION_FOLLOW. */
enum jt_err rotating_give(struct inside *in, uint8_t verb, uint8_t kind, const char *text)
{
    struct jt_unseal unseal = { .kind = kind };
    snprintf(unseal.text, sizeof unseal.text, "%s", text);
    jt_unseal_encode(&unseal, &in->payload);
    return rotating_ask(in, verb);
}

enum jt_err rotating_give_all(struct inside *in, uint8_t verb, const struct rotating_opener *o)
{
    enum jt_err err = rotating_give(in, verb, o->kind, o->text[0]);
    return err == JT_OK && o->kind == JT_UNSEAL_SHARE ? rotating_give(in, verb, o->kind, o->text[1])
                                                      : err;
}

void rotating_open(struct inside *in, const struct rotating_opener *o)
{
    rotating_load(in);
    assert_int_equal(rotating_give_all(in, JT_VERB_UNSEAL, o), JT_OK);
    assert_false(in->k->sealed);
}

enum jt_err rotating_begin(struct inside *in, const struct rotating_opener *present)
{
    enum jt_err err = rotating_give(in, JT_VERB_ROTATION_PROVE, JT_UNSEAL_NOTHING, "");
    return err == JT_OK ? rotating_give_all(in, JT_VERB_ROTATION_PROVE, present) : err;
}

const struct rotating_opener rotating_by_phrase = { JT_UNSEAL_PHRASE, { PHRASE, "" } };
const struct rotating_opener rotating_by_another = { JT_UNSEAL_PHRASE, { ANOTHER, "" } };

enum jt_err rotating_make(struct inside *in, const char *phrase)
{
    struct jt_ceremony_order order = {
        .method = phrase == NULL ? JT_CUSTODY_SHARES : JT_CUSTODY_PHRASE, .k = 2, .n = 2
    };
    if (phrase != NULL) {
        order.k = order.n = 0;
        snprintf(order.phrase, sizeof order.phrase, "%s", phrase);
    }
    jt_ceremony_order_encode(&order, &in->payload);
    return rotating_ask(in, JT_VERB_CEREMONY_MAKE);
}

/* Two shares that both open it, typed back. */
void rotating_make_shares(struct inside *in, struct rotating_opener *next)
{
    assert_int_equal(rotating_make(in, NULL), JT_OK);
    next->kind = JT_UNSEAL_SHARE;
    for (uint8_t place = 1; place <= 2; place++) {
        struct jt_ceremony_share share = { .place = place };
        struct jt_reader reply;
        jt_ceremony_place_encode(&place, &in->payload);
        assert_int_equal(inside_ask(in, JT_VERB_CEREMONY_SHARE, &reply), JT_OK);
        assert_int_equal(jt_ceremony_text_decode(&reply, &share), JT_OK);
        jt_ceremony_share_encode(&share, &in->payload);
        assert_int_equal(rotating_ask(in, JT_VERB_CEREMONY_PROVE), JT_OK);
        memcpy(next->text[place - 1], share.text, sizeof share.text);
    }
}

void rotating_remember(const struct inside *in, struct rotating_known *known)
{
    assert_int_equal(jt_keyring_count(in->k->keyring), N_KEYS);
    memcpy(known->root, in->k->root->key, sizeof known->root);
    for (uint64_t i = 0; i < N_KEYS; i++) {
        memcpy(known->keys[i], jt_keyring_key(in->k->keyring, i + 1), 32);
    }
}

void rotating_check(const struct inside *in, const struct rotating_known *known)
{
    struct rotating_known now;
    rotating_remember(in, &now);
    assert_memory_equal(&now, known, sizeof now);
}

bool rotating_is_there(const struct inside *in, const char *name)
{
    struct stat st;
    char path[256];
    snprintf(path, sizeof path, "%s/%s", in->files.keys, name);
    return lstat(path, &st) == 0;
}

/* A keeper of which the master key is under a passphrase, with generations in three states. */
int rotating_setup(void **state)
{
    struct inside *in = calloc(1, sizeof *in);
    struct jt_fault fault = { 0 };
    struct jt_reader reply;
    assert_non_null(in);
    jt_buf_init(&in->payload, JT_WIRE_MAX_FRAME);
    jt_buf_init(&in->reply, JT_WIRE_MAX_FRAME + 64);
    keeper_make(&in->files, "development", "");
    assert_int_equal(jt_keeper_init(in->files.keys, true, PHRASE, &fault), JT_OK);
    rotating_open(in, &rotating_by_phrase);
    assert_int_equal(inside_ask(in, JT_VERB_RING_FIRST, &reply), JT_OK);
    assert_int_equal(jt_ring_row_decode(&reply, &in->ring), JT_OK);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    (void)inside_roll(in);
    (void)inside_roll(in);
    (void)inside_create(in, 2);
    *state = in;
    return 0;
}
