/* SPDX-License-Identifier: Apache-2.0 */
#include "destroying.h"

#include "keeper/keydir.h"
#include "signers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

struct jt_destruction_show destroying_shown;
struct jt_destruction_shown destroying_seen;

void destroying_certify(struct inside *in, uint64_t number, struct jt_certificate *out)
{
    static struct jt_certify request;
    struct jt_retirement_facts facts = { .generation = number,
                                         .epoch = in->k->ring.epoch,
                                         .system_identifier = DESTROYING_SYSTEM,
                                         .timeline = DESTROYING_TIMELINE,
                                         .started_at = "then",
                                         .retired_at = "now",
                                         .node = "node1",
                                         .actor = "operator" };
    struct jt_reader reply;
    request = (struct jt_certify){ .facts = facts };
    jt_certify_encode(&request, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_CERTIFY, &reply), JT_OK);
    assert_int_equal(jt_certificate_decode(&reply, out), JT_OK);
}

enum jt_err destroying_open_with(struct inside *in, const struct jt_destruction_open *open)
{
    struct jt_reader reply;
    jt_destruction_open_encode(open, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_DESTRUCTION_OPEN, &reply);
    memset(&destroying_shown, 0, sizeof destroying_shown);
    (void)snprintf(destroying_shown.node, sizeof destroying_shown.node, "node1");
    return err == JT_OK ? jt_destruction_request_decode(&reply, &destroying_shown.request) : err;
}

struct jt_destruction_open destroying_open_of(struct inside *in, uint64_t number)
{
    struct jt_destruction_open open = { .generation = inside_row(in, number),
                                        .system_identifier = DESTROYING_SYSTEM,
                                        .timeline = DESTROYING_TIMELINE };
    destroying_certify(in, number, &open.certificate);
    return open;
}

void destroying_approve(size_t who)
{
    destroying_shown.approvals.all[destroying_shown.approvals.n++] =
        signers_sign(who, destroying_shown.request.text, destroying_shown.request.text_len);
}

enum jt_err destroying_show(struct inside *in)
{
    struct jt_reader reply;
    jt_destruction_show_encode(&destroying_shown, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_DESTRUCTION_SHOW, &reply);
    return err == JT_OK ? jt_destruction_shown_decode(&reply, &destroying_seen) : err;
}

uint8_t destroying_view(struct inside *in)
{
    assert_int_equal(destroying_show(in), JT_OK);
    return destroying_seen.view;
}

uint64_t destroying_retired(struct inside *in)
{
    uint64_t number = jt_ring_active(&in->k->ring)->number;
    (void)inside_roll(in);
    inside_retire(in, number);
    return number;
}

enum jt_err destroying_leave(struct inside *in, uint64_t number, uint64_t system, uint32_t timeline)
{
    const struct jt_ring_propose propose = { .current = in->ring,
                                             .generation = inside_row(in, number),
                                             .step = JT_RING_DESTROY,
                                             .system_identifier = system,
                                             .timeline = timeline };
    struct jt_ring_proposal proposal;
    struct jt_reader reply;
    jt_ring_propose_encode(&propose, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_RING_PROPOSE, &reply);
    if (err == JT_OK) {
        assert_int_equal(jt_ring_proposal_decode(&reply, &proposal), JT_OK);
        assert_int_equal(proposal.n_rows, 1);
        assert_int_equal(proposal.rows[0].state, JT_GENERATION_DESTROYED);
        assert_int_equal(jt_rowmac_generation_check(in->k->root, &proposal.rows[0]), JT_OK);
        assert_int_equal(inside_accept(in, &proposal.next), JT_OK);
    }
    return err;
}

bool destroying_has_file(const struct inside *in, uint64_t number)
{
    char key[JT_KEYDIR_NAME_LEN], mark[JT_KEYDIR_NAME_LEN];
    jt_keydir_generation_name(number, key);
    jt_keydir_mark_name(number, mark);
    bool there = faccessat(in->k->dir_fd, key, F_OK, 0) == 0;
    assert_int_equal(faccessat(in->k->dir_fd, mark, F_OK, 0) == 0, there);
    return there;
}

uint64_t destroying_approved(struct inside *in)
{
    (void)signers_enroll(in);
    uint64_t number = destroying_retired(in);
    const struct jt_destruction_open open = destroying_open_of(in, number);
    assert_int_equal(destroying_open_with(in, &open), JT_OK);
    destroying_approve(0);
    destroying_approve(1);
    return number;
}
