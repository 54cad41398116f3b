/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `jeton ceremony rotate`: the keeper that serves goes over to a new master key, or to that of
 * another node. What opens the present one is given first; then the new one is made as in any
 * ceremony. An escrow file under it is written, read back and opened by the keeper before anything
 * of the directory changes; the change is one step of the keeper's.
 */
#include "base/hex.h"
#include "base/secmem.h"
#include "cli/ceremony.h"
#include "cli/exit.h"
#include "cli/newfile.h"
#include "keyclient/rotation.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHECK_VALUE_AT 12 /* in master.key: docs/key-files.md */
#define TRIES          3  /* of escrow files, where keys come and go meanwhile */

static enum jt_err prove(struct jt_keyclient *kc, void *arg, enum jt_unseal_kind kind,
                         const char *text, struct jt_unsealed *out)
{
    (void)arg;
    return jt_keyclient_wait_rotation_prove(kc, kind, text, out);
}

static enum jt_err open_next(struct jt_keyclient *kc, void *arg, enum jt_unseal_kind kind,
                             const char *text, struct jt_unsealed *out)
{
    struct jt_rotation_follow *follow = arg;
    follow->given.kind = (uint8_t)kind;
    (void)snprintf(follow->given.text, sizeof follow->given.text, "%s", text);
    enum jt_err err = jt_keyclient_wait_rotation_follow(kc, follow, out);
    jt_wipe(&follow->given, sizeof follow->given);
    return err;
}

/* --- the next master key --- */

/* A master key's file, with its check value. */
static int read_master(const char *path, struct jt_buf *bytes,
                       uint8_t check_value[static JT_CHECK_VALUE_LEN])
{
    int code = jt_newfile_read(path, bytes);
    if (code == JT_EXIT_OK && bytes->len < CHECK_VALUE_AT + JT_CHECK_VALUE_LEN) {
        jt_complain("%s: is no master key's file", path);
        code = JT_EXIT_FAILED;
    }
    if (code == JT_EXIT_OK) {
        memcpy(check_value, bytes->data + CHECK_VALUE_AT, JT_CHECK_VALUE_LEN);
    }
    return code;
}

static int read_follow(struct jt_holding *c, struct jt_rotation_follow *follow)
{
    struct jt_buf bytes;
    jt_buf_init(&bytes, sizeof follow->file);
    int code = read_master(c->follow, &bytes, c->made.check_value);
    if (code == JT_EXIT_OK) {
        memcpy(follow->file, bytes.data, bytes.len);
        follow->len = bytes.len;
    }
    jt_buf_clear(&bytes);
    return code;
}

/* The one that is there, for the record: who goes to an old one by mistake is to see it. */
static int read_present(struct jt_holding *c)
{
    char path[4096];
    struct jt_buf bytes;
    jt_buf_init(&bytes, JT_ROTATION_MASTER_MAX);
    (void)snprintf(path, sizeof path, "%s/master.key", c->conf.keeper_directory);
    int code = read_master(path, &bytes, c->before);
    jt_buf_clear(&bytes);
    return code;
}

/* That of another node: its shares come behind those of the present one. */
static int take_next(struct jt_holding *c, size_t n_used)
{
    struct jt_rotation_follow follow = { .len = 0 };
    const struct jt_unsealing_files files = { .phrase = c->phrase_file,
                                              .shares = c->present.shares + n_used,
                                              .n_shares = c->present.n_shares - n_used,
                                              .give = open_next,
                                              .arg = &follow,
                                              .next = true };
    int code = read_follow(c, &follow);
    return code == JT_EXIT_OK ? jt_unseal_by_people(c->kc, c->config, &files) : code;
}

static int make_next(struct jt_holding *c)
{
    int code = jt_holding_order(c);
    return code == JT_EXIT_OK ? jt_holding_hand_out(c) : code;
}

/* --- the escrow file --- */

static int read_back(struct jt_holding *c)
{
    struct jt_buf bytes;
    static struct jt_escrow_file file;
    static struct jt_rotation_escrow answer;
    jt_buf_init(&bytes, JT_ESCROW_MAX);
    int code = jt_newfile_read(c->backup, &bytes);
    if (code == JT_EXIT_OK && bytes.len == 0) {
        jt_complain("%s: is empty", c->backup);
        code = JT_EXIT_FAILED;
    }
    if (code == JT_EXIT_OK) {
        memcpy(file.bytes, bytes.data, bytes.len);
        file.len = bytes.len;
        enum jt_err err = jt_keyclient_wait_rotation_escrow(c->kc, &file, &answer);
        code = err == JT_OK ? JT_EXIT_OK : jt_holding_complain(err);
    }
    if (code == JT_EXIT_OK) {
        jt_hex_encode(answer.digest, sizeof answer.digest, c->backup_digest);
    }
    jt_buf_clear(&bytes);
    return code;
}

/* This run has made it, and nobody could use it. */
static void drop_backup(struct jt_holding *c)
{
    if (c->wrote_backup) {
        (void)unlink(c->backup);
        c->wrote_backup = false;
    }
}

/* Written, read back from the disk, and opened by the keeper under the new master key. */
static int write_backup(struct jt_holding *c)
{
    static const struct jt_escrow_file none = { .len = 0 };
    static struct jt_rotation_escrow made;
    if (c->backup == NULL) {
        return JT_EXIT_OK;
    }
    enum jt_err err = jt_keyclient_wait_rotation_escrow(c->kc, &none, &made);
    if (err != JT_OK) {
        return jt_holding_complain(err);
    }
    int code = jt_newfile_create(c->backup, made.file.bytes, made.file.len);
    if (code != JT_EXIT_OK) {
        return code;
    }
    c->wrote_backup = true;
    return read_back(c);
}

/* --- the whole --- */

/* *err of the step itself; nothing is changed where that is not reached, or refused. */
static int go_over(struct jt_holding *c, enum jt_err *err)
{
    int code = JT_EXIT_OK;
    *err = JT_ERR_ROTATION_KEYS;
    for (int i = 0; i < TRIES && code == JT_EXIT_OK && *err == JT_ERR_ROTATION_KEYS; i++) {
        code = write_backup(c);
        *err = code == JT_EXIT_OK ? jt_keyclient_wait_ceremony_end(c->kc) : *err;
        if (code == JT_EXIT_OK && *err == JT_ERR_ROTATION_KEYS) {
            drop_backup(c);
        }
    }
    return code == JT_EXIT_OK && *err != JT_OK ? jt_holding_complain(*err) : code;
}

/* Whether a failed step may have been done all the same. */
static bool in_doubt(enum jt_err err)
{
    return err == JT_ERR_IO || err == JT_ERR_KEEPER_AWAY;
}

static int give_up(struct jt_holding *c, int code)
{
    struct jt_unsealed now;
    enum jt_err err = jt_keyclient_wait_rotation_prove(c->kc, JT_UNSEAL_NOTHING, "", &now);
    (void)err; /* the keeper forgets it after an hour, too */
    jt_complain("nothing was changed in %s", c->conf.keeper_directory);
    return code;
}

int jt_rotate(struct jt_holding *c)
{
    size_t n_used = 0;
    enum jt_err err;
    c->present.give = prove;
    c->present.n_used = &n_used;
    int code = read_present(c);
    if (code != JT_EXIT_OK) {
        return code;
    }
    code = jt_unseal_by_people(c->kc, c->config, &c->present);
    if (code == JT_EXIT_OK) {
        code = c->follow != NULL ? take_next(c, n_used) : make_next(c);
    }
    if (code != JT_EXIT_OK) {
        return give_up(c, code);
    }
    code = go_over(c, &err);
    if (code != JT_EXIT_OK && in_doubt(err)) {
        jt_complain("whether %s is under the old master key or the new one is not known: keep what "
                    "opens either, restart the keeper, and see which of them it takes",
                    c->conf.keeper_directory);
        return code;
    }
    if (code != JT_EXIT_OK) {
        drop_backup(c);
        return give_up(c, code);
    }
    return jt_holding_record(c);
}
