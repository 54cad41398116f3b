/* SPDX-License-Identifier: Apache-2.0 */
/* CEREMONY_MAKE, CEREMONY_SHARE, CEREMONY_PROVE and CEREMONY_END. */
#include "keeper/op.h"

#include "base/log.h"
#include "base/secmem.h"
#include "keeper/rewrap.h"
#include "wire/custody.h"
#include "wire/frame.h"

#include <string.h>

/* JT_ERR_NO_CEREMONY: the keeper serves; JT_ERR_SEALED: what is there was not opened yet. */
static enum jt_err ready(const struct jt_keeper *k)
{
    if (k->ceremony != NULL && k->ceremony->rotation.under_way) {
        return jt_rewrap_proved(k)      ? JT_OK
               : jt_rewrap_is_askers(k) ? JT_ERR_NO_CEREMONY
                                        : JT_ERR_OTHER_CEREMONY;
    }
    if (k->ceremony == NULL || (k->unsealing == NULL && k->master != NULL)) {
        return JT_ERR_NO_CEREMONY;
    }
    return k->unsealing != NULL && k->sealed ? JT_ERR_SEALED : JT_OK;
}

static void reply(const struct jt_masterfile *file, struct jt_buf *out)
{
    struct jt_ceremony_made made = { .n = file->n };
    memcpy(made.check_value, file->check_value, sizeof made.check_value);
    memcpy(made.set, file->set, sizeof made.set);
    for (size_t i = 0; i < file->n; i++) {
        memcpy(made.digests[i], file->digests[i], JT_CUSTODY_DIGEST_LEN);
    }
    jt_ceremony_made_encode(&made, out);
}

enum jt_err jt_op_ceremony_make(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_ceremony_order order;
    enum jt_err err = jt_ceremony_order_decode(in, &order);
    if (err == JT_OK) {
        err = ready(k);
    }
    if (err == JT_OK && k->ceremony->rotation.next != NULL) {
        err = JT_ERR_NO_CEREMONY; /* it goes to a master key that is there */
    }
    if (err == JT_OK) {
        err = jt_ceremony_make(k->ceremony, k->development, &order);
    }
    jt_wipe(&order, sizeof order);
    if (err == JT_OK) {
        reply(&k->ceremony->file, out);
    }
    return err;
}

enum jt_err jt_op_ceremony_share(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    uint8_t place;
    char text[JT_SHARE_TEXT_MAX + 1] = "";
    enum jt_err err = jt_ceremony_place_decode(in, &place);
    if (err == JT_OK) {
        err = ready(k);
    }
    if (err == JT_OK) {
        err = jt_ceremony_share(k->ceremony, place, text);
    }
    if (err == JT_OK) {
        jt_ceremony_text_encode(text, out);
    }
    jt_wipe(text, sizeof text);
    return err;
}

enum jt_err jt_op_ceremony_prove(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)out;
    struct jt_ceremony_share share;
    enum jt_err err = jt_ceremony_share_decode(in, &share);
    if (err == JT_OK) {
        err = ready(k);
    }
    if (err == JT_OK) {
        err = jt_ceremony_prove(k->ceremony, share.place, share.text);
    }
    jt_wipe(&share, sizeof share);
    return err;
}

enum jt_err jt_op_ceremony_end(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)out;
    enum jt_err err = jt_wire_end(in);
    if (err == JT_OK) {
        err = ready(k);
    }
    if (err == JT_OK && k->ceremony->rotation.under_way) {
        return jt_rewrap_commit(k);
    }
    bool is_first = err == JT_OK && k->ceremony->is_first;
    if (err == JT_OK) {
        err = jt_ceremony_end(k->ceremony, k->dir_fd);
    }
    if (err == JT_OK) {
        jt_log(JT_LOG_INFO,
               is_first ? "a master key is made and sealed" : "the master key is sealed anew");
    }
    return err;
}
