/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NUMERIC_MARK: whether numeric tokens may be made. The mark is written to the state file before
 * any is made under it. The first database that a keeper is shown is taken as it is: no token that
 * this keeper made can be missing in it.
 */
#include "keeper/op.h"

#include "base/log.h"
#include "wire/numeric.h"

static bool first(const struct jt_numeric_mark *seen)
{
    return seen->system_identifier == 0;
}

static bool same_history(const struct jt_numeric_mark *a, const struct jt_numeric_mark *b)
{
    return a->system_identifier == b->system_identifier && a->timeline == b->timeline;
}

static enum jt_err remember(struct jt_keeper *k, const struct jt_numeric_mark *now)
{
    if (same_history(&k->state.numeric, now) && k->state.numeric.mark == now->mark) {
        return JT_OK;
    }
    struct jt_keeper_state next = k->state;
    next.numeric = *now;
    return jt_keeper_save(k, &next);
}

enum jt_err jt_op_numeric_mark(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_numeric_show show;
    enum jt_err err = jt_numeric_show_decode(in, &show);
    if (err != JT_OK) {
        return err;
    }
    if (show.now.system_identifier == 0 || show.now.timeline == 0) {
        return JT_ERR_INVALID;
    }
    const struct jt_numeric_mark *seen = &k->state.numeric;
    bool good = first(seen) || (same_history(seen, &show.now) && show.now.mark >= seen->mark) ||
                show.accept;
    bool was_open = k->numeric_open;
    k->numeric_open = false;
    if (good) {
        err = remember(k, &show.now);
        k->numeric_open = err == JT_OK;
    }
    if (was_open && err == JT_OK && !k->numeric_open) {
        jt_log(JT_LOG_ERROR, "alarm: the database went back: no numeric tokens are made");
    }
    if (err == JT_OK) {
        const struct jt_numeric_shown shown = { .open = k->numeric_open, .seen = k->state.numeric };
        jt_numeric_shown_encode(&shown, out);
    }
    return err;
}
