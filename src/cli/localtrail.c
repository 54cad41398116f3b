/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/localtrail.h"

#include "base/clock.h"
#include "base/random.h"
#include "store/chain.h"
#include "store/starts.h"

/* Until a link stands, what was opened before it may have been rolled back: it is opened anew. */
static enum jt_err open_start(void *arg, struct jt_chain *chain)
{
    const struct jt_localtrail *trail = arg;
    if (chain->number > 0) {
        return JT_OK;
    }
    struct jt_audit_start start = { .at_us = jt_clock_wall_us() };
    jt_random_fill(&start.id, sizeof start.id);
    start.id = (start.id & INT32_MAX) | 1;
    enum jt_err err = jt_keyclient_wait_audit_start(trail->keeper, &start, start.mac);
    if (err == JT_OK) {
        jt_chain_begin(chain, start.id, 0, start.mac);
        err = jt_start_insert(trail->db, &start);
    }
    return err;
}

static enum jt_err sign_link(void *arg, const struct jt_audit_link *link,
                             uint8_t head[static JT_ROW_MAC_LEN])
{
    const struct jt_localtrail *trail = arg;
    return jt_keyclient_wait_audit_link(trail->keeper, link, head);
}

void jt_localtrail(struct jt_localtrail *trail)
{
    const struct jt_chain_owner owner = { open_start, sign_link, NULL, trail };
    jt_db_chain(trail->db, &owner);
}
