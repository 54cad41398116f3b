/* SPDX-License-Identifier: Apache-2.0 */
#include "keyclient/recovery.h"

#include <stdio.h>

enum jt_err jt_keyclient_wait_keeper_view(struct jt_keyclient *kc, const char *node,
                                          struct jt_keeper_view *out)
{
    struct jt_keeper_view_ask ask;
    (void)snprintf(ask.node, sizeof ask.node, "%s", node);
    return jt_keyclient_call(kc, JT_VERB_KEEPER_VIEW, jt_keeper_view_ask_encode, &ask,
                             jt_keeper_view_decode, out);
}

enum jt_err jt_keyclient_wait_recovery_open(struct jt_keyclient *kc,
                                            const struct jt_recovery_open *open,
                                            struct jt_recovery_opened *out)
{
    return jt_keyclient_call(kc, JT_VERB_RECOVERY_OPEN, jt_recovery_open_encode, open,
                             jt_recovery_opened_decode, out);
}

enum jt_err jt_keyclient_wait_recovery_show(struct jt_keyclient *kc,
                                            const struct jt_recovery_show *show,
                                            struct jt_recovery_shown *out)
{
    return jt_keyclient_call(kc, JT_VERB_RECOVERY_SHOW, jt_recovery_show_encode, show,
                             jt_recovery_shown_decode, out);
}

enum jt_err jt_keyclient_wait_recovery_accept(struct jt_keyclient *kc,
                                              const struct jt_recovery_accept *accept)
{
    jt_recovery_accept_encode(accept, jt_keyclient_begin(kc, JT_VERB_RECOVERY_ACCEPT));
    return jt_keyclient_answer_nothing(kc);
}
