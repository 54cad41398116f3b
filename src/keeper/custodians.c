/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/custodians.h"

#include "base/log.h"
#include "base/secmem.h"
#include "crypto/sign.h"
#include "keeper/keeper.h"
#include "keeper/keydir.h"
#include "keeper/rowmac.h"

#include <inttypes.h>
#include <string.h>

_Static_assert(JT_CUSTODIAN_KEY_LEN == JT_SIGN_PUBLIC_LEN, "Ed25519");
_Static_assert(JT_CUSTODIAN_SIGNATURE_LEN == JT_SIGN_LEN, "Ed25519");

#define FILE_MAX (8 + 2 + JT_CUSTODIAN_BODY_MAX + JT_ROW_MAC_LEN)

static const char magic[8] = { 'J', 'T', 'C', 'U', 'S', 'T', 'O', 'S' };

/* JT_ERR_FORGED: no keeper of this service and environment made it. */
static enum jt_err authentic(const struct jt_root *root, bool development,
                             const struct jt_custodian_row *row, struct jt_custodian_set *set,
                             struct jt_approvals *approvals)
{
    uint8_t mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_rowmac_custodians(root, row->body, row->body_len, mac);
    if (err != JT_OK) {
        return err;
    }
    bool good = jt_equal_ct(mac, row->mac, sizeof mac) &&
                jt_custodian_body_decode(row, set, approvals) == JT_OK &&
                set->development == development &&
                memcmp(set->root_check_value, root->check_value, JT_CHECK_VALUE_LEN) == 0;
    return good ? JT_OK : JT_ERR_FORGED;
}

static enum jt_err take_file(const struct jt_buf *file, const struct jt_root *root,
                             bool development, struct jt_custodians *out)
{
    struct jt_approvals approvals;
    struct jt_reader in = jt_reader_init(file->data, file->len);
    const uint8_t *m = jt_reader_bytes(&in, sizeof magic);
    enum jt_err err = jt_custodian_row_decode(&in, &out->row);
    if (err != JT_OK || !jt_reader_done(&in) || memcmp(m, magic, sizeof magic) != 0) {
        return JT_ERR_FILE_ALTERED;
    }
    err = authentic(root, development, &out->row, &out->set, &approvals);
    return err == JT_ERR_FORGED ? JT_ERR_FILE_ALTERED : err;
}

enum jt_err jt_custodians_load(int dir_fd, const struct jt_root *root, bool development,
                               struct jt_custodians *out, struct jt_fault *fault)
{
    struct jt_buf file;
    enum jt_err err = jt_keydir_read(dir_fd, JT_KEYDIR_CUSTODIANS, FILE_MAX, &file, fault);
    if (err == JT_ERR_NO_FILE) {
        jt_buf_clear(&file);
        return JT_OK;
    }
    if (err == JT_OK) {
        err = take_file(&file, root, development, out);
    }
    if (err != JT_OK) {
        jt_fault_set(fault, err, JT_KEYDIR_CUSTODIANS);
    }
    jt_buf_clear(&file);
    return err;
}

enum jt_err jt_custodians_count(const struct jt_custodian_set *set,
                                const struct jt_approvals *approvals, const void *text, size_t len,
                                uint8_t by[static JT_CUSTODIANS_MAX], size_t *n)
{
    bool signed_by[JT_CUSTODIANS_MAX] = { false };
    *n = 0;
    for (size_t i = 0; i < approvals->n; i++) {
        const struct jt_approval *a = &approvals->all[i];
        const struct jt_custodian *c = jt_custodian_find(set, a->custodian);
        size_t place = c == NULL ? 0 : (size_t)(c - set->all);
        if (c == NULL || signed_by[place]) {
            continue;
        }
        enum jt_err err = jt_sign_verify(c->key, text, len, a->signature);
        if (err == JT_OK) {
            signed_by[place] = true;
            by[(*n)++] = (uint8_t)place;
        } else if (err != JT_ERR_BAD_SIGNATURE) {
            *n = 0;
            return err;
        }
    }
    return JT_OK;
}

/* Whether two custodians of `present` have approved `next`. */
static enum jt_err approved(const struct jt_custodian_set *present,
                            const struct jt_custodian_set *next,
                            const struct jt_approvals *approvals)
{
    uint8_t by[JT_CUSTODIANS_MAX];
    struct jt_buf text;
    jt_buf_init(&text, JT_CUSTODIAN_SET_TEXT_MAX);
    jt_custodian_set_text(next, &text);
    size_t n = 0;
    enum jt_err err = jt_buf_status(&text);
    if (err == JT_OK) {
        err = jt_custodians_count(present, approvals, text.data, text.len, by, &n);
    }
    if (err == JT_OK && n < JT_CUSTODIANS_NEEDED) {
        err = JT_ERR_NOT_APPROVED;
    }
    jt_buf_clear(&text);
    return err;
}

static enum jt_err make_row(const struct jt_root *root, const struct jt_custodian_set *set,
                            const struct jt_approvals *approvals, struct jt_custodian_row *out)
{
    struct jt_buf body;
    jt_buf_init(&body, sizeof out->body);
    jt_custodian_body_encode(set, approvals, &body);
    enum jt_err err = jt_buf_status(&body);
    if (err == JT_OK) {
        memcpy(out->body, body.data, body.len);
        out->body_len = (uint16_t)body.len;
        err = jt_rowmac_custodians(root, out->body, out->body_len, out->mac);
    }
    jt_buf_clear(&body);
    return err;
}

enum jt_err jt_custodians_make(const struct jt_keeper *k, const struct jt_custodians_make *make,
                               struct jt_custodian_row *out)
{
    const struct jt_custodian_set *present = &k->custodians.set;
    struct jt_custodian_set next = make->set;
    next.development = k->development;
    next.version = present->version + 1;
    memcpy(next.root_check_value, k->root->check_value, sizeof next.root_check_value);
    *out = (struct jt_custodian_row){ .body_len = 0 };
    if (!jt_custodian_set_valid(&next)) {
        return JT_ERR_INVALID;
    }
    enum jt_err err = JT_OK;
    if (present->version == 0) {
        err = !k->local ? JT_ERR_NOT_LOCAL : make->approvals.n != 0 ? JT_ERR_NO_CUSTODIANS : JT_OK;
    } else if (make->approvals.n == 0) {
        err = JT_ERR_CUSTODIANS_THERE;
    } else {
        err = approved(present, &next, &make->approvals);
    }
    return err == JT_OK ? make_row(k->root, &next, &make->approvals, out) : err;
}

/* --- the database's --- */

static enum jt_err go_on_with(struct jt_keeper *k, const struct jt_custodian_row *row,
                              const struct jt_custodian_set *set)
{
    struct jt_buf file;
    jt_buf_init(&file, FILE_MAX);
    jt_buf_put(&file, magic, sizeof magic);
    jt_custodian_row_encode(row, &file);
    enum jt_err err = jt_buf_status(&file);
    if (err == JT_OK) {
        err = jt_keydir_replace(k->dir_fd, JT_KEYDIR_CUSTODIANS, file.data, file.len);
    }
    jt_buf_clear(&file);
    if (err == JT_OK) {
        jt_log(JT_LOG_WARNING, "custodians: version %" PRIu64 ", %u of them, where %u were",
               set->version, set->n, k->custodians.set.n);
        k->custodians.set = *set;
        k->custodians.row = *row;
    }
    return err;
}

/* Once for each time that it is so. */
static void tell_wrong(struct jt_custodians *c, enum jt_custodians_verdict verdict)
{
    bool wrong = verdict == JT_CUSTODIANS_OLDER || verdict == JT_CUSTODIANS_FOREIGN;
    if (wrong && !c->wrong_told) {
        jt_log(JT_LOG_ERROR,
               "alarm: the custodians in the database are %s; this keeper goes on with its own",
               verdict == JT_CUSTODIANS_OLDER
                   ? "gone, or older than those that were seen"
                   : "not authentic, or not what two of the present ones have approved");
    }
    c->wrong_told = wrong;
}

/* Of an authentic set. */
static enum jt_err judge(const struct jt_custodian_set *present,
                         const struct jt_custodian_set *next, const struct jt_approvals *approvals,
                         enum jt_custodians_verdict *verdict)
{
    if (present->version == 0) {
        *verdict = JT_CUSTODIANS_NEWER;
        return JT_OK;
    }
    if (next->version < present->version) {
        *verdict = JT_CUSTODIANS_OLDER;
        return JT_OK;
    }
    if (next->version != present->version + 1) {
        return JT_ERR_FORGED;
    }
    enum jt_err err = approved(present, next, approvals);
    *verdict = JT_CUSTODIANS_NEWER;
    return err == JT_ERR_NOT_APPROVED ? JT_ERR_FORGED : err;
}

enum jt_err jt_custodians_show(struct jt_keeper *k, const struct jt_custodian_row *row,
                               enum jt_custodians_verdict *verdict)
{
    struct jt_custodians *own = &k->custodians;
    struct jt_custodian_set set = { .version = 0 };
    struct jt_approvals approvals;
    enum jt_err err = JT_OK;
    if (row->body_len == own->row.body_len &&
        memcmp(row->body, own->row.body, row->body_len) == 0 &&
        jt_equal_ct(row->mac, own->row.mac, sizeof row->mac)) {
        *verdict = JT_CUSTODIANS_SAME;
    } else if (row->body_len == 0) {
        *verdict = JT_CUSTODIANS_OLDER;
    } else {
        err = authentic(k->root, k->development, row, &set, &approvals);
        err = err == JT_OK ? judge(&own->set, &set, &approvals, verdict) : err;
    }
    if (err == JT_ERR_FORGED) {
        *verdict = JT_CUSTODIANS_FOREIGN;
        err = JT_OK;
    } else if (err == JT_OK && *verdict == JT_CUSTODIANS_NEWER) {
        err = go_on_with(k, row, &set);
    }
    if (err == JT_OK) { /* what could not be looked at is no reason for an alarm */
        tell_wrong(own, *verdict);
    }
    return err;
}
