/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/rewrap.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/secmem.h"
#include "keeper/dirwatch.h"
#include "keeper/escrowfill.h"
#include "keeper/rotation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* So long what was given is good for: a ceremony that was left is not somebody else's. */
#define PROOF_MS ((int64_t)60 * 60 * 1000)

static bool under_way(const struct jt_keeper *k)
{
    return k->ceremony != NULL && k->ceremony->rotation.under_way;
}

void jt_rewrap_forget(struct jt_keeper *k)
{
    if (under_way(k)) {
        jt_ceremony_free(k->ceremony);
        k->ceremony = NULL;
        jt_unsealing_forget(k->unsealing);
    }
}

void jt_rewrap_closed(struct jt_keeper *k, uint64_t connection)
{
    if (under_way(k) && k->ceremony->rotation.owner == connection) {
        jt_rewrap_forget(k);
    }
}

bool jt_rewrap_is_askers(const struct jt_keeper *k)
{
    return under_way(k) && k->ceremony->rotation.owner == k->asking;
}

/* --- who may --- */

enum jt_err jt_rewrap_begin(struct jt_keeper *k)
{
    if (under_way(k) && !jt_rewrap_is_askers(k) &&
        jt_clock_ms() - k->ceremony->rotation.begun_ms < PROOF_MS) {
        return JT_ERR_OTHER_CEREMONY;
    }
    jt_rewrap_forget(k);
    if (k->unsealing == NULL) {
        return JT_ERR_OTHER_METHOD;
    }
    if (k->ceremony != NULL) { /* it was started for another one */
        return JT_ERR_NO_CEREMONY;
    }
    jt_unsealing_forget(k->unsealing);
    enum jt_err err = jt_ceremony_new(&k->ceremony);
    if (err == JT_OK) {
        k->ceremony->rotation = (struct jt_ceremony_rotation){ .under_way = true,
                                                               .owner = k->asking,
                                                               .begun_ms = jt_clock_ms() };
    }
    return err;
}

/* Whether it is the key of that check value. */
static enum jt_err is_of(const uint8_t key[static JT_MASTER_KEY_LEN],
                         const uint8_t check_value[static JT_CHECK_VALUE_LEN])
{
    uint8_t found[JT_CHECK_VALUE_LEN];
    enum jt_err err = jt_unsealing_check_value(key, found);
    return err == JT_OK && !jt_equal_ct(found, check_value, sizeof found) ? JT_ERR_FILE_ALTERED
                                                                          : err;
}

enum jt_err jt_rewrap_prove(struct jt_keeper *k, const struct jt_unseal *given)
{
    bool complete = false;
    if (!jt_rewrap_is_askers(k)) {
        return under_way(k) ? JT_ERR_OTHER_CEREMONY : JT_ERR_NO_CEREMONY;
    }
    uint8_t *key = jt_secmem_alloc(JT_MASTER_KEY_LEN);
    enum jt_err err =
        key == NULL ? JT_ERR_NOMEM : jt_unsealing_give(k->unsealing, given, &complete, key);
    if (err == JT_OK && complete) {
        err = is_of(key, k->master->check_value);
    }
    if (err == JT_OK && complete) {
        k->ceremony->rotation.proved_ms = jt_clock_ms();
        jt_log(JT_LOG_WARNING, "a rotation of the master key is begun: what opens it was given");
    } else if (err != JT_OK) {
        jt_log(JT_LOG_WARNING, "rotation: what was given was refused: %s", jt_err_str(err));
    }
    jt_secmem_free(key, JT_MASTER_KEY_LEN);
    return err;
}

bool jt_rewrap_proved(const struct jt_keeper *k)
{
    return jt_rewrap_is_askers(k) && !k->sealed && k->ceremony->rotation.proved_ms != 0 &&
           jt_clock_ms() - k->ceremony->rotation.proved_ms < PROOF_MS;
}

/* --- to the master key of another node --- */

enum jt_err jt_rewrap_follow(struct jt_keeper *k, const struct jt_buf *file)
{
    struct jt_fault fault = { 0 };
    char line[JT_FAULT_LINE_LEN];
    struct jt_unsealing *next;
    if (!jt_rewrap_proved(k)) {
        return JT_ERR_NO_CEREMONY;
    }
    enum jt_err err = jt_unsealing_of(file, k->development, &next, &fault);
    if (err != JT_OK) {
        jt_log(JT_LOG_WARNING, "rotation: the file of the next master key was refused: %s",
               jt_fault_line(&fault, err, line));
        return err;
    }
    struct jt_ceremony *c = k->ceremony;
    jt_unsealing_free(c->rotation.next);
    c->rotation.next = next;
    c->rotation.escrow = JT_CEREMONY_NO_ESCROW;
    c->is_made = false;
    return JT_OK;
}

enum jt_err jt_rewrap_open(struct jt_keeper *k, const struct jt_unseal *given)
{
    bool complete = false;
    if (!jt_rewrap_proved(k) || k->ceremony->rotation.next == NULL) {
        return JT_ERR_NO_CEREMONY;
    }
    struct jt_ceremony *c = k->ceremony;
    uint8_t *key = jt_secmem_alloc(JT_MASTER_KEY_LEN);
    enum jt_err err =
        key == NULL ? JT_ERR_NOMEM : jt_unsealing_give(c->rotation.next, given, &complete, key);
    if (err == JT_OK && complete) {
        err = is_of(key, c->rotation.next->file.check_value);
    }
    if (err == JT_OK && complete) {
        memcpy(c->key, key, sizeof c->key);
        c->file = c->rotation.next->file;
        c->has_key = c->is_made = true;
        memset(c->proved, true, sizeof c->proved); /* they were when they were made */
    }
    jt_secmem_free(key, JT_MASTER_KEY_LEN);
    return err;
}

/* --- the escrow file --- */

enum jt_err jt_rewrap_escrow(struct jt_keeper *k, struct jt_escrow_file *out)
{
    struct jt_master *next = NULL;
    out->len = 0;
    if (!jt_rewrap_proved(k) || !k->ceremony->is_made) {
        return JT_ERR_NO_CEREMONY;
    }
    struct jt_escrow *escrow = jt_secmem_alloc(sizeof *escrow);
    enum jt_err err = escrow == NULL ? JT_ERR_NOMEM : jt_master_new(k->ceremony->key, &next);
    if (err == JT_OK) {
        jt_escrow_fill(k, escrow);
        err = jt_escrow_seal(next, escrow, out);
    }
    if (err == JT_OK) {
        k->ceremony->rotation.escrow = JT_CEREMONY_ESCROW_MADE;
    }
    jt_master_free(next);
    jt_secmem_free(escrow, sizeof *escrow);
    return err;
}

/* Of the keys that are held now. */
static enum jt_err digest_keys(const struct jt_keeper *k, uint8_t out[static JT_SHA256_LEN])
{
    struct jt_buf all;
    jt_buf_init(&all, JT_ESCROW_MAX);
    const struct jt_genfile *meta = jt_keyring_next(k->keyring, 0);
    for (; meta != NULL; meta = jt_keyring_next(k->keyring, meta->number)) {
        jt_buf_u64(&all, meta->number);
        jt_buf_u8(&all, meta->key_id);
        jt_buf_put(&all, meta->check_value, sizeof meta->check_value);
    }
    enum jt_err err = jt_buf_status(&all);
    err = err == JT_OK ? jt_sha256(all.data, all.len, out) : err;
    jt_buf_clear(&all);
    return err;
}

enum jt_err jt_rewrap_verify(struct jt_keeper *k, const struct jt_escrow_file *file)
{
    struct jt_master *next = NULL;
    if (!jt_rewrap_proved(k) || k->ceremony->rotation.escrow == JT_CEREMONY_NO_ESCROW) {
        return JT_ERR_NO_CEREMONY;
    }
    struct jt_ceremony_rotation *r = &k->ceremony->rotation;
    struct jt_escrow *escrow = jt_secmem_alloc(sizeof *escrow);
    enum jt_err err = escrow == NULL ? JT_ERR_NOMEM : jt_master_new(k->ceremony->key, &next);
    if (err == JT_OK) {
        err = jt_escrow_open(next, k->development, file, escrow);
        err = err == JT_ERR_FILE_ALTERED ? JT_ERR_BACKUP_ALTERED : err;
    }
    if (err == JT_OK && !jt_escrow_has_all(k, escrow)) {
        err = JT_ERR_ROTATION_KEYS;
    }
    if (err == JT_OK) {
        err = digest_keys(k, r->escrow_keys);
    }
    r->escrow = err == JT_OK ? JT_CEREMONY_ESCROW_GOOD : JT_CEREMONY_ESCROW_MADE;
    jt_master_free(next);
    jt_secmem_free(escrow, sizeof *escrow);
    return err;
}

/* An escrow file that was asked for must be good, and of the keys that are here now. */
static enum jt_err check_escrow(const struct jt_keeper *k)
{
    const struct jt_ceremony_rotation *r = &k->ceremony->rotation;
    uint8_t now[JT_SHA256_LEN];
    if (r->escrow == JT_CEREMONY_NO_ESCROW) {
        return JT_OK;
    }
    if (r->escrow != JT_CEREMONY_ESCROW_GOOD) {
        return JT_ERR_NO_CEREMONY;
    }
    enum jt_err err = digest_keys(k, now);
    return err == JT_OK && memcmp(now, r->escrow_keys, sizeof now) != 0 ? JT_ERR_ROTATION_KEYS
                                                                        : err;
}

/* --- the files --- */

/* What the keeper works with afterwards, made before anything changes. */
struct rewrap {
    struct jt_rotation *files;
    struct jt_master *master;
    struct jt_unsealing *unsealing;
};

/* Nothing takes a file's place before it was opened once as it will be. */
static enum jt_err wrap_root(const struct jt_keeper *k, const struct rewrap *w)
{
    struct jt_buf bytes;
    struct jt_fault fault = { 0 };
    struct jt_root *opened = NULL;
    enum jt_err err = jt_root_wrap(w->master, k->root, k->development, k->root->created_s, &bytes);
    if (err == JT_OK) {
        err = jt_root_unwrap(&bytes, w->master, k->development, &opened, &fault);
    }
    if (err == JT_OK && !jt_equal_ct(opened->key, k->root->key, sizeof opened->key)) {
        err = JT_ERR_IMPOSSIBLE;
    }
    if (err == JT_OK) {
        memcpy(w->files->root, bytes.data, sizeof w->files->root);
    }
    jt_root_free(opened);
    jt_buf_clear(&bytes);
    return err;
}

static enum jt_err wrap_key(const struct jt_keeper *k, const struct rewrap *w,
                            const struct jt_genfile *meta, uint8_t *opened)
{
    struct jt_buf bytes;
    struct jt_fault fault = { 0 };
    struct jt_genfile back;
    const uint8_t *key = jt_keyring_key(k->keyring, meta->number);
    enum jt_err err = jt_genfile_wrap(w->master, meta, key, &bytes);
    if (err == JT_OK) {
        err = jt_genfile_unwrap(&bytes, w->master, k->development, meta->number, &back, opened,
                                &fault);
    }
    if (err == JT_OK && !jt_equal_ct(opened, key, JT_GENERATION_KEY_LEN)) {
        err = JT_ERR_IMPOSSIBLE;
    }
    if (err == JT_OK) {
        struct jt_rotation_key *out = &w->files->keys[w->files->n++];
        out->number = meta->number;
        memcpy(out->bytes, bytes.data, sizeof out->bytes);
    }
    jt_buf_clear(&bytes);
    return err;
}

static enum jt_err wrap_keys(const struct jt_keeper *k, const struct rewrap *w)
{
    uint8_t *opened = jt_secmem_alloc(JT_GENERATION_KEY_LEN);
    enum jt_err err = opened == NULL ? JT_ERR_NOMEM : JT_OK;
    const struct jt_genfile *meta = jt_keyring_next(k->keyring, 0);
    for (; meta != NULL && err == JT_OK; meta = jt_keyring_next(k->keyring, meta->number)) {
        err = wrap_key(k, w, meta, opened);
    }
    jt_secmem_free(opened, JT_GENERATION_KEY_LEN);
    return err;
}

static enum jt_err prepare(const struct jt_keeper *k, struct rewrap *w)
{
    struct jt_buf file;
    struct jt_fault fault = { 0 };
    enum jt_err err = jt_ceremony_file(k->ceremony, &file);
    w->files = calloc(1, sizeof *w->files);
    if (err == JT_OK) {
        err = w->files == NULL ? JT_ERR_NOMEM : jt_master_new(k->ceremony->key, &w->master);
    }
    if (err == JT_OK) {
        err = jt_unsealing_of(&file, k->development, &w->unsealing, &fault);
    }
    if (err == JT_OK) {
        w->files->development = k->development;
        memcpy(w->files->from, k->master->check_value, sizeof w->files->from);
        memcpy(w->files->to, w->master->check_value, sizeof w->files->to);
        memcpy(w->files->master, file.data, file.len);
        w->files->master_len = file.len;
        err = wrap_root(k, w);
    }
    jt_buf_clear(&file);
    return err == JT_OK ? wrap_keys(k, w) : err;
}

/* The files that are there are those of the keys that are held. */
static enum jt_err check_directory(struct jt_keeper *k)
{
    struct jt_keydir listing = { .n_generations = 0 };
    struct jt_fault fault = { 0 };
    enum jt_err err = jt_dirwatch_check(k, 0, NULL);
    if (err == JT_OK) {
        err = jt_keydir_list(k->dir_fd, &listing, &fault);
    }
    bool same = err == JT_OK && listing.n_generations == jt_keyring_count(k->keyring);
    for (size_t i = 0; same && i < listing.n_generations; i++) {
        same = jt_keyring_find(k->keyring, listing.generations[i]) != NULL;
    }
    if (err == JT_ERR_NOMEM || err == JT_ERR_CRYPTO) {
        return err; /* it could not be looked at, which says nothing of it */
    }
    return same ? JT_OK : JT_ERR_DIRECTORY_BAD;
}

/*
 * Takes back what may be there or not. That this was not synced does no harm: no key is
 * acknowledged before the directory was. False: it is there, and stays.
 */
static bool withdraw(int dir_fd)
{
    struct stat st;
    (void)unlinkat(dir_fd, JT_KEYDIR_ROTATION, 0);
    (void)fsync(dir_fd);
    return fstatat(dir_fd, JT_KEYDIR_ROTATION, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

/* The one step. *there says whether it is done: what fails behind it may leave it so. */
static enum jt_err put_rotation(const struct jt_keeper *k, const struct rewrap *w, bool *there)
{
    struct jt_buf bytes;
    struct jt_rotation *back = malloc(sizeof *back);
    enum jt_err err = jt_rotation_encode(w->files, &bytes);
    if (err == JT_OK) {
        err = back == NULL ? JT_ERR_NOMEM : jt_rotation_decode(&bytes, back);
    }
    if (err == JT_OK) {
        err = jt_file_replace(k->dir_fd, JT_KEYDIR_ROTATION, bytes.data, bytes.len);
        int saved = errno;
        *there = err == JT_OK || !withdraw(k->dir_fd);
        if (err != JT_OK) {
            jt_log(JT_LOG_ERROR, "rotation: %s cannot be written: %s; %s", JT_KEYDIR_ROTATION,
                   strerror(saved), *there ? "it is there all the same" : "nothing was changed");
            /* whoever asked must know which of both it is */
            err = *there ? JT_ERR_IO : JT_ERR_NOT_ROTATED;
        }
    }
    free(back);
    jt_buf_clear(&bytes);
    return err;
}

enum jt_err jt_rewrap_end(struct jt_keeper *k)
{
    struct jt_fault fault = { 0 };
    char line[JT_FAULT_LINE_LEN];
    if (!k->rotating) {
        return JT_OK;
    }
    enum jt_err err = jt_rotation_finish(k->dir_fd, k->development, &fault);
    if (err != JT_OK) {
        jt_log(JT_LOG_ERROR, "%s; the next look at the directory, or the next start, goes on",
               jt_fault_line(&fault, err, line));
        return JT_ERR_DIRECTORY_BAD;
    }
    k->rotating = false;
    return JT_OK;
}

/* From here on the new master key is the keeper's. */
static void go_over(struct jt_keeper *k, struct rewrap *w)
{
    char from[2 * JT_CHECK_VALUE_LEN + 1], to[2 * JT_CHECK_VALUE_LEN + 1];
    jt_hex_encode(w->files->from, sizeof w->files->from, from);
    jt_hex_encode(w->files->to, sizeof w->files->to, to);
    jt_master_free(k->master);
    jt_unsealing_free(k->unsealing);
    k->master = w->master;
    k->unsealing = w->unsealing;
    w->master = NULL;
    w->unsealing = NULL;
    k->rotating = true;
    jt_rewrap_forget(k);
    jt_log(JT_LOG_WARNING,
           "the master key is rotated: check value %s, before %s; the service root and %zu "
           "generation keys lie under it",
           to, from, w->files->n);
    enum jt_err err = jt_rewrap_end(k);
    (void)err; /* it has said so, and is done again */
}

enum jt_err jt_rewrap_commit(struct jt_keeper *k)
{
    struct rewrap w = { .files = NULL };
    bool there = false;
    enum jt_err err = jt_rewrap_proved(k) ? check_escrow(k) : JT_ERR_NO_CEREMONY;
    if (err == JT_OK) {
        err = check_directory(k);
    }
    if (err == JT_OK) {
        err = prepare(k, &w);
    }
    if (err == JT_OK) {
        err = put_rotation(k, &w, &there);
    }
    if (there) {
        go_over(k, &w);
    }
    jt_master_free(w.master);
    jt_unsealing_free(w.unsealing);
    free(w.files);
    return err;
}
