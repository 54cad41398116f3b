/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/client_change.h"

#include "base/hex.h"
#include "base/secmem.h"
#include "store/clients.h"
#include "vault/registry.h"
#include "vault/sets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TRIES 5
/* Of an audit row's object: a client, a colon, and what it may or why. */
#define OBJECT_MAX 4096

/* Whether a change may have been made that ended so. */
static bool may_stand(enum jt_err err)
{
    return err == JT_OK || err == JT_ERR_IN_DOUBT || jt_err_class(err) == JT_CLASS_REPEAT;
}

/*
 * What a change came to, once the database has been read back: only then does the keeper count it
 * as seen, and only then is it answered. A commit whose answer was lost is found out about in the
 * same way.
 */
static enum jt_err settle(struct jt_work_ctx *ctx, enum jt_err err, const struct jt_client_row *row)
{
    if (!may_stand(err)) {
        return err;
    }
    if (jt_sets_refresh(ctx, JT_SET_CLIENTS, false) != JT_OK) {
        return err == JT_OK ? JT_ERR_SETS_UNVERIFIED : err;
    }
    return jt_sets_client_stands(&ctx->vault->sets, row) ? JT_OK
           : err == JT_OK                                ? JT_ERR_SET_OLD
                                                         : err;
}

/* --- orders --- */

static int by_field(const void *a, const void *b)
{
    uint32_t x = ((const struct jt_grant *)a)->field;
    uint32_t y = ((const struct jt_grant *)b)->field;
    return (x > y) - (x < y);
}

/* Fields by number in place of their names. */
static enum jt_err order_may(struct jt_work_ctx *ctx, const struct jt_may *may,
                             struct jt_client_order *order)
{
    order->permissions = may->everywhere;
    order->terms.n_grants = may->n_fields;
    memset(order->terms.grants, 0, sizeof order->terms.grants);
    for (size_t i = 0; i < may->n_fields; i++) {
        struct jt_field_spec field;
        enum jt_err err = jt_registry_get_field(ctx, may->fields[i].field, &field);
        if (err != JT_OK) {
            return err;
        }
        order->terms.grants[i] =
            (struct jt_grant){ .field = field.id, .permissions = may->fields[i].permissions };
    }
    qsort(order->terms.grants, order->terms.n_grants, sizeof order->terms.grants[0], by_field);
    return JT_OK;
}

static void order_bounds(const struct jt_client_bounds *bounds, struct jt_client_order *order)
{
    if (bounds->has_expiry) {
        order->terms.expires_s = bounds->expires_s;
    }
    if (bounds->has_networks) {
        order->terms.n_networks = bounds->n_networks;
        memcpy(order->terms.networks, bounds->networks, sizeof order->terms.networks);
    }
    if (bounds->has_certs) {
        order->terms.n_certs = bounds->n_certs;
        memcpy(order->terms.certs, bounds->certs, sizeof order->terms.certs);
    }
    if (bounds->has_budgets) {
        order->terms.n_budgets = bounds->n_budgets;
        memcpy(order->terms.budgets, bounds->budgets, sizeof order->terms.budgets);
    }
}

/* --- what is recorded --- */

static void tell_permission(void *arg, const char *text)
{
    static const char cut[] = " ...";
    char *object = arg;
    size_t len = strlen(object);
    bool fits = len + 1 + strlen(text) + sizeof cut <= OBJECT_MAX;
    if (fits) {
        (void)snprintf(object + len, OBJECT_MAX - len, " %s", text);
    } else if (len + sizeof cut <= OBJECT_MAX && strcmp(object + len + 1 - sizeof cut, cut) != 0) {
        memcpy(object + len, cut, sizeof cut);
    }
}

/* "shop: tokenize lookup:pan": a client, and what it may from here on. */
static void tell_grants(const char *id, const struct jt_may *may, char object[static OBJECT_MAX])
{
    (void)snprintf(object, OBJECT_MAX, "%s:", id);
    jt_may_each(may, tell_permission, object);
}

/* And, where they are set, the certificates: " certificate=HEX", or none. */
static void tell_certs(const struct jt_client_bounds *bounds, char object[static OBJECT_MAX])
{
    static const char name[] = "certificate=";
    char text[sizeof name + JT_CERT_DIGEST_LEN * 2];
    memcpy(text, name, sizeof name);
    for (size_t i = 0; bounds->has_certs && i < bounds->n_certs; i++) {
        jt_hex_encode(bounds->certs[i], JT_CERT_DIGEST_LEN, text + sizeof name - 1);
        tell_permission(object, text);
    }
    if (bounds->has_certs && bounds->n_certs == 0) {
        tell_permission(object, "certificate=none");
    }
}

/* And, where they are set, the budgets: " budget=detokenize:200/s:100000/day", or none. */
static void tell_budgets(const struct jt_client_bounds *bounds, char object[static OBJECT_MAX])
{
    for (size_t i = 0; bounds->has_budgets && i < bounds->n_budgets; i++) {
        const struct jt_budget *b = &bounds->budgets[i];
        char text[80], rate[16] = "", quota[20] = "";
        if (b->rate != 0) {
            (void)snprintf(rate, sizeof rate, ":%" PRIu32 "/s", b->rate);
        }
        if (b->quota != 0) {
            (void)snprintf(quota, sizeof quota, ":%" PRIu32 "/day", b->quota);
        }
        (void)snprintf(text, sizeof text, "budget=%s%s%s",
                       jt_permission_name(UINT32_C(1) << b->operation), rate, quota);
        tell_permission(object, text);
    }
    if (bounds->has_budgets && bounds->n_budgets == 0) {
        tell_permission(object, "budget=none");
    }
}

/* --- adding --- */

static enum jt_err make(struct jt_work_ctx *ctx, const char *id,
                        const struct jt_client_order *order, struct jt_client_change *out)
{
    struct jt_client_row taken;
    struct jt_set_row set;
    enum jt_err err =
        jt_name_is_cardlike(id) ? JT_ERR_CARDLIKE : jt_sets_row(ctx, JT_SET_CLIENTS, &set, NULL);
    if (err == JT_OK) {
        err = jt_sets_client(ctx, id, &taken);
        /* a removed name stays taken */
        err = err == JT_OK ? JT_ERR_CLIENT_EXISTS : err == JT_ERR_NO_CLIENT ? JT_OK : err;
    }
    return err == JT_OK ? jt_keyclient_wait_client_make(ctx->keeper, id, order, &set, out) : err;
}

enum jt_err jt_client_add(struct jt_work_ctx *ctx, const char *id, const struct jt_may *may,
                          const struct jt_client_bounds *bounds, const char *actor,
                          struct jt_credential *out)
{
    struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    struct jt_client_order order = { .fresh = true };
    struct jt_client_change change;
    char object[OBJECT_MAX];
    tell_grants(id, may, object);
    tell_certs(bounds, object);
    tell_budgets(bounds, object);
    jt_credential_new(id, out);
    memcpy(order.secret, out->secret, sizeof order.secret);
    order_bounds(bounds, &order);
    enum jt_err err = JT_ERR_SET_OLD;
    for (int i = 0; i < TRIES && err == JT_ERR_SET_OLD; i++) {
        err = order_may(ctx, may, &order);
        if (err == JT_OK) {
            err = make(ctx, id, &order, &change);
        }
        if (err == JT_OK) {
            err = settle(ctx, jt_client_insert(ctx->db, &change, &act, object), &change.row);
        }
    }
    jt_wipe(&order, sizeof order);
    if (err != JT_OK) {
        jt_wipe(out, sizeof *out);
    }
    return err;
}

/* --- changing --- */

/* A change under way, and how it is told. */
struct editing {
    struct jt_client_edit edit;
    enum jt_audit_action action;
    char object[OBJECT_MAX];
    bool nothing; /* it stands so already */
    const void *arg;
};

/* Fills in what shall be different from the row as it is. */
typedef enum jt_err edit_fn(struct jt_work_ctx *ctx, struct editing *e);

/* Whether nobody could do any longer what this client alone may. */
static enum jt_err check_last(struct jt_work_ctx *ctx, const struct jt_client_edit *edit)
{
    struct jt_sets *s = &ctx->vault->sets;
    const char *id = edit->was.spec.id;
    bool lasts = edit->state == JT_ROW_ACTIVE && edit->order.terms.expires_s == 0;
    uint32_t kept = lasts ? edit->order.permissions : 0;
    if ((kept & JT_MAY_OPERATE) == 0 && jt_sets_last_with(s, id, JT_MAY_OPERATE)) {
        return JT_ERR_LAST_OPERATOR;
    }
    if ((kept & JT_MAY_CLIENTS) == 0 && jt_sets_last_with(s, id, JT_MAY_CLIENTS)) {
        return JT_ERR_LAST_ADMINISTRATOR;
    }
    return JT_OK;
}

/* The order that would leave the row as it is, but for its form. */
static enum jt_err begin(struct jt_work_ctx *ctx, const char *id, struct editing *e)
{
    struct jt_client_edit *edit = &e->edit;
    memset(edit, 0, sizeof *edit);
    enum jt_err err = jt_sets_row(ctx, JT_SET_CLIENTS, &edit->set, NULL);
    if (err == JT_OK) {
        err = jt_sets_client(ctx, id, &edit->was);
    }
    if (err == JT_OK) {
        err = jt_client_terms_decode(edit->was.terms, edit->was.terms_len, &edit->order.terms);
    }
    edit->state = edit->was.state;
    edit->order.permissions = jt_client_permissions(&edit->was);
    edit->order.terms.old_until_s = 0; /* the keeper's */
    memset(edit->order.terms.old_secret_mac, 0, sizeof edit->order.terms.old_secret_mac);
    (void)snprintf(e->object, sizeof e->object, "%s", id);
    return err;
}

static enum jt_err change_once(struct jt_work_ctx *ctx, const char *id, struct editing *e,
                               edit_fn *fill, const struct jt_act *act,
                               struct jt_client_change *change)
{
    enum jt_err err = begin(ctx, id, e);
    if (err == JT_OK) {
        err = fill(ctx, e);
    }
    if (err != JT_OK || e->nothing) {
        return err;
    }
    if (e->edit.was.state == JT_ROW_REVOKED) {
        return JT_ERR_CLIENT_REVOKED;
    }
    err = check_last(ctx, &e->edit);
    if (err == JT_OK) {
        err = jt_keyclient_wait_client_change(ctx->keeper, &e->edit, change);
    }
    return err == JT_OK ? settle(ctx, jt_client_update(ctx->db, change, act, e->action, e->object),
                                 &change->row)
                        : err;
}

static enum jt_err change(struct jt_work_ctx *ctx, const char *id, edit_fn *fill, const void *arg,
                          const char *actor, struct jt_client_row *out)
{
    struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    struct editing e = { .arg = arg };
    struct jt_client_change change = { 0 };
    enum jt_err err = JT_ERR_SET_OLD;
    for (int i = 0; i < TRIES && err == JT_ERR_SET_OLD; i++) {
        err = change_once(ctx, id, &e, fill, &act, &change);
    }
    if (out != NULL) {
        *out = change.row;
    }
    jt_wipe(&e, sizeof e);
    return err;
}

/* --- rotate --- */

struct rotation {
    const struct jt_credential *credential;
    uint32_t overlap_s;
    bool again;
    uint64_t
        revision; /* 0: of the row whatever it is; else of this one, again where two are good */
};

static enum jt_err check_rotation(const struct rotation *r, const struct jt_client_row *was,
                                  bool two)
{
    if (r->revision != 0) {
        return was->revision == r->revision ? JT_OK : JT_ERR_CHANGED_SINCE;
    }
    return r->again && !two                       ? JT_ERR_NOT_ROTATING
           : r->overlap_s > 0 && !r->again && two ? JT_ERR_ROTATING
                                                  : JT_OK;
}

static enum jt_err fill_rotation(struct jt_work_ctx *ctx, struct editing *e)
{
    const struct rotation *r = e->arg;
    struct jt_client_order *order = &e->edit.order;
    struct jt_client_terms terms;
    (void)ctx;
    enum jt_err err = jt_client_terms_decode(e->edit.was.terms, e->edit.was.terms_len, &terms);
    bool two = terms.old_until_s > (uint64_t)time(NULL);
    if (err == JT_OK) {
        err = check_rotation(r, &e->edit.was, two);
    }
    e->action = JT_AUDIT_CLIENT_ROTATE;
    order->fresh = true;
    order->replaces = r->again || (r->revision != 0 && two);
    order->overlap_s = order->replaces ? 0 : r->overlap_s;
    memcpy(order->secret, r->credential->secret, sizeof order->secret);
    return err;
}

static enum jt_err run_rotation(struct jt_work_ctx *ctx, const char *id, const struct rotation *r,
                                const char *actor, struct jt_credential *out, uint64_t *until_s)
{
    struct jt_client_row row;
    struct jt_client_terms terms;
    *until_s = 0;
    jt_credential_new(id, out);
    enum jt_err err = change(ctx, id, fill_rotation, r, actor, &row);
    if (err == JT_OK) {
        err = jt_client_terms_decode(row.terms, row.terms_len, &terms);
        *until_s = terms.old_until_s;
    }
    if (err != JT_OK) {
        jt_wipe(out, sizeof *out);
    }
    return err;
}

enum jt_err jt_client_rotate(struct jt_work_ctx *ctx, const char *id, uint32_t overlap_s,
                             bool again, const char *actor, struct jt_credential *out,
                             uint64_t *until_s)
{
    const struct rotation r = { .credential = out, .overlap_s = overlap_s, .again = again };
    return run_rotation(ctx, id, &r, actor, out, until_s);
}

enum jt_err jt_client_rekey(struct jt_work_ctx *ctx, const char *id, uint64_t revision,
                            const char *actor, struct jt_credential *out, uint64_t *until_s)
{
    const struct rotation r = { .credential = out, .revision = revision };
    return run_rotation(ctx, id, &r, actor, out, until_s);
}

/* --- disable, enable, remove --- */

static enum jt_err fill_state(struct jt_work_ctx *ctx, struct editing *e)
{
    (void)ctx;
    e->edit.state = *(const uint8_t *)e->arg;
    e->action = e->edit.state == JT_ROW_REVOKED    ? JT_AUDIT_CLIENT_REVOKE
                : e->edit.state == JT_ROW_DISABLED ? JT_AUDIT_CLIENT_DISABLE
                                                   : JT_AUDIT_CLIENT_ENABLE;
    /* a repeated request, perhaps because the first one's answer was lost */
    e->nothing = e->edit.state == e->edit.was.state;
    return JT_OK;
}

enum jt_err jt_client_set_state(struct jt_work_ctx *ctx, const char *id, enum jt_standing state,
                                const char *actor)
{
    const uint8_t wanted = (uint8_t)state;
    return change(ctx, id, fill_state, &wanted, actor, NULL);
}

/* --- permit --- */

struct permit {
    const struct jt_may *may;
    const struct jt_client_bounds *bounds;
};

static enum jt_err fill_permit(struct jt_work_ctx *ctx, struct editing *e)
{
    const struct permit *p = e->arg;
    e->action = JT_AUDIT_CLIENT_PERMIT;
    order_bounds(p->bounds, &e->edit.order);
    tell_grants(e->edit.was.spec.id, p->may, e->object);
    tell_certs(p->bounds, e->object);
    tell_budgets(p->bounds, e->object);
    return order_may(ctx, p->may, &e->edit.order);
}

enum jt_err jt_client_permit(struct jt_work_ctx *ctx, const char *id, const struct jt_may *may,
                             const struct jt_client_bounds *bounds, const char *actor)
{
    const struct permit p = { may, bounds };
    return change(ctx, id, fill_permit, &p, actor, NULL);
}

/* --- recover --- */

struct recovery {
    const struct jt_credential *credential;
    const char *reason;
};

static enum jt_err fill_recovery(struct jt_work_ctx *ctx, struct editing *e)
{
    const struct recovery *r = e->arg;
    struct jt_client_order *order = &e->edit.order;
    (void)ctx;
    e->action = JT_AUDIT_CLIENT_RECOVER;
    size_t len = strlen(e->object);
    (void)snprintf(e->object + len, sizeof e->object - len, ": %s", r->reason);
    if (e->edit.was.state != JT_ROW_REVOKED) {
        e->edit.state = JT_ROW_ACTIVE;
    }
    order->permissions |= JT_MAY_OF_OPERATORS;
    order->terms.expires_s = 0;
    order->terms.n_networks = 0;
    memset(order->terms.networks, 0, sizeof order->terms.networks);
    order->terms.n_certs = 0;
    memset(order->terms.certs, 0, sizeof order->terms.certs);
    order->fresh = true;
    memcpy(order->secret, r->credential->secret, sizeof order->secret);
    return JT_OK;
}

/* A new client first, so that both ways leave the same record: its recovery. */
static enum jt_err make_operator(struct jt_work_ctx *ctx, const char *id, const char *actor)
{
    struct jt_credential unused;
    struct jt_client_row row;
    const struct jt_may nothing = { 0 };
    const struct jt_client_bounds none = { 0 };
    enum jt_err err = jt_sets_client(ctx, id, &row);
    if (err != JT_ERR_NO_CLIENT) {
        return err;
    }
    err = jt_client_add(ctx, id, &nothing, &none, actor, &unused);
    jt_wipe(&unused, sizeof unused);
    return err;
}

enum jt_err jt_client_recover(struct jt_work_ctx *ctx, const char *id, const char *actor,
                              const char *reason, struct jt_credential *out)
{
    struct recovery r = { out, reason };
    jt_credential_new(id, out);
    enum jt_err err = make_operator(ctx, id, actor);
    if (err == JT_OK) {
        err = change(ctx, id, fill_recovery, &r, actor, NULL);
    }
    if (err != JT_OK) {
        jt_wipe(out, sizeof *out);
    }
    return err;
}
