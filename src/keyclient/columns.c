/* SPDX-License-Identifier: Apache-2.0 */
#include "keyclient/columns.h"

enum jt_err jt_keyclient_wait_column_count(struct jt_keyclient *kc,
                                           const struct jt_column_counted *counted,
                                           struct jt_column_count *out)
{
    return jt_keyclient_call(kc, JT_VERB_COLUMN_COUNT, jt_column_counted_encode, counted,
                             jt_column_count_decode, out);
}

enum jt_err jt_keyclient_wait_column_check(struct jt_keyclient *kc,
                                           const struct jt_column_count *count)
{
    jt_column_count_encode(count, jt_keyclient_begin(kc, JT_VERB_COLUMN_CHECK));
    return jt_keyclient_answer_nothing(kc);
}
