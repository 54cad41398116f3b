/* SPDX-License-Identifier: Apache-2.0 */
#include "installation.h"

#include "signers.h"

#include "base/file.h"
#include "keeper/destructfile.h"
#include "keeper/honey.h"
#include "keeper/keydir.h"
#include "keeper/masterfile.h"
#include "keeper/rotation.h"
#include "keeper/unsealing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PHRASE "a passphrase of the tests"
#define HALF   (INSTALLATION_CARDS / 2)

void installation_put_field(const struct installation *i, struct jt_buf *payload)
{
    struct jt_set_change change = { .now.field = i->field.row };
    const struct jt_set_sum_request request = { .kind = JT_SET_FIELDS, .n = 1, .changes = &change };
    jt_set_sum_request_encode(&request, payload);
}

static void mark_honey(struct inside *in, const struct row *card)
{
    struct jt_honey_set set = in->k->honey.set;
    struct jt_honey_sealed sealed;
    enum jt_honey_verdict verdict;
    assert_int_equal(jt_honey_add(&set, card->field, card->id), JT_OK);
    assert_int_equal(jt_honey_seal(in->k->root, true, &set, &sealed), JT_OK);
    assert_int_equal(jt_honey_accept(in->k, &sealed, &verdict), JT_OK);
    assert_int_equal(verdict, JT_HONEY_NEWER);
}

static void request_destruction(struct inside *in, bool cancelled)
{
    struct jt_destructions ds = {
        .n = 1, .all = { { .generation = 1, .grace_s = 1000000, .cancelled = cancelled } }
    };
    const struct jt_genfile *meta = jt_keyring_find(in->k->keyring, 1);
    memcpy(ds.all[0].check_value, meta->check_value, sizeof ds.all[0].check_value);
    assert_int_equal(jt_destructfile_save(in->k->dir_fd, in->k->root, true, &ds), JT_OK);
}

/* The key files under another master key. */
static void wrap_all(const struct inside *in, const struct jt_master *master, struct jt_rotation *r)
{
    const struct jt_keeper *k = in->k;
    struct jt_buf bytes;
    assert_int_equal(jt_root_wrap(master, k->root, true, k->root->created_s, &bytes), JT_OK);
    memcpy(r->root, bytes.data, sizeof r->root);
    jt_buf_clear(&bytes);
    const struct jt_genfile *meta = jt_keyring_next(k->keyring, 0);
    for (; meta != NULL; meta = jt_keyring_next(k->keyring, meta->number)) {
        struct jt_rotation_key *key = &r->keys[r->n++];
        key->number = meta->number;
        assert_int_equal(
            jt_genfile_wrap(master, meta, jt_keyring_key(k->keyring, meta->number), &bytes), JT_OK);
        memcpy(key->bytes, bytes.data, sizeof key->bytes);
        jt_buf_clear(&bytes);
    }
}

static void put_copy(struct keytree *tree, const char *name, const void *bytes, size_t len)
{
    static struct keytree_file file;
    file = (struct keytree_file){ .mode = S_IFREG | 0600, .len = len };
    snprintf(file.name, sizeof file.name, "%s", name);
    memcpy(file.bytes, bytes, len);
    keytree_put(tree, &file);
}

/* As they were before the master key was rotated to the present one. */
static void copy_older_keys(struct installation *i)
{
    static struct jt_rotation r;
    struct jt_fault fault = { 0 };
    struct jt_master *former;
    struct jt_buf file;
    char name[JT_KEYDIR_NAME_LEN];
    assert_int_equal(jt_master_generate(&former, &file, &fault), JT_OK);
    r = (struct jt_rotation){ .n = 0 };
    wrap_all(i->in, former, &r);
    put_copy(&i->older, JT_KEYDIR_MASTER, file.data, file.len);
    put_copy(&i->older, JT_KEYDIR_ROOT, r.root, sizeof r.root);
    for (size_t n = 0; n < r.n; n++) {
        jt_keydir_generation_name(r.keys[n].number, name);
        put_copy(&i->older, name, r.keys[n].bytes, sizeof r.keys[n].bytes);
    }
    jt_buf_clear(&file);
    jt_master_free(former);
}

/* A rotation of the master key that was cut off behind its one step. */
static void leave_rotation(const struct inside *in)
{
    static struct jt_rotation r;
    struct jt_masterfile file = { .development = true };
    struct jt_master *next;
    struct jt_buf bytes;
    uint8_t key[JT_MASTER_KEY_LEN];
    assert_int_equal(jt_unsealing_fresh_key(&file, key), JT_OK);
    assert_int_equal(jt_masterfile_seal_phrase(&file, PHRASE, key), JT_OK);
    assert_int_equal(jt_master_new(key, &next), JT_OK);
    jt_buf_init(&bytes, JT_MASTERFILE_MAX);
    jt_masterfile_encode(&file, &bytes);
    r = (struct jt_rotation){ .development = true, .master_len = bytes.len };
    memcpy(r.from, in->k->master->check_value, sizeof r.from);
    memcpy(r.to, next->check_value, sizeof r.to);
    memcpy(r.master, bytes.data, bytes.len);
    jt_buf_clear(&bytes);
    wrap_all(in, next, &r);
    assert_int_equal(jt_rotation_encode(&r, &bytes), JT_OK);
    assert_int_equal(jt_file_replace(in->k->dir_fd, JT_KEYDIR_ROTATION, bytes.data, bytes.len),
                     JT_OK);
    jt_buf_clear(&bytes);
    jt_master_free(next);
}

/* The field that the cards are in, named to a keeper: rows, then the set row. */
static void name_field(struct installation *i)
{
    struct jt_set_sum sum;
    const struct jt_field_spec spec = {
        .id = FIELD, .name = "pan", .kind = JT_FIELD_PAN, .dedup = true
    };
    const struct jt_set_row none = jt_set_row_empty(JT_SET_FIELDS);
    struct jt_reader reply;
    jt_field_make_encode(&spec, &none, &i->in->payload);
    assert_int_equal(inside_ask(i->in, JT_VERB_FIELD_MAKE, &reply), JT_OK);
    assert_int_equal(jt_field_change_decode(&reply, &i->field), JT_OK);
    installation_put_field(i, &i->in->payload);
    assert_int_equal(inside_ask(i->in, JT_VERB_SET_SUM, &reply), JT_OK);
    assert_int_equal(jt_set_sum_decode(&reply, &sum), JT_OK);
    jt_set_verify_encode(&sum, &i->field.set, &i->in->payload);
    assert_int_equal(inside_ask(i->in, JT_VERB_SET_VERIFY, &reply), JT_OK);
}

void installation_build(struct installation *i)
{
    void *state;
    struct jt_node_joined joined;
    struct jt_custodian_row custodians;
    (void)inside_setup(&state);
    struct inside *in = i->in = state;
    assert_int_equal(inside_join(in, NODE, NULL, 0, false, &joined), JT_OK);
    assert_int_equal(inside_roll(in), 2);
    inside_seal(in, 0, true, i->cards, HALF);
    mark_honey(in, &i->cards[0]);
    (void)signers_enroll(in);
    request_destruction(in, false);
    keytree_read(in->files.keys, &i->older);

    assert_int_equal(inside_roll(in), 3);
    inside_seal(in, HALF, true, i->cards + HALF, HALF);
    inside_retire(in, 1);
    (void)inside_create(in, 3);
    mark_honey(in, &i->cards[1]);
    const struct jt_custodians_make make = signers_next(in, 2, 0, 1);
    assert_int_equal(signers_make(in, &make, &custodians), JT_OK);
    assert_int_equal(signers_show(in, &custodians), JT_CUSTODIANS_NEWER);
    request_destruction(in, true);
    i->active = inside_row(in, 3);
    name_field(i);
    copy_older_keys(i);
    keytree_read(in->files.keys, &i->whole[CLEAR]);

    leave_rotation(in);
    keytree_read(in->files.keys, &i->whole[CUT_OFF]);
    struct jt_fault fault = { 0 };
    assert_int_equal(jt_rotation_finish(in->k->dir_fd, true, &fault), JT_OK);
    keytree_read(in->files.keys, &i->whole[SEALED]);
    assert_null(keytree_find(&i->whole[SEALED], JT_KEYDIR_ROTATION));
    jt_keeper_free(in->k);
    in->k = NULL;
}

/* A keeper that finds its master key sealed opens it by itself. */
void installation_give_passphrase(struct installation *i)
{
    struct keeper *k = &i->in->files;
    char path[100], more[200];
    snprintf(path, sizeof path, "%s/passphrase", k->dir);
    snprintf(more, sizeof more, "passphrase_file = %s\n", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, PHRASE, strlen(PHRASE)), strlen(PHRASE));
    close(fd);
    keeper_configure(k, "development", more);
}
