/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/ceremony.h"

#include "base/secmem.h"
#include "keeper/keydir.h"

#include <string.h>

enum jt_err jt_ceremony_new(struct jt_ceremony **out)
{
    *out = jt_secmem_alloc(sizeof **out);
    return *out != NULL ? JT_OK : JT_ERR_NOMEM;
}

void jt_ceremony_free(struct jt_ceremony *c)
{
    jt_ceremony_forget(c);
    jt_secmem_free(c, sizeof *c);
}

void jt_ceremony_forget(struct jt_ceremony *c)
{
    if (c != NULL) {
        jt_unsealing_free(c->rotation.next);
        jt_wipe(c, sizeof *c);
    }
}

void jt_ceremony_opened(struct jt_ceremony *c, const uint8_t key[static JT_MASTER_KEY_LEN])
{
    jt_wipe(c, sizeof *c);
    memcpy(c->key, key, sizeof c->key);
    c->has_key = true;
}

/* Nothing takes another file's place before it was opened once, as it will be on the disk. */
static enum jt_err open_again(const struct jt_ceremony *c, const char *phrase)
{
    struct jt_masterfile file;
    struct jt_buf bytes;
    jt_buf_init(&bytes, JT_MASTERFILE_MAX);
    jt_masterfile_encode(&c->file, &bytes);
    uint8_t *key = jt_secmem_alloc(JT_MASTER_KEY_LEN);
    enum jt_err err = key == NULL ? JT_ERR_NOMEM : jt_buf_status(&bytes);
    if (err == JT_OK) {
        err = jt_masterfile_decode(&bytes, &file);
    }
    if (err == JT_OK) {
        err = file.method == JT_MASTER_PASSPHRASE ? jt_masterfile_open_phrase(&file, phrase, key)
              : file.method == JT_MASTER_PKCS11
                  ? jt_masterfile_open_pkcs11(&file, phrase, key)
                  : jt_masterfile_open_shares(&file, c->shares + (file.n - file.k), key);
    }
    if (err == JT_OK && !jt_equal_ct(key, c->key, JT_MASTER_KEY_LEN)) {
        err = JT_ERR_IMPOSSIBLE;
    }
    jt_secmem_free(key, JT_MASTER_KEY_LEN);
    jt_buf_clear(&bytes);
    return err;
}

enum jt_err jt_ceremony_make(struct jt_ceremony *c, bool development,
                             const struct jt_ceremony_order *order)
{
    struct jt_masterfile *file = &c->file;
    jt_wipe(c->shares, sizeof c->shares);
    jt_wipe(c->proved, sizeof c->proved);
    c->is_made = false;
    c->rotation.escrow = JT_CEREMONY_NO_ESCROW;
    *file = (struct jt_masterfile){ .development = development };
    enum jt_err err = c->has_key ? jt_unsealing_check_value(c->key, file->check_value)
                                 : jt_unsealing_fresh_key(file, c->key);
    if (err != JT_OK) {
        return err;
    }
    c->is_first = c->is_first || !c->has_key;
    c->has_key = true;
    file->box = order->box;
    err = order->method == JT_CUSTODY_PHRASE
              ? jt_masterfile_seal_phrase(file, order->phrase, c->key)
          : order->method == JT_CUSTODY_PKCS11
              ? jt_masterfile_seal_pkcs11(file, order->phrase, c->key)
              : jt_masterfile_seal_shares(file, order->k, order->n, c->key, c->shares);
    if (err == JT_OK) {
        err = open_again(c, order->phrase);
    }
    c->is_made = err == JT_OK;
    return err;
}

static bool has_place(const struct jt_ceremony *c, size_t place)
{
    /* nobody here has seen the shares of another node's */
    return c->is_made && c->rotation.next == NULL && place >= 1 && place <= c->file.n;
}

enum jt_err jt_ceremony_share(const struct jt_ceremony *c, size_t place,
                              char out[static JT_SHARE_TEXT_MAX + 1])
{
    return has_place(c, place) ? jt_share_format(&c->file, &c->shares[place - 1], out)
                               : JT_ERR_NO_CEREMONY;
}

enum jt_err jt_ceremony_prove(struct jt_ceremony *c, size_t place, const char *typed)
{
    struct jt_share share;
    if (!has_place(c, place)) {
        return JT_ERR_NO_CEREMONY;
    }
    enum jt_err err = jt_share_parse(&c->file, typed, &share);
    if (err == JT_OK && share.x != place) {
        err = JT_ERR_SHARE_OTHER;
    }
    jt_wipe(&share, sizeof share);
    c->proved[place - 1] = c->proved[place - 1] || err == JT_OK;
    return err;
}

enum jt_err jt_ceremony_file(const struct jt_ceremony *c, struct jt_buf *out)
{
    bool all = c->is_made;
    for (size_t i = 0; i < c->file.n; i++) {
        all = all && c->proved[i];
    }
    jt_buf_init(out, JT_MASTERFILE_MAX);
    if (!all) {
        return JT_ERR_NO_CEREMONY;
    }
    jt_masterfile_encode(&c->file, out);
    return jt_buf_status(out);
}

enum jt_err jt_ceremony_end(struct jt_ceremony *c, int dir_fd)
{
    struct jt_buf bytes;
    enum jt_err err = jt_ceremony_file(c, &bytes);
    if (err == JT_OK) {
        err = jt_keydir_replace(dir_fd, JT_KEYDIR_MASTER, bytes.data, bytes.len);
    }
    jt_buf_clear(&bytes);
    if (err == JT_OK) {
        jt_ceremony_forget(c);
    }
    return err;
}
