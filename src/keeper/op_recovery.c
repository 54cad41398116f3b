/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KEEPER_VIEW, RECOVERY_OPEN, RECOVERY_SHOW and RECOVERY_ACCEPT. What decides is in
 * keeper/recovery.h.
 */
#include "keeper/op.h"

#include "keeper/recovery.h"

#include <stdlib.h>

enum jt_err jt_op_keeper_view(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_keeper_view_ask ask;
    struct jt_keeper_view view;
    enum jt_err err = jt_keeper_view_ask_decode(in, &ask);
    if (err == JT_OK && !jt_node_name_valid(ask.node)) {
        err = JT_ERR_INVALID;
    }
    if (err == JT_OK) {
        err = jt_recovery_view(k, ask.node, &view);
    }
    if (err == JT_OK) {
        jt_keeper_view_encode(&view, out);
    }
    return err;
}

enum jt_err jt_op_recovery_open(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_recovery_open *open = calloc(1, sizeof *open);
    struct jt_recovery_opened *opened = calloc(1, sizeof *opened);
    enum jt_err err =
        open == NULL || opened == NULL ? JT_ERR_NOMEM : jt_recovery_open_decode(in, open);
    if (err == JT_OK && !jt_node_name_valid(open->node)) {
        err = JT_ERR_INVALID;
    }
    if (err == JT_OK) {
        err = jt_recovery_open(k, open, opened);
    }
    if (err == JT_OK) {
        jt_recovery_opened_encode(opened, out);
    }
    free(open);
    free(opened);
    return err;
}

enum jt_err jt_op_recovery_show(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_recovery_show *show = calloc(1, sizeof *show);
    struct jt_recovery_shown *shown = calloc(1, sizeof *shown);
    enum jt_err err =
        show == NULL || shown == NULL ? JT_ERR_NOMEM : jt_recovery_show_decode(in, show);
    if (err == JT_OK) {
        err = jt_recovery_show(k, show, shown);
    }
    if (err == JT_OK) {
        jt_recovery_shown_encode(shown, out);
    }
    free(show);
    free(shown);
    return err;
}

enum jt_err jt_op_recovery_accept(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)out;
    struct jt_recovery_accept accept;
    enum jt_err err = jt_recovery_accept_decode(in, &accept);
    return err == JT_OK ? jt_recovery_accept(k, &accept) : err;
}
