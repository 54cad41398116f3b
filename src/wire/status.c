/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/status.h"

#include "wire/frame.h"
#include "wire/text.h"

enum {
    DEVELOPMENT = 1 << 0,
    LOCKED = 1 << 1,
    HAS_ROOT = 1 << 2,
    JOINED = 1 << 3,
    DIRECTORY_GOOD = 1 << 4,
    SEALED = 1 << 5
};

void jt_keeper_status_encode(const struct jt_keeper_status *status, struct jt_buf *out)
{
    jt_buf_put(out, status->incarnation, sizeof status->incarnation);
    jt_buf_u8(out,
              (uint8_t)((status->development ? DEVELOPMENT : 0) | (status->locked ? LOCKED : 0) |
                        (status->has_root ? HAS_ROOT : 0) | (status->joined ? JOINED : 0) |
                        (status->directory_good ? DIRECTORY_GOOD : 0) |
                        (status->sealed ? SEALED : 0)));
    jt_buf_u64(out, status->epoch);
    jt_buf_u64(out, status->highest_generation);
    jt_buf_u64(out, status->n_sealed);
    jt_buf_u64(out, status->n_opened);
    jt_buf_u64(out, status->n_resealed);
    jt_buf_u64(out, status->n_refused);
    jt_buf_u64(out, status->n_matched);
    jt_buf_u64(out, status->n_mismatched);
    jt_buf_u64(out, status->n_identified);
    jt_buf_u64(out, status->n_held_back);
    jt_buf_u64(out, status->opened_ever);
    jt_buf_u64(out, status->opened_today);
    jt_buf_u64(out, status->seals_generation);
    jt_buf_u64(out, status->seals);
    jt_buf_u8(out, status->node);
}

enum jt_err jt_keeper_status_decode(struct jt_reader *in, struct jt_keeper_status *status)
{
    *status = (struct jt_keeper_status){ 0 };
    jt_reader_copy(in, status->incarnation, sizeof status->incarnation);
    uint8_t flags = jt_wire_flags_decode(in, DEVELOPMENT | LOCKED | HAS_ROOT | JOINED |
                                                 DIRECTORY_GOOD | SEALED);
    status->development = (flags & DEVELOPMENT) != 0;
    status->locked = (flags & LOCKED) != 0;
    status->has_root = (flags & HAS_ROOT) != 0;
    status->joined = (flags & JOINED) != 0;
    status->sealed = (flags & SEALED) != 0;
    status->directory_good = (flags & DIRECTORY_GOOD) != 0;
    status->epoch = jt_reader_u64(in);
    status->highest_generation = jt_reader_u64(in);
    status->n_sealed = jt_reader_u64(in);
    status->n_opened = jt_reader_u64(in);
    status->n_resealed = jt_reader_u64(in);
    status->n_refused = jt_reader_u64(in);
    status->n_matched = jt_reader_u64(in);
    status->n_mismatched = jt_reader_u64(in);
    status->n_identified = jt_reader_u64(in);
    status->n_held_back = jt_reader_u64(in);
    status->opened_ever = jt_reader_u64(in);
    status->opened_today = jt_reader_u64(in);
    status->seals_generation = jt_reader_u64(in);
    status->seals = jt_reader_u64(in);
    status->node = jt_reader_u8(in);
    return jt_wire_end(in);
}
