/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "wire_recovery.h"

#include "wire/recovery.h"
#include "wire/ring.h"

/* As in wire_nodes.c: what a decoder leaves is encoded again, whether it was taken or not. */
enum jt_err fuzz_recovery_ring_shown(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_ring_shown m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_ring_shown_decode(in, &m);
    jt_ring_shown_encode(&m, out);
    return err;
}

enum jt_err fuzz_recovery_view_ask(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_keeper_view_ask m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_keeper_view_ask_decode(in, &m);
    jt_keeper_view_ask_encode(&m, out);
    return err;
}

enum jt_err fuzz_recovery_view(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_keeper_view m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_keeper_view_decode(in, &m);
    jt_keeper_view_encode(&m, out);
    return err;
}

enum jt_err fuzz_recovery_open(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_recovery_open m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_recovery_open_decode(in, &m);
    jt_recovery_open_encode(&m, out);
    return err;
}

enum jt_err fuzz_recovery_opened(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_recovery_opened m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_recovery_opened_decode(in, &m);
    jt_recovery_opened_encode(&m, out);
    return err;
}

enum jt_err fuzz_recovery_show(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_recovery_show m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_recovery_show_decode(in, &m);
    jt_recovery_show_encode(&m, out);
    return err;
}

enum jt_err fuzz_recovery_shown(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_recovery_shown m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_recovery_shown_decode(in, &m);
    jt_recovery_shown_encode(&m, out);
    return err;
}

enum jt_err fuzz_recovery_accept(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_recovery_accept m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_recovery_accept_decode(in, &m);
    jt_recovery_accept_encode(&m, out);
    return err;
}
