/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "wire_nodes.h"

#include "wire/backup.h"
#include "wire/escrow.h"
#include "wire/generation.h"
#include "wire/node.h"
#include "wire/parcel.h"
#include "wire/verdicts.h"

/*
 * What a message holds is encoded again whether it was taken or not: only fuzz_wire asks which, and
 * an encoder must stand anything that a decoder leaves.
 */
enum jt_err fuzz_nodes_challenge_request(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_generation_row m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_ack_challenge_request_decode(in, &m);
    jt_ack_challenge_request_encode(&m, out);
    return err;
}

enum jt_err fuzz_nodes_challenge(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_ack_challenge m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_ack_challenge_decode(in, &m);
    jt_ack_challenge_encode(&m, out);
    return err;
}

enum jt_err fuzz_nodes_spec(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_node_spec m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_node_spec_decode(in, &m);
    jt_node_spec_encode(&m, out);
    return err;
}

enum jt_err fuzz_nodes_row(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_node_row m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_node_row_decode(in, &m);
    jt_node_row_encode(&m, out);
    return err;
}

enum jt_err fuzz_nodes_ask(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_parcel_ask m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_parcel_ask_decode(in, &m);
    jt_parcel_ask_encode(&m, out);
    return err;
}

enum jt_err fuzz_nodes_request(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_parcel_request m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_parcel_request_decode(in, &m);
    jt_parcel_request_encode(&m, out);
    return err;
}

enum jt_err fuzz_nodes_order(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_parcel_order m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_parcel_order_decode(in, &m);
    jt_parcel_order_encode(&m, out);
    return err;
}

enum jt_err fuzz_nodes_parcel(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_parcel m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_parcel_decode(in, &m);
    jt_parcel_encode(&m, out);
    return err;
}

enum jt_err fuzz_nodes_delivery(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_parcel_delivery m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_parcel_delivery_decode(in, &m);
    jt_parcel_delivery_encode(&m, out);
    return err;
}

enum jt_err fuzz_nodes_escrow_file(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_escrow_file m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_escrow_file_decode(in, &m);
    jt_escrow_file_encode(&m, out);
    return err;
}

enum jt_err fuzz_nodes_escrow_report(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_escrow_report m;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_escrow_report_decode(in, &m);
    jt_escrow_report_encode(&m, out);
    return err;
}

/* With its body, where it has one: what was read of it encodes to the same bytes. */
enum jt_err fuzz_nodes_receipt(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_backup_receipt m;
    static struct jt_backup backup;
    memset(&m, 0, sizeof m);
    enum jt_err err = jt_backup_receipt_decode(in, &m);
    jt_backup_receipt_encode(&m, out);
    if (err == JT_OK && jt_backup_receipt_read(&m, &backup) == JT_OK) {
        struct jt_buf again;
        jt_buf_init(&again, sizeof m.body);
        jt_backup_body_encode(&backup, &again);
        MUST(jt_buf_status(&again) == JT_OK && again.len == m.body_len &&
             memcmp(again.data, m.body, again.len) == 0);
        jt_buf_clear(&again);
    }
    return err;
}

enum jt_err fuzz_nodes_held(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_generation_row rows[JT_WIRE_MAX_VERDICTS];
    enum jt_err err = jt_generation_held_decode(in, rows, &n);
    MUST(err == JT_OK || n == 0);
    jt_generation_held_encode(rows, n, out);
    return err;
}

enum jt_err fuzz_nodes_marks(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_node_row rows[JT_WIRE_MAX_VERDICTS];
    enum jt_err err = jt_node_marks_decode(in, rows, &n);
    MUST(err == JT_OK || n == 0);
    jt_node_marks_encode(rows, n, out);
    return err;
}

enum jt_err fuzz_nodes_verdicts(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    enum jt_err verdicts[MAX_ANSWER + 1] = { JT_OK };
    enum jt_err err = jt_verdicts_decode(in, n, verdicts);
    jt_verdicts_encode(verdicts, n, out);
    return err;
}
