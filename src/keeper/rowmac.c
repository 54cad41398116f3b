/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/rowmac.h"

#include "base/secmem.h"
#include "crypto/kdf.h"
#include "wire/audit.h"
#include "wire/ring.h"
#include "wire/text.h"

#include <string.h>

_Static_assert(JT_ROW_MAC_LEN == JT_CMAC_LEN, "a row's MAC is a CMAC");
_Static_assert(JT_SET_DIGEST_LEN == JT_CMAC_LEN, "a digest is a sum of CMACs");

/* First byte of every message. Never reused. */
enum domain {
    DOMAIN_CLIENT_SECRET = 1,
    DOMAIN_CLIENT = 2,
    DOMAIN_FIELD = 3,
    DOMAIN_GENERATION = 4,
    DOMAIN_RING = 5,
    DOMAIN_STATE = 6,
    DOMAIN_ACK = 7,
    /* 8 was a node row without a mark */
    DOMAIN_MARK = 9,
    DOMAIN_SET_ROW = 10,
    DOMAIN_SET_SUM = 11,
    DOMAIN_SET_MEMBER = 12,
    DOMAIN_SET_MASK = 13,
    DOMAIN_HELD = 14,
    DOMAIN_ONCE = 15,
    DOMAIN_PLAN = 16,
    DOMAIN_NODE = 20,
    DOMAIN_PARCEL = JT_ROWMAC_PARCEL,
    DOMAIN_RECOVERY = 22,
    DOMAIN_RECOVERY_WORD = 23,
    DOMAIN_KEEPER_VIEW = 24,
    DOMAIN_CLIENT_WITH_TERMS = 30,
    DOMAIN_AUDIT_START = 40,
    DOMAIN_AUDIT_LINK = 41,
    DOMAIN_AUDIT_CLOSE = 42,
    DOMAIN_CUSTODIANS = 50,
    DOMAIN_DESTRUCTION = 51,
    DOMAIN_ERASED = 52,
    DOMAIN_DESTRUCTIONS = 53,
    DOMAIN_BACKUP = 60,
    DOMAIN_WRITEOFF = 61,
    DOMAIN_WARRANT = 62,
    DOMAIN_COLUMN_COUNT = 70,
};

#define MESSAGE_MAX 1024

/* MACs the message and clears it. */
static enum jt_err finish(struct jt_cmac *key, struct jt_buf *message,
                          uint8_t out[static JT_ROW_MAC_LEN])
{
    enum jt_err err = jt_buf_status(message);
    if (err == JT_OK) {
        err = jt_cmac_compute(key, &(struct jt_bytes){ message->data, message->len }, 1, out);
    }
    jt_buf_clear(message);
    return err;
}

enum jt_err jt_rowmac_client_secret(const struct jt_root *root, const char *id,
                                    const uint8_t secret[static JT_CLIENT_SECRET_LEN],
                                    uint8_t out[static JT_ROW_MAC_LEN])
{
    struct jt_buf m;
    jt_buf_init(&m, MESSAGE_MAX);
    jt_buf_u8(&m, DOMAIN_CLIENT_SECRET);
    jt_wire_text_encode(id, JT_CLIENT_ID_MAX, &m);
    jt_buf_put(&m, secret, JT_CLIENT_SECRET_LEN);
    return finish(root->client_mac, &m, out);
}

/*
 * A row without terms is MACed as before there were terms. One with terms begins with another byte:
 * so nobody can pass one off as the other by adding or removing them.
 */
enum jt_err jt_rowmac_client(const struct jt_root *root, const struct jt_client_row *row,
                             uint8_t out[static JT_ROW_MAC_LEN])
{
    struct jt_buf m;
    jt_buf_init(&m, MESSAGE_MAX);
    jt_buf_u8(&m, row->terms_len > 0 ? DOMAIN_CLIENT_WITH_TERMS : DOMAIN_CLIENT);
    jt_buf_u64(&m, row->mac_epoch);
    jt_wire_text_encode(row->spec.id, JT_CLIENT_ID_MAX, &m);
    jt_buf_u32(&m, row->spec.permissions);
    jt_buf_put(&m, row->secret_mac, sizeof row->secret_mac);
    jt_buf_u8(&m, row->state);
    jt_buf_u64(&m, row->revision);
    if (row->terms_len > 0) {
        jt_buf_u16(&m, row->terms_len);
        jt_buf_put(&m, row->terms, row->terms_len);
    }
    return finish(root->client_mac, &m, out);
}

enum jt_err jt_rowmac_field(const struct jt_root *root, const struct jt_field_row *row,
                            uint8_t out[static JT_ROW_MAC_LEN])
{
    struct jt_buf m;
    jt_buf_init(&m, MESSAGE_MAX);
    jt_buf_u8(&m, DOMAIN_FIELD);
    jt_buf_u64(&m, row->mac_epoch);
    jt_field_spec_encode(&row->spec, &m);
    jt_buf_u8(&m, row->state);
    jt_buf_u64(&m, row->revision);
    return finish(root->field_mac, &m, out);
}

enum jt_err jt_rowmac_generation(const struct jt_root *root, const struct jt_generation_row *row,
                                 uint8_t out[static JT_ROW_MAC_LEN])
{
    struct jt_buf m;
    jt_buf_init(&m, MESSAGE_MAX);
    jt_buf_u8(&m, DOMAIN_GENERATION);
    jt_buf_u64(&m, row->mac_epoch);
    jt_buf_u64(&m, row->number);
    jt_buf_u8(&m, row->key_id);
    jt_buf_u8(&m, row->state);
    jt_buf_put(&m, row->check_value, sizeof row->check_value);
    return finish(root->state_mac, &m, out);
}

enum jt_err jt_rowmac_plan(const struct jt_root *root, const struct jt_generation_row *row,
                           const struct jt_generation_plan *plan,
                           uint8_t out[static JT_ROW_MAC_LEN])
{
    struct jt_buf m;
    jt_buf_init(&m, MESSAGE_MAX);
    jt_buf_u8(&m, DOMAIN_PLAN);
    jt_buf_u64(&m, row->number);
    jt_buf_u8(&m, row->key_id);
    jt_buf_put(&m, row->check_value, sizeof row->check_value);
    jt_buf_u64(&m, plan->adopt_at_us);
    jt_wire_text_encode(plan->holder_override, JT_PLAN_REASON_MAX, &m);
    return finish(root->state_mac, &m, out);
}

enum jt_err jt_rowmac_node(const struct jt_root *root, const struct jt_node_row *row,
                           uint8_t out[static JT_ROW_MAC_LEN])
{
    struct jt_buf m;
    jt_buf_init(&m, MESSAGE_MAX);
    jt_buf_u8(&m, DOMAIN_NODE);
    jt_buf_u64(&m, row->mac_epoch);
    jt_node_spec_encode(&row->spec, &m);
    jt_buf_put(&m, row->keeper, sizeof row->keeper);
    jt_buf_u64(&m, row->id_mark);
    return finish(root->state_mac, &m, out);
}

static enum jt_err state_mac(const struct jt_root *root, uint8_t domain, const uint8_t *body,
                             size_t body_len, uint8_t out[static JT_ROW_MAC_LEN])
{
    const struct jt_bytes parts[] = { { &domain, 1 }, { body, body_len } };
    return jt_cmac_compute(root->state_mac, parts, 2, out);
}

enum jt_err jt_rowmac_ring(const struct jt_root *root, const uint8_t *body, size_t body_len,
                           uint8_t out[static JT_ROW_MAC_LEN])
{
    return state_mac(root, DOMAIN_RING, body, body_len, out);
}

enum jt_err jt_rowmac_state(const struct jt_root *root, const uint8_t *body, size_t body_len,
                            uint8_t out[static JT_ROW_MAC_LEN])
{
    return state_mac(root, DOMAIN_STATE, body, body_len, out);
}

enum jt_err jt_rowmac_custodians(const struct jt_root *root, const uint8_t *body, size_t body_len,
                                 uint8_t out[static JT_ROW_MAC_LEN])
{
    return state_mac(root, DOMAIN_CUSTODIANS, body, body_len, out);
}

enum jt_err jt_rowmac_destruction(const struct jt_root *root, const uint8_t *body, size_t body_len,
                                  uint8_t out[static JT_ROW_MAC_LEN])
{
    return state_mac(root, DOMAIN_DESTRUCTION, body, body_len, out);
}

enum jt_err jt_rowmac_erased(const struct jt_root *root, const uint8_t *body, size_t body_len,
                             uint8_t out[static JT_ROW_MAC_LEN])
{
    return state_mac(root, DOMAIN_ERASED, body, body_len, out);
}

enum jt_err jt_rowmac_destructions(const struct jt_root *root, const uint8_t *body, size_t body_len,
                                   uint8_t out[static JT_ROW_MAC_LEN])
{
    return state_mac(root, DOMAIN_DESTRUCTIONS, body, body_len, out);
}

enum jt_err jt_rowmac_mark(const struct jt_root *root, const uint8_t *body, size_t body_len,
                           uint8_t out[static JT_ROW_MAC_LEN])
{
    return state_mac(root, DOMAIN_MARK, body, body_len, out);
}

enum jt_err jt_rowmac_backup(const struct jt_root *root, const uint8_t *body, size_t body_len,
                             uint8_t out[static JT_ROW_MAC_LEN])
{
    return state_mac(root, DOMAIN_BACKUP, body, body_len, out);
}

enum jt_err jt_rowmac_recovery(const struct jt_root *root, const uint8_t *body, size_t body_len,
                               uint8_t out[static JT_ROW_MAC_LEN])
{
    return state_mac(root, DOMAIN_RECOVERY, body, body_len, out);
}

enum jt_err jt_rowmac_recovery_word(const struct jt_root *root, const uint8_t *body,
                                    size_t body_len, uint8_t out[static JT_ROW_MAC_LEN])
{
    return state_mac(root, DOMAIN_RECOVERY_WORD, body, body_len, out);
}

enum jt_err jt_rowmac_keeper_view(const struct jt_root *root, const uint8_t *body, size_t body_len,
                                  uint8_t out[static JT_ROW_MAC_LEN])
{
    return state_mac(root, DOMAIN_KEEPER_VIEW, body, body_len, out);
}

enum jt_err jt_rowmac_column_count(const struct jt_root *root, const uint8_t *body, size_t body_len,
                                   uint8_t out[static JT_ROW_MAC_LEN])
{
    return state_mac(root, DOMAIN_COLUMN_COUNT, body, body_len, out);
}

enum jt_err jt_rowmac_writeoff(const struct jt_root *root, const uint8_t *body, size_t body_len,
                               uint8_t out[static JT_ROW_MAC_LEN])
{
    return state_mac(root, DOMAIN_WRITEOFF, body, body_len, out);
}

enum jt_err jt_rowmac_warrant(const struct jt_root *root, const uint8_t *body, size_t body_len,
                              uint8_t out[static JT_ROW_MAC_LEN])
{
    return state_mac(root, DOMAIN_WARRANT, body, body_len, out);
}

enum jt_err jt_rowmac_ack(const uint8_t generation_key[static JT_GENERATION_KEY_LEN],
                          const struct jt_genfile *meta, const struct jt_ack *ack,
                          uint8_t out[static JT_ROW_MAC_LEN])
{
    uint8_t ack_key[JT_CMAC_KEY_LEN];
    struct jt_cmac *cmac = NULL;
    enum jt_err err = jt_kdf_derive(generation_key, JT_KDF_ACK, NULL, 0, ack_key, sizeof ack_key);
    if (err == JT_OK) {
        err = jt_cmac_new(ack_key, &cmac);
    }
    jt_wipe(ack_key, sizeof ack_key);
    if (err != JT_OK) {
        return err;
    }
    struct jt_buf m;
    jt_buf_init(&m, MESSAGE_MAX);
    jt_buf_u8(&m, DOMAIN_ACK);
    jt_buf_u8(&m, meta->development ? JT_ENVIRONMENT_DEVELOPMENT : JT_ENVIRONMENT_PRODUCTION);
    jt_buf_u64(&m, meta->number);
    jt_buf_u8(&m, meta->key_id);
    jt_buf_put(&m, meta->check_value, sizeof meta->check_value);
    jt_wire_text_encode(ack->node, JT_NODE_NAME_MAX, &m);
    jt_buf_put(&m, ack->incarnation, sizeof ack->incarnation);
    jt_buf_put(&m, ack->challenge, sizeof ack->challenge);
    err = finish(cmac, &m, out);
    jt_cmac_free(cmac);
    return err;
}

enum jt_err jt_rowmac_generation_check(const struct jt_root *root,
                                       const struct jt_generation_row *row)
{
    uint8_t mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_rowmac_generation(root, row, mac);
    if (err == JT_OK && !jt_equal_ct(mac, row->mac, sizeof mac)) {
        err = JT_ERR_FORGED;
    }
    return err;
}

enum jt_err jt_rowmac_node_check(const struct jt_root *root, const struct jt_node_row *row)
{
    uint8_t mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_rowmac_node(root, row, mac);
    return err == JT_OK && !jt_equal_ct(mac, row->mac, sizeof mac) ? JT_ERR_FORGED : err;
}

enum jt_err jt_rowmac_client_check(const struct jt_root *root, const struct jt_client_row *row)
{
    uint8_t mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_rowmac_client(root, row, mac);
    return err == JT_OK && !jt_equal_ct(mac, row->mac, sizeof mac) ? JT_ERR_FORGED : err;
}

enum jt_err jt_rowmac_field_check(const struct jt_root *root, const struct jt_field_row *row)
{
    uint8_t mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_rowmac_field(root, row, mac);
    return err == JT_OK && !jt_equal_ct(mac, row->mac, sizeof mac) ? JT_ERR_FORGED : err;
}

enum jt_err jt_rowmac_set_member(const struct jt_root *root, uint8_t kind, const uint8_t *encoded,
                                 size_t len, uint8_t out[static JT_SET_DIGEST_LEN])
{
    const uint8_t head[2] = { DOMAIN_SET_MEMBER, kind };
    const struct jt_bytes parts[] = { { head, sizeof head }, { encoded, len } };
    return jt_cmac_compute(root->state_mac, parts, 2, out);
}

enum jt_err jt_rowmac_set_mask(const struct jt_root *root, uint8_t kind,
                               const uint8_t nonce[static JT_SET_NONCE_LEN],
                               uint8_t out[static JT_SET_DIGEST_LEN])
{
    const uint8_t head[2] = { DOMAIN_SET_MASK, kind };
    const struct jt_bytes parts[] = { { head, sizeof head }, { nonce, JT_SET_NONCE_LEN } };
    return jt_cmac_compute(root->state_mac, parts, 2, out);
}

enum jt_err jt_rowmac_set_row(const struct jt_root *root, const struct jt_set_row *row,
                              uint8_t out[static JT_ROW_MAC_LEN])
{
    struct jt_buf m;
    jt_buf_init(&m, MESSAGE_MAX);
    jt_buf_u8(&m, DOMAIN_SET_ROW);
    jt_set_row_body_encode(row, &m);
    return finish(root->state_mac, &m, out);
}

enum jt_err jt_rowmac_set_sum(const struct jt_root *root, const uint8_t *body, size_t body_len,
                              uint8_t out[static JT_ROW_MAC_LEN])
{
    return state_mac(root, DOMAIN_SET_SUM, body, body_len, out);
}

enum jt_err jt_rowmac_held(const struct jt_root *root, uint32_t field, const uint8_t *row_id,
                           size_t row_id_len, uint8_t out[static JT_HELD_TAG_LEN])
{
    uint8_t head[1 + 4] = { DOMAIN_HELD };
    uint8_t mac[JT_ROW_MAC_LEN];
    jt_put_u32(head + 1, field);
    const struct jt_bytes parts[] = { { head, sizeof head }, { row_id, row_id_len } };
    enum jt_err err = jt_cmac_compute(root->state_mac, parts, 2, mac);
    memcpy(out, mac, JT_HELD_TAG_LEN);
    return err;
}

static enum jt_err audit_mac(const struct jt_root *root, uint8_t domain, const uint8_t *body,
                             size_t body_len, uint8_t out[static JT_ROW_MAC_LEN])
{
    const struct jt_bytes parts[] = { { &domain, 1 }, { body, body_len } };
    return jt_cmac_compute(root->audit_mac, parts, 2, out);
}

enum jt_err jt_rowmac_audit_start(const struct jt_root *root, const uint8_t *body, size_t body_len,
                                  uint8_t out[static JT_ROW_MAC_LEN])
{
    return audit_mac(root, DOMAIN_AUDIT_START, body, body_len, out);
}

enum jt_err jt_rowmac_audit_close(const struct jt_root *root, const uint8_t *body, size_t body_len,
                                  uint8_t out[static JT_ROW_MAC_LEN])
{
    return audit_mac(root, DOMAIN_AUDIT_CLOSE, body, body_len, out);
}

enum jt_err jt_rowmac_audit_link(const struct jt_root *root, const struct jt_audit_link *link,
                                 uint8_t out[static JT_ROW_MAC_LEN])
{
    uint8_t message[1 + JT_AUDIT_LINK_LEN] = { DOMAIN_AUDIT_LINK };
    jt_audit_link_pack(link, message + 1);
    return jt_cmac_compute(root->audit_mac, &(struct jt_bytes){ message, sizeof message }, 1, out);
}

enum jt_err jt_rowmac_once(const struct jt_root *root, const uint8_t *digest,
                           uint8_t out[static JT_ROW_MAC_LEN])
{
    const uint8_t domain = DOMAIN_ONCE;
    const struct jt_bytes parts[] = { { &domain, 1 }, { digest, JT_ONCE_DIGEST_LEN } };
    return jt_cmac_compute(root->once_mac, parts, 2, out);
}
