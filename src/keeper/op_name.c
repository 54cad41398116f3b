/* SPDX-License-Identifier: Apache-2.0 */
/* NAME: ids of rows to their tokens. */
#include "keeper/op.h"

#include "keeper/walk.h"
#include "wire/name.h"

static void refuse(struct jt_keeper *k, void *arg, size_t at, enum jt_err err)
{
    (void)arg;
    k->batch->results.name[at] = (struct jt_name_result){ .err = err };
    k->n_refused++;
}

static enum jt_err sort_item(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group)
{
    (void)arg;
    const struct jt_name_item *item = &k->batch->items.name[at];
    const struct jt_named_field *field = jt_fieldtable_find(&k->fields, item->field);
    *group = (struct jt_group){ .field = item->field };
    bool has = field != NULL && !field->numeric && item->id >= 1 && item->id <= INT64_MAX;
    return has ? JT_OK : JT_ERR_NO_TOKEN;
}

static enum jt_err name_group(struct jt_keeper *k, void *arg, const struct jt_group *group,
                              size_t n)
{
    (void)arg;
    struct jt_batch *b = k->batch;
    for (size_t i = 0; i < n; i++) {
        jt_batch_set_id(b, b->cards[i].at, b->items.name[b->cards[i].at].id);
    }
    struct jt_tokenkey *tk;
    enum jt_err err = jt_root_tokenkey(k->root, group->field, &tk);
    if (err == JT_OK) {
        err = jt_batch_token(b, tk, n);
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        size_t at = b->cards[i].at;
        b->results.name[at] = (struct jt_name_result){ .err = JT_OK, .token = b->tokens[at] };
    }
    return err;
}

enum jt_err jt_op_name(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    static const struct jt_walk walk = { .sort = sort_item, .work = name_group, .refuse = refuse };
    struct jt_batch *b = k->batch;
    struct jt_name_reply reply = { .results = b->results.name };
    enum jt_err err = jt_name_request_decode(in, b->items.name, &reply.n);
    if (err == JT_OK) {
        err = jt_walk(k, &walk, reply.n);
    }
    if (err == JT_OK) {
        jt_name_reply_encode(&reply, out);
    }
    return err;
}
