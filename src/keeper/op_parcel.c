/* SPDX-License-Identifier: Apache-2.0 */
/* PARCEL_ASK, PARCEL_ANSWER and PARCEL_ACCEPT. */
#include "keeper/op.h"

#include "wire/parcel.h"

enum jt_err jt_op_parcel_ask(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)k;
    (void)out;
    struct jt_parcel_ask ask;
    enum jt_err err = jt_parcel_ask_decode(in, &ask);
    return err == JT_OK ? JT_ERR_NOT_OFFERED : err;
}

enum jt_err jt_op_parcel_answer(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)k;
    (void)out;
    struct jt_parcel_order order;
    enum jt_err err = jt_parcel_order_decode(in, &order);
    return err == JT_OK ? JT_ERR_NOT_OFFERED : err;
}

enum jt_err jt_op_parcel_accept(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)k;
    (void)out;
    struct jt_parcel_delivery delivery;
    enum jt_err err = jt_parcel_delivery_decode(in, &delivery);
    return err == JT_OK ? JT_ERR_NOT_OFFERED : err;
}
