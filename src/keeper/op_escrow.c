/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ESCROW_MAKE, ESCROW_CHECK and ESCROW_RESTORE: all keys of a keeper in one file, and back from it
 * into a directory that has nothing but the master key (keeper/escrow.h). To check a file that was
 * written somewhere is the caller's second step: what was never read back is no backup.
 * ESCROW_RECEIPT gives this keeper's word that it opened a file and what was in it, and
 * BACKUP_CHECK knows such a word again: nothing else makes one.
 */
#include "keeper/op.h"

#include "base/log.h"
#include "base/secmem.h"
#include "crypto/digest.h"
#include "keeper/escrowfill.h"
#include "keeper/foreign.h"
#include "keeper/genmark.h"
#include "keeper/heldkey.h"
#include "keeper/rowmac.h"
#include "wire/backup.h"
#include "wire/escrow.h"
#include "wire/frame.h"

#include <string.h>
#include <time.h>

enum jt_err jt_op_escrow_make(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    enum jt_err err = jt_wire_end(in);
    if (err != JT_OK) {
        return err;
    }
    struct jt_escrow_file file;
    struct jt_escrow *escrow = jt_secmem_alloc(sizeof *escrow);
    if (escrow == NULL) {
        return JT_ERR_NOMEM;
    }
    jt_escrow_fill(k, escrow);
    err = jt_escrow_seal(k->master, escrow, &file);
    if (err == JT_OK) {
        jt_escrow_file_encode(&file, out);
        jt_log(JT_LOG_INFO, "an escrow file was made: the service root and %zu generation keys",
               escrow->n);
    }
    jt_secmem_free(escrow, sizeof *escrow);
    return err;
}

/* Reads a request and opens the file in it, into secret memory that the caller frees. */
static enum jt_err open_request(const struct jt_keeper *k, struct jt_reader *in,
                                struct jt_escrow **out, uint8_t digest[static JT_SHA256_LEN])
{
    struct jt_escrow_file file;
    *out = NULL;
    enum jt_err err = jt_escrow_file_decode(in, &file);
    if (err == JT_OK) {
        err = jt_sha256(file.bytes, file.len, digest);
    }
    const uint8_t *master = err == JT_OK ? jt_escrow_master_check_value(&file) : NULL;
    if (err == JT_OK) {
        err = master != NULL ? jt_foreign_master(k, master) : JT_ERR_FILE_ALTERED;
    }
    struct jt_escrow *escrow = err == JT_OK ? jt_secmem_alloc(sizeof *escrow) : NULL;
    if (err == JT_OK) {
        err = escrow != NULL ? jt_escrow_open(k->master, k->development, &file, escrow)
                             : JT_ERR_NOMEM;
    }
    if (err != JT_OK) {
        jt_secmem_free(escrow, sizeof *escrow);
        return err;
    }
    *out = escrow;
    return JT_OK;
}

static bool is_same(const struct jt_genfile *held, const struct jt_genfile *meta)
{
    return held->key_id == meta->key_id &&
           jt_equal_ct(held->check_value, meta->check_value, sizeof meta->check_value);
}

static void compare(const struct jt_keeper *k, const struct jt_escrow *escrow,
                    struct jt_escrow_report *report)
{
    size_t n_same_number = 0;
    *report = (struct jt_escrow_report){ .created_s = escrow->created_s,
                                         .epoch = escrow->epoch,
                                         .n = escrow->n };
    for (size_t i = 0; i < escrow->n; i++) {
        const struct jt_genfile *meta = &escrow->entries[i].meta;
        const struct jt_genfile *held = jt_keyring_find(k->keyring, meta->number);
        struct jt_escrow_key *key = &report->keys[i];
        key->number = meta->number;
        key->key_id = meta->key_id;
        memcpy(key->check_value, meta->check_value, sizeof key->check_value);
        n_same_number += held != NULL;
        key->verdict = held == NULL          ? JT_ERR_KEY_MISSING
                       : is_same(held, meta) ? JT_OK
                                             : JT_ERR_KEY_WRONG;
    }
    report->n_absent = (uint16_t)(jt_keyring_count(k->keyring) - n_same_number);
}

enum jt_err jt_op_escrow_check(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_escrow *escrow;
    struct jt_escrow_report report;
    uint8_t digest[JT_SHA256_LEN];
    enum jt_err err = open_request(k, in, &escrow, digest);
    if (err == JT_OK) {
        err = jt_foreign_root(k, escrow->root_check_value);
    }
    if (err == JT_OK) {
        compare(k, escrow, &report);
        jt_escrow_report_encode(&report, out);
    }
    jt_secmem_free(escrow, sizeof *escrow);
    return err;
}

/*
 * All keys of the file, also those that are not held here: each was opened, and is the one of its
 * check value (jt_escrow_open).
 */
static enum jt_err write_receipt(const struct jt_keeper *k, const struct jt_escrow *escrow,
                                 const uint8_t digest[static JT_SHA256_LEN],
                                 struct jt_backup_receipt *out)
{
    struct jt_backup backup = { .made_s = escrow->created_s,
                                .verified_s = (uint64_t)time(NULL),
                                .epoch = escrow->epoch,
                                .n = escrow->n };
    struct jt_buf body;
    memcpy(backup.digest, digest, sizeof backup.digest);
    for (size_t i = 0; i < escrow->n; i++) {
        const struct jt_genfile *meta = &escrow->entries[i].meta;
        backup.keys[i].number = meta->number;
        backup.keys[i].key_id = meta->key_id;
        memcpy(backup.keys[i].check_value, meta->check_value, sizeof meta->check_value);
    }
    jt_buf_init(&body, JT_BACKUP_BODY_MAX);
    jt_backup_body_encode(&backup, &body);
    enum jt_err err = jt_buf_status(&body);
    if (err == JT_OK) {
        memcpy(out->body, body.data, body.len);
        out->body_len = body.len;
        err = jt_rowmac_backup(k->root, out->body, out->body_len, out->mac);
    }
    jt_buf_clear(&body);
    return err;
}

enum jt_err jt_op_escrow_receipt(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_escrow *escrow;
    struct jt_backup_receipt receipt;
    uint8_t digest[JT_SHA256_LEN];
    enum jt_err err = open_request(k, in, &escrow, digest);
    if (err == JT_OK) {
        err = jt_foreign_root(k, escrow->root_check_value);
    }
    if (err == JT_OK) {
        err = write_receipt(k, escrow, digest, &receipt);
    }
    if (err == JT_OK) {
        jt_backup_receipt_encode(&receipt, out);
    }
    jt_secmem_free(escrow, sizeof *escrow);
    return err;
}

enum jt_err jt_op_backup_check(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)out;
    struct jt_backup_receipt receipt;
    uint8_t mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_backup_receipt_decode(in, &receipt);
    if (err == JT_OK) {
        err = jt_rowmac_backup(k->root, receipt.body, receipt.body_len, mac);
    }
    return err == JT_OK && !jt_equal_ct(mac, receipt.mac, sizeof mac) ? JT_ERR_FORGED : err;
}

/* The service root, and with it what is to be remembered from the start. */
static enum jt_err restore_root(struct jt_keeper *k, const struct jt_escrow *escrow)
{
    struct jt_keeper_state state = escrow->state;
    struct jt_root *root;
    /* the ring comes from the database, and may not be an earlier one than it was */
    state.highest_epoch = escrow->epoch > 0 ? escrow->epoch - 1 : 0;
    enum jt_err err = jt_root_new(escrow->root, &root);
    if (err == JT_OK) {
        root->created_s = escrow->root_created_s;
        err = jt_keeper_take_root(k, root, &state);
    }
    if (err != JT_OK) {
        jt_root_free(root);
    }
    return err;
}

static enum jt_err restore_key(struct jt_keeper *k, const struct jt_escrow_entry *entry)
{
    const struct jt_genfile *held = jt_keyring_find(k->keyring, entry->meta.number);
    enum jt_err err = held == NULL                  ? jt_heldkey_store(k, &entry->meta, entry->key)
                      : is_same(held, &entry->meta) ? JT_OK
                                                    : JT_ERR_KEY_WRONG;
    return err == JT_OK && entry->meta.used ? jt_genmark_write(k->dir_fd, k->root, &entry->meta)
                                            : err;
}

enum jt_err jt_op_escrow_restore(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)out;
    struct jt_escrow *escrow;
    uint8_t digest[JT_SHA256_LEN];
    enum jt_err err = open_request(k, in, &escrow, digest);
    /*
     * A keeper that was cut off in the middle of this has the root already, and no ring: it may be
     * asked again.
     */
    bool begun = k->root != NULL && k->ring.epoch == 0 && err == JT_OK &&
                 jt_equal_ct(k->root->check_value, escrow->root_check_value, JT_CHECK_VALUE_LEN);
    if (err == JT_OK && k->root != NULL && !begun) {
        err = JT_ERR_KEY_THERE;
    }
    if (err == JT_OK && !begun) {
        err = restore_root(k, escrow);
    }
    for (size_t i = 0; err == JT_OK && i < escrow->n; i++) {
        err = restore_key(k, &escrow->entries[i]);
    }
    if (err == JT_OK) {
        jt_log(JT_LOG_INFO,
               "restored from an escrow file: the service root and %zu generation keys", escrow->n);
    }
    jt_secmem_free(escrow, sizeof *escrow);
    return err;
}
