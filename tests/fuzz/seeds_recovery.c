/* SPDX-License-Identifier: Apache-2.0 */
/* The part of seeds_wire.c that is about a database that went back. */
#include "seeds.h"

#include "wire/recovery.h"
#include "wire/ring.h"
#include "wire/verb.h"

#include <string.h>

#define REPLY 0x80

void seeds_of_recovery(const struct jt_ring_row *row, struct jt_buf *message, seeds_store_fn *store)
{
    static const struct jt_course course = { 7, 2, 99, { [1] = 5, [255] = 6 } };
    static struct jt_ring_shown ring;
    static struct jt_recovery_open open = { .node = "node1", .floor_ms = 9 };
    static struct jt_recovery_opened opened = { .plan = { .n = 1 } };
    static struct jt_recovery_show show;
    static struct jt_recovery_shown shown = { .n_approved = 2, .standing = JT_RECOVERY_DUE };
    static struct jt_recovery_accept accept;
    const struct jt_generation_row g = { 4, 7, JT_GENERATION_ACTIVE, { 4 }, 9, { 5 } };
    struct jt_keeper_view view = { .node = "node1", .epoch = 9, .key_ids = { 6 } };
    ring = (struct jt_ring_shown){ .row = *row, .has_course = true, .course = course };
    jt_ring_shown_encode(&ring, message);
    store(JT_VERB_RING_ACCEPT, 0);
    jt_keeper_view_ask_encode(&(struct jt_keeper_view_ask){ "node1" }, message);
    store(JT_VERB_KEEPER_VIEW, 0);
    jt_keeper_view_encode(&view, message);
    store(REPLY + JT_VERB_KEEPER_VIEW, 0);
    open.database.course = course;
    open.database.ring = *row;
    open.database.n_found = open.database.n_views = 1;
    open.database.found[0] = (struct jt_recovery_found){ g, 50 };
    open.database.views[0] = view;
    jt_recovery_open_encode(&open, message);
    store(JT_VERB_RECOVERY_OPEN, 0);
    memcpy(opened.request.node, "node1", 6);
    memcpy(opened.request.text, "act: recover\n", 14);
    opened.request.text_len = 13;
    opened.plan.all[0] = (struct jt_recovery_change){ .number = 4,
                                                      .key_id = 7,
                                                      .keeper_state = JT_GENERATION_RETIRED,
                                                      .after = JT_GENERATION_DRAINING,
                                                      .held = true,
                                                      .posts = true };
    jt_recovery_opened_encode(&opened, message);
    store(REPLY + JT_VERB_RECOVERY_OPEN, 0);
    show.request = opened.request;
    show.approvals.n = 1;
    memcpy(show.approvals.all[0].custodian, "alice", 6);
    show.database = open.database;
    jt_recovery_show_encode(&show, message);
    store(JT_VERB_RECOVERY_SHOW, 0);
    shown.ring = accept.ring = *row;
    shown.word.base = accept.word.base = course;
    shown.n = 1;
    shown.rows[0] = g;
    jt_recovery_shown_encode(&shown, message);
    store(REPLY + JT_VERB_RECOVERY_SHOW, 0);
    jt_recovery_accept_encode(&accept, message);
    store(JT_VERB_RECOVERY_ACCEPT, 0);
}
