/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/state.h"

#include "base/secmem.h"
#include "keeper/keydir.h"
#include "keeper/rowmac.h"

#include <string.h>

#define STATE_FORMAT   8
#define WITHOUT_FORKED 7
#define WITHOUT_COURSE 6
#define WITHOUT_MARKS  5 /* of nodes */
#define WITHOUT_SEALED 4 /* and without the mark of numeric tokens */
#define WITHOUT_OPENED 3 /* and without both */
#define STATE_FILE_MAX                                                                          \
    (8 + 4 + 8 + 8 + 8 + 2 * (8 + JT_ROW_MAC_LEN) + 8 + 20 + 16 + 20 + 2 * (1 + 255 * 9) + 20 + \
     2 + JT_RING_BODY_MAX + 2 * JT_ROW_MAC_LEN)

static const char magic[8] = { 'J', 'T', 'K', 'S', 'T', 'A', 'T', 'E' };

void jt_state_marks_encode(const struct jt_keeper_state *state, struct jt_buf *out)
{
    jt_by_number_encode(state->node_marks, out);
}

void jt_state_marks_decode(struct jt_reader *in, struct jt_keeper_state *state)
{
    jt_by_number_decode(in, state->node_marks);
}

enum jt_err jt_state_save(int dir_fd, const struct jt_root *root,
                          const struct jt_keeper_state *state)
{
    struct jt_buf file;
    jt_buf_init(&file, STATE_FILE_MAX);
    jt_buf_put(&file, magic, sizeof magic);
    jt_buf_u8(&file, STATE_FORMAT);
    jt_buf_u8(&file, state->development ? JT_ENVIRONMENT_DEVELOPMENT : JT_ENVIRONMENT_PRODUCTION);
    jt_buf_u8(&file, state->node);
    jt_buf_u8(&file, state->forked ? 1 : 0);
    jt_buf_u64(&file, state->highest_epoch);
    jt_buf_u64(&file, state->highest_generation);
    jt_buf_u64(&file, state->id_mark);
    for (size_t i = 0; i < 2; i++) {
        jt_buf_u64(&file, state->seen[i].version);
        jt_buf_put(&file, state->seen[i].mac, sizeof state->seen[i].mac);
    }
    jt_buf_u64(&file, state->operators_revoked);
    jt_buf_u64(&file, state->opened.ever);
    jt_buf_u32(&file, state->opened.day);
    jt_buf_u64(&file, state->opened.today);
    jt_buf_u64(&file, state->sealed.generation);
    jt_buf_u64(&file, state->sealed.n);
    jt_buf_u64(&file, state->numeric.mark);
    jt_buf_u64(&file, state->numeric.system_identifier);
    jt_buf_u32(&file, state->numeric.timeline);
    jt_state_marks_encode(state, &file);
    jt_course_encode(&state->course, &file);
    jt_buf_u16(&file, (uint16_t)state->ring.body_len);
    jt_buf_put(&file, state->ring.body, state->ring.body_len);
    jt_buf_put(&file, state->ring.mac, sizeof state->ring.mac);
    uint8_t mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_buf_status(&file);
    if (err == JT_OK) {
        err = jt_rowmac_state(root, file.data, file.len, mac);
    }
    if (err == JT_OK) {
        jt_buf_put(&file, mac, sizeof mac);
        err = jt_buf_status(&file);
    }
    if (err == JT_OK) {
        err = jt_keydir_replace(dir_fd, JT_KEYDIR_STATE, file.data, file.len);
    }
    jt_buf_clear(&file);
    return err;
}

enum jt_err jt_state_ring_authentic(const struct jt_root *root, bool development,
                                    const struct jt_ring_row *row, struct jt_ring *ring)
{
    *ring = (struct jt_ring){ 0 };
    uint8_t mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_rowmac_ring(root, row->body, row->body_len, mac);
    if (err != JT_OK) {
        return err;
    }
    if (!jt_equal_ct(mac, row->mac, sizeof mac) ||
        jt_ring_decode(row->body, row->body_len, ring) != JT_OK || ring->epoch != row->epoch ||
        ring->development != development) {
        *ring = (struct jt_ring){ 0 };
        return JT_ERR_FORGED;
    }
    return JT_OK;
}

/* The MAC is checked before anything else is believed. */
static enum jt_err check_mac(const struct jt_root *root, const struct jt_buf *file)
{
    if (file->len < JT_ROW_MAC_LEN) {
        return JT_ERR_FILE_ALTERED;
    }
    uint8_t mac[JT_ROW_MAC_LEN];
    size_t body_len = file->len - JT_ROW_MAC_LEN;
    enum jt_err err = jt_rowmac_state(root, file->data, body_len, mac);
    if (err == JT_OK && !jt_equal_ct(mac, file->data + body_len, sizeof mac)) {
        err = JT_ERR_FILE_ALTERED;
    }
    return err;
}

static enum jt_err decode(const struct jt_buf *file, const struct jt_root *root, bool development,
                          struct jt_keeper_state *state, struct jt_ring *ring)
{
    struct jt_reader in = jt_reader_init(file->data, file->len - JT_ROW_MAC_LEN);
    const uint8_t *m = jt_reader_bytes(&in, sizeof magic);
    uint8_t format = jt_reader_u8(&in);
    uint8_t environment = jt_reader_u8(&in);
    state->node = jt_reader_u8(&in);
    uint8_t forked = jt_reader_u8(&in);
    state->forked = forked == 1;
    state->development = environment == JT_ENVIRONMENT_DEVELOPMENT;
    state->highest_epoch = jt_reader_u64(&in);
    state->highest_generation = jt_reader_u64(&in);
    state->id_mark = jt_reader_u64(&in);
    for (size_t i = 0; i < 2; i++) {
        state->seen[i].version = jt_reader_u64(&in);
        jt_reader_copy(&in, state->seen[i].mac, sizeof state->seen[i].mac);
    }
    state->operators_revoked = jt_reader_u64(&in);
    if (format != WITHOUT_OPENED) {
        state->opened.ever = jt_reader_u64(&in);
        state->opened.day = jt_reader_u32(&in);
        state->opened.today = jt_reader_u64(&in);
    }
    if (format != WITHOUT_OPENED && format != WITHOUT_SEALED) {
        state->sealed.generation = jt_reader_u64(&in);
        state->sealed.n = jt_reader_u64(&in);
        state->numeric.mark = jt_reader_u64(&in);
        state->numeric.system_identifier = jt_reader_u64(&in);
        state->numeric.timeline = jt_reader_u32(&in);
    }
    if (format > WITHOUT_MARKS) {
        jt_state_marks_decode(&in, state);
    }
    if (format > WITHOUT_COURSE && jt_course_decode(&in, &state->course) != JT_OK) {
        return JT_ERR_FILE_ALTERED;
    }
    size_t body_len = jt_reader_u16(&in);
    const uint8_t *body = jt_reader_bytes(&in, body_len);
    jt_reader_copy(&in, state->ring.mac, sizeof state->ring.mac);
    if (!jt_reader_done(&in) || memcmp(m, magic, sizeof magic) != 0 || format < WITHOUT_OPENED ||
        format > STATE_FORMAT || forked > (format > WITHOUT_FORKED ? 1 : 0) ||
        body_len > JT_RING_BODY_MAX ||
        (!state->development && environment != JT_ENVIRONMENT_PRODUCTION)) {
        return JT_ERR_FILE_ALTERED;
    }
    if (state->development != development) {
        return JT_ERR_FILE_FOREIGN;
    }
    if (body_len == 0) {
        return JT_OK;
    }
    memcpy(state->ring.body, body, body_len);
    state->ring.body_len = body_len;
    if (jt_ring_decode(body, body_len, ring) != JT_OK) {
        return JT_ERR_FILE_ALTERED;
    }
    state->ring.epoch = ring->epoch;
    enum jt_err err = jt_state_ring_authentic(root, development, &state->ring, ring);
    return err == JT_ERR_FORGED || ring->epoch > state->highest_epoch ? JT_ERR_FILE_ALTERED : err;
}

enum jt_err jt_state_load(int dir_fd, const struct jt_root *root, bool development,
                          struct jt_keeper_state *state, struct jt_ring *ring,
                          struct jt_fault *fault)
{
    *state = (struct jt_keeper_state){ 0 };
    *ring = (struct jt_ring){ 0 };
    struct jt_buf file;
    enum jt_err err = jt_keydir_read(dir_fd, JT_KEYDIR_STATE, STATE_FILE_MAX, &file, fault);
    if (err == JT_OK) {
        err = check_mac(root, &file);
    }
    if (err == JT_OK) {
        err = decode(&file, root, development, state, ring);
    }
    if (err != JT_OK) {
        jt_fault_set(fault, err, "%s%s", JT_KEYDIR_STATE,
                     err == JT_ERR_FILE_ALTERED ? ": or it belongs to another service root" : "");
        *state = (struct jt_keeper_state){ 0 };
        *ring = (struct jt_ring){ 0 };
    }
    jt_buf_clear(&file);
    return err;
}
