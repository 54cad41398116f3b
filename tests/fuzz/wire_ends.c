/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "wire_ends.h"

#include "wire/appcolumn.h"
#include "wire/custodian.h"
#include "wire/certificate.h"
#include "wire/destruction.h"
#include "wire/writeoff.h"

/* As in wire_nodes.c: what a decoder leaves is encoded again, whether it was taken or not. */
enum jt_err fuzz_ends_custodians_make(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_custodians_make m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_custodians_make_decode(in, &m);
    jt_custodians_make_encode(&m, out);
    return err;
}

enum jt_err fuzz_ends_custodian_row(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_custodian_row m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_custodian_row_decode(in, &m);
    jt_custodian_row_encode(&m, out);
    return err;
}

enum jt_err fuzz_ends_custodians_shown(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_custodians_shown m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_custodians_shown_decode(in, &m);
    jt_custodians_shown_encode(&m, out);
    return err;
}

enum jt_err fuzz_ends_destruction_request(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_destruction_request m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_destruction_request_decode(in, &m);
    jt_destruction_request_encode(&m, out);
    return err;
}

enum jt_err fuzz_ends_destruction_show(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_destruction_show m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_destruction_show_decode(in, &m);
    jt_destruction_show_encode(&m, out);
    return err;
}

enum jt_err fuzz_ends_destruction_shown(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_destruction_shown m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_destruction_shown_decode(in, &m);
    jt_destruction_shown_encode(&m, out);
    return err;
}

enum jt_err fuzz_ends_destruction_certify(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_destruction_certify m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_destruction_certify_decode(in, &m);
    jt_destruction_certify_encode(&m, out);
    return err;
}

enum jt_err fuzz_ends_destruction_open(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_destruction_open m;
    static struct jt_destruction_held held[JT_DESTRUCTION_HELD_MAX];
    memset(held, 0, sizeof held);
    enum jt_err err = jt_destruction_open_decode(in, held, &m);
    jt_destruction_open_encode(&m, out);
    return err;
}

enum jt_err fuzz_ends_certify(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_certify m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_certify_decode(in, &m);
    jt_certify_encode(&m, out);
    return err;
}

enum jt_err fuzz_ends_writeoff_opened(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_writeoff_opened m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_writeoff_opened_decode(in, &m);
    jt_writeoff_opened_encode(&m, out);
    return err;
}

enum jt_err fuzz_ends_writeoff_show(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_writeoff_show m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_writeoff_show_decode(in, &m);
    jt_writeoff_show_encode(&m, out);
    return err;
}

enum jt_err fuzz_ends_writeoff_shown(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_writeoff_shown m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_writeoff_shown_decode(in, &m);
    jt_writeoff_shown_encode(&m, out);
    return err;
}

enum jt_err fuzz_ends_writeoff_open(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_writeoff_open m;
    static struct jt_writeoff_item items[JT_WRITEOFF_CARDS_MAX];
    enum jt_err err = jt_writeoff_open_decode(in, items, &m);
    m.n = err == JT_OK ? m.n : 0;
    jt_writeoff_open_encode(&m, out);
    return err;
}

enum jt_err fuzz_ends_column_counted(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_column_counted m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_column_counted_decode(in, &m);
    jt_column_counted_encode(&m, out);
    return err;
}

enum jt_err fuzz_ends_column_count(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_column_count m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_column_count_decode(in, &m);
    jt_column_count_encode(&m, out);
    return err;
}
