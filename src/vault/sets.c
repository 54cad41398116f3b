/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/sets.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/secmem.h"
#include "store/sets.h"
#include "vault/workers.h"

#include <stdlib.h>
#include <string.h>

#define AGAIN_MS         1000
#define AFTER_FAILURE_MS 200

static const char *const names[] = { "clients", "fields" };

void jt_sets_init(struct jt_sets *s)
{
    memset(s, 0, sizeof *s);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_mutex_init(&s->refreshing, NULL);
}

void jt_sets_clear(struct jt_sets *s)
{
    for (size_t i = 0; i < 2; i++) {
        jt_set_copy_clear(&s->good[i]);
        jt_set_copy_clear(&s->older[i]);
    }
}

/* --- reading --- */

/* Rows that changed since the copy was made. */
struct changes {
    enum jt_set_kind kind;
    enum jt_err err;
    size_t n, cap;
    uint8_t *rows;
};

static void note(struct changes *c, const void *row)
{
    size_t max = c->kind == JT_SET_CLIENTS ? JT_SET_MAX_CLIENTS : JT_SET_MAX_FIELDS;
    if (c->err == JT_OK && c->n == max) {
        c->err = JT_ERR_SET_WRONG; /* more than any keeper would have vouched for */
    }
    if (c->err == JT_OK && c->n == c->cap) {
        size_t cap = c->cap == 0 ? 16 : c->cap * 2;
        uint8_t *grown = realloc(c->rows, cap * jt_set_row_size(c->kind));
        c->err = grown != NULL ? JT_OK : JT_ERR_NOMEM;
        c->rows = grown != NULL ? grown : c->rows;
        c->cap = grown != NULL ? cap : c->cap;
    }
    if (c->err == JT_OK) {
        memcpy(c->rows + c->n++ * jt_set_row_size(c->kind), row, jt_set_row_size(c->kind));
    }
}

static void note_client(void *arg, const struct jt_client_row *row)
{
    note(arg, row);
}

static void note_field(void *arg, const struct jt_field_row *row)
{
    note(arg, row);
}

static enum jt_err read_changes(struct jt_work_ctx *ctx, uint64_t since, struct jt_set_row *row,
                                struct changes *c)
{
    enum jt_err err = c->kind == JT_SET_CLIENTS
                          ? jt_set_clients_since(ctx->db, since, row, note_client, c)
                          : jt_set_fields_since(ctx->db, since, row, note_field, c);
    return err == JT_OK ? c->err : err;
}

/* --- summing --- */

static void fill(enum jt_set_kind kind, const struct jt_set_copy *before, const void *row,
                 struct jt_set_change *out)
{
    size_t at = jt_set_copy_place(kind, before, row, &out->replaces);
    if (kind == JT_SET_CLIENTS) {
        out->now.client = *(const struct jt_client_row *)row;
        if (out->replaces) {
            out->old.client = before->clients[at];
        }
    } else {
        out->now.field = *(const struct jt_field_row *)row;
        if (out->replaces) {
            out->old.field = before->fields[at];
        }
    }
}

/* Says which of the rows are nobody's: each is asked about by itself. */
static void name_culprits(struct jt_work_ctx *ctx, enum jt_set_kind kind,
                          struct jt_set_change *changes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct jt_set_sum sum;
        struct jt_set_change alone = changes[i];
        alone.replaces = false;
        struct jt_set_sum_request one = { .kind = (uint8_t)kind, .n = 1, .changes = &alone };
        if (jt_keyclient_wait_set_sum(ctx->keeper, &one, &sum) != JT_ERR_FORGED) {
            continue;
        }
        if (kind == JT_SET_CLIENTS) {
            jt_log(JT_LOG_ERROR, "alarm: the row of client %s is not authentic",
                   alone.now.client.spec.id);
        } else {
            jt_log(JT_LOG_ERROR, "alarm: the row of field %u is not authentic",
                   (unsigned)alone.now.field.spec.id);
        }
    }
}

/* Adds rows to the copy's sum; `before` is what they may take the place of. */
static enum jt_err sum_rows(struct jt_work_ctx *ctx, enum jt_set_kind kind,
                            const struct jt_set_copy *before, const uint8_t *rows, size_t n,
                            struct jt_set_copy *to)
{
    struct jt_set_change *changes = calloc(JT_WIRE_MAX_SET_ROWS, sizeof *changes);
    enum jt_err err = changes != NULL ? JT_OK : JT_ERR_NOMEM;
    for (size_t first = 0; err == JT_OK && (first < n || !to->summed);
         first += JT_WIRE_MAX_SET_ROWS) {
        size_t some = n - first < JT_WIRE_MAX_SET_ROWS ? n - first : JT_WIRE_MAX_SET_ROWS;
        for (size_t i = 0; i < some; i++) {
            fill(kind, before, rows + (first + i) * jt_set_row_size(kind), &changes[i]);
        }
        const struct jt_set_sum_request request = {
            .kind = (uint8_t)kind,
            .goes_on = to->summed,
            .from = to->sum,
            .n = some,
            .changes = changes,
        };
        err = jt_keyclient_wait_set_sum(ctx->keeper, &request, &to->sum);
        if (err == JT_ERR_FORGED) {
            name_culprits(ctx, kind, changes, some);
        }
        to->summed = err == JT_OK;
    }
    free(changes);
    return err;
}

/* --- refreshing --- */

/* One line for each change. */
static void tell(enum jt_set_kind kind, enum jt_err err)
{
    const char *name = names[kind - 1];
    switch (err) {
    case JT_OK: jt_log(JT_LOG_INFO, "the set of %s is verified", name); break;
    case JT_ERR_SET_OLD:
        jt_log(JT_LOG_ERROR,
               "alarm: the set of %s in the database is older than one that the keeper has seen: "
               "it was restored, or old rows were put back; not serving; an operator can accept it "
               "with jeton node accept-sets",
               name);
        break;
    default:
        jt_log(JT_LOG_ERROR,
               "alarm: the rows of %s in the database are not those that its set row vouches for: "
               "some were altered, removed, put in or put back; not serving",
               name);
    }
}

static void publish(struct jt_sets *s, enum jt_set_kind kind, struct jt_set_copy *copy,
                    enum jt_err err)
{
    size_t i = kind - 1;
    pthread_mutex_lock(&s->mutex);
    bool moved =
        err != s->trouble[i] ||
        (err == JT_OK && !(s->good[i].there && jt_set_row_same(&s->good[i].row, &copy->row)));
    bool tell_it = err != s->trouble[i] || (err == JT_OK && !s->good[i].there);
    s->trouble[i] = err;
    struct jt_set_copy *to = err == JT_OK ? &s->good[i] : &s->older[i];
    if (err == JT_OK) {
        s->confirmed_ms[i] = jt_clock_ms();
        jt_set_copy_clear(&s->older[i]);
    }
    jt_set_copy_clear(to);
    if (err == JT_OK || err == JT_ERR_SET_OLD) {
        *to = *copy;
        to->there = true;
        memset(copy, 0, sizeof *copy);
    }
    if (moved) {
        atomic_fetch_add(&s->stamp, 1);
    }
    bool all_good =
        s->trouble[0] == JT_OK && s->trouble[1] == JT_OK && s->good[0].there && s->good[1].there;
    atomic_store(&s->all_good, all_good);
    pthread_mutex_unlock(&s->mutex);
    if (tell_it) {
        tell(kind, err);
    }
}

/*
 * Reads from `from` on (empty: everything), sums and verifies. *to has the rows where everything
 * was read; else they are the changes, and all else stays in `from`. *same: the database holds what
 * is there already.
 */
static enum jt_err load(struct jt_work_ctx *ctx, const struct jt_set_copy *from, struct changes *c,
                        struct jt_set_copy *to, bool *same)
{
    struct jt_set_row row;
    enum jt_err err = read_changes(ctx, from->row.version, &row, c);
    *same = false;
    if (err != JT_OK) {
        return err;
    }
    if (from->there && jt_set_row_same(&from->row, &row)) {
        *same = c->n == 0;
        return c->n == 0 ? JT_OK : JT_ERR_SET_WRONG;
    }
    *to = (struct jt_set_copy){ .row = row, .sum = from->sum, .summed = from->summed };
    err = sum_rows(ctx, c->kind, from, c->rows, c->n, to);
    if (err == JT_OK && !from->there) {
        jt_set_copy_fill(c->kind, to, c->rows, c->n);
        c->rows = NULL;
        c->n = 0;
    }
    return err == JT_OK ? jt_keyclient_wait_set_verify(ctx->keeper, &to->sum, &row) : err;
}

/* Verified changes go into the copy that stands, which costs nothing for the rows that do not. */
static enum jt_err go_on(struct jt_sets *s, const struct changes *c, const struct jt_set_copy *to)
{
    size_t i = c->kind - 1;
    struct jt_set_copy *good = &s->good[i];
    pthread_mutex_lock(&s->mutex);
    enum jt_err err = jt_set_copy_reserve(c->kind, good, good->n + c->n);
    for (size_t j = 0; j < c->n && err == JT_OK; j++) {
        err = jt_set_copy_put(c->kind, good, c->rows + j * jt_set_row_size(c->kind));
    }
    if (err == JT_OK) {
        good->row = to->row;
        good->sum = to->sum;
        good->summed = to->summed;
        s->confirmed_ms[i] = jt_clock_ms();
        atomic_fetch_add(&s->stamp, 1);
    }
    pthread_mutex_unlock(&s->mutex);
    return err;
}

/* Whether the failure says that what the database holds is no set that a keeper made. */
static bool is_wrong(enum jt_err err)
{
    return err == JT_ERR_FORGED || err == JT_ERR_INVALID || err == JT_ERR_PROTOCOL ||
           err == JT_ERR_DB_FAULT || err == JT_ERR_SET_FULL;
}

static enum jt_err refresh(struct jt_work_ctx *ctx, enum jt_set_kind kind, bool whole)
{
    struct jt_sets *s = &ctx->vault->sets;
    struct jt_set_copy nothing = { .row = jt_set_row_empty(kind) };
    struct jt_set_copy to = { .there = false };
    struct changes c = { .kind = kind };
    bool same = false;
    /*
     * `good` is changed by whoever holds `refreshing`, that is by us: it may be read without the
     * other lock.
     */
    const struct jt_set_copy *from = &s->good[kind - 1];
    bool piecemeal = !whole && from->there && s->trouble[kind - 1] == JT_OK;
    enum jt_err err = load(ctx, piecemeal ? from : &nothing, &c, &to, &same);
    if (piecemeal && err != JT_OK && jt_err_class(err) != JT_CLASS_REPEAT) {
        /* a set that went back, for one, is not reached by going on from this one */
        piecemeal = false;
        free(c.rows);
        c = (struct changes){ .kind = kind };
        jt_fault_clear(&ctx->fault);
        err = load(ctx, &nothing, &c, &to, &same);
    }
    err = is_wrong(err) ? JT_ERR_SET_WRONG : err;
    if (same) {
        pthread_mutex_lock(&s->mutex);
        s->confirmed_ms[kind - 1] = jt_clock_ms();
        pthread_mutex_unlock(&s->mutex);
    } else if (piecemeal && err == JT_OK) {
        err = go_on(s, &c, &to);
    } else if (err == JT_OK || err == JT_ERR_SET_OLD || err == JT_ERR_SET_WRONG) {
        publish(s, kind, &to, err);
    }
    jt_set_copy_clear(&to);
    free(c.rows);
    return err;
}

enum jt_err jt_sets_refresh(struct jt_work_ctx *ctx, enum jt_set_kind kind, bool whole)
{
    struct jt_sets *s = &ctx->vault->sets;
    pthread_mutex_lock(&s->refreshing);
    enum jt_err err = refresh(ctx, kind, whole);
    pthread_mutex_unlock(&s->refreshing);
    return err;
}

void jt_sets_keep_up(struct jt_work_ctx *ctx)
{
    enum jt_err clients = jt_sets_refresh(ctx, JT_SET_CLIENTS, false);
    enum jt_err fields = jt_sets_refresh(ctx, JT_SET_FIELDS, false);
    (void)clients;
    (void)fields;
}

/*
 * Sees to it that what is there was confirmed lately; one who waits for another's refresh needs
 * none of his own.
 */
static enum jt_err keep_fresh(struct jt_work_ctx *ctx, enum jt_set_kind kind)
{
    struct jt_sets *s = &ctx->vault->sets;
    int64_t asked_ms = jt_clock_ms();
    pthread_mutex_lock(&s->mutex);
    bool fresh = s->trouble[kind - 1] == JT_OK && s->good[kind - 1].there &&
                 asked_ms - s->confirmed_ms[kind - 1] < AGAIN_MS;
    pthread_mutex_unlock(&s->mutex);
    if (fresh) {
        return JT_OK;
    }
    pthread_mutex_lock(&s->refreshing);
    enum jt_err err = JT_OK;
    bool due = s->trouble[kind - 1] != JT_OK || !s->good[kind - 1].there ||
               s->confirmed_ms[kind - 1] < asked_ms;
    if (due && jt_clock_ms() - s->failed_ms[kind - 1] < AFTER_FAILURE_MS) {
        err = JT_ERR_SETS_UNVERIFIED;
    } else if (due) {
        err = refresh(ctx, kind, false);
        s->failed_ms[kind - 1] = err == JT_OK ? 0 : jt_clock_ms();
    }
    pthread_mutex_unlock(&s->refreshing);
    return err == JT_OK ? JT_OK : JT_ERR_SETS_UNVERIFIED;
}

/* --- what is asked --- */

static enum jt_err find(struct jt_sets *s, const struct jt_set_copy *c, enum jt_set_kind kind,
                        const void *key, void *out)
{
    pthread_mutex_lock(&s->mutex);
    bool there = false;
    size_t at = c->there ? jt_set_copy_place(kind, c, key, &there) : 0;
    if (there) {
        memcpy(out, jt_set_copy_at(kind, c, at), jt_set_row_size(kind));
    }
    pthread_mutex_unlock(&s->mutex);
    return there ? JT_OK : JT_ERR_NO_CLIENT;
}

static struct jt_client_row client_key(const char *id)
{
    struct jt_client_row key = { 0 };
    size_t len = strnlen(id, JT_CLIENT_ID_MAX);
    memcpy(key.spec.id, id, len);
    return key;
}

enum jt_err jt_sets_client(struct jt_work_ctx *ctx, const char *id, struct jt_client_row *out)
{
    struct jt_sets *s = &ctx->vault->sets;
    const struct jt_client_row key = client_key(id);
    enum jt_err err = keep_fresh(ctx, JT_SET_CLIENTS);
    return err == JT_OK ? find(s, &s->good[JT_SET_CLIENTS - 1], JT_SET_CLIENTS, &key, out) : err;
}

/* Whether somebody can always get in by the row who may do that. */
static bool lasts(const struct jt_client_row *row, uint32_t permission)
{
    struct jt_client_terms terms;
    return row->state == JT_ROW_ACTIVE && (jt_client_permissions(row) & permission) != 0 &&
           jt_client_terms_decode(row->terms, row->terms_len, &terms) == JT_OK &&
           terms.expires_s == 0;
}

bool jt_sets_last_with(struct jt_sets *s, const char *id, uint32_t permission)
{
    bool is_one = false;
    bool another = false;
    pthread_mutex_lock(&s->mutex);
    const struct jt_set_copy *c = &s->good[JT_SET_CLIENTS - 1];
    for (size_t i = 0; i < c->n; i++) {
        const struct jt_client_row *row = &c->clients[i];
        bool same = strcmp(row->spec.id, id) == 0;
        is_one = is_one || (same && lasts(row, permission));
        another = another || (!same && lasts(row, permission));
    }
    pthread_mutex_unlock(&s->mutex);
    return is_one && !another;
}

/* The name of a field that stands, into `out`; false: there is none. */
static bool name_of_field(const struct jt_set_copy *fields, uint32_t id,
                          char out[static JT_FIELD_NAME_MAX + 1])
{
    const struct jt_field_row key = { .spec = { .id = id } };
    bool there = false;
    size_t at = fields->there ? jt_set_copy_place(JT_SET_FIELDS, fields, &key, &there) : 0;
    there = there && fields->fields[at].state == JT_ROW_ACTIVE;
    if (there) {
        memcpy(out, fields->fields[at].spec.name, JT_FIELD_NAME_MAX + 1);
    }
    return there;
}

enum jt_err jt_sets_may(struct jt_work_ctx *ctx, const struct jt_client_row *row,
                        struct jt_may *out)
{
    struct jt_sets *s = &ctx->vault->sets;
    struct jt_client_terms terms;
    memset(out, 0, sizeof *out);
    out->everywhere = jt_client_permissions(row);
    enum jt_err err = jt_client_terms_decode(row->terms, row->terms_len, &terms);
    if (err == JT_OK && terms.n_grants > 0) {
        err = keep_fresh(ctx, JT_SET_FIELDS);
    }
    if (err != JT_OK) {
        return JT_ERR_SETS_UNVERIFIED;
    }
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < terms.n_grants; i++) {
        struct jt_field_access *f = &out->fields[out->n_fields];
        if (name_of_field(&s->good[JT_SET_FIELDS - 1], terms.grants[i].field, f->field)) {
            f->permissions = terms.grants[i].permissions;
            out->n_fields++;
        }
    }
    pthread_mutex_unlock(&s->mutex);
    return JT_OK;
}

bool jt_sets_client_stands(struct jt_sets *s, const struct jt_client_row *row)
{
    struct jt_client_row now;
    return find(s, &s->good[JT_SET_CLIENTS - 1], JT_SET_CLIENTS, row, &now) == JT_OK &&
           jt_equal_ct(now.mac, row->mac, sizeof now.mac);
}

enum jt_err jt_sets_older_client(struct jt_sets *s, const char *id, struct jt_client_row *out)
{
    const struct jt_client_row key = client_key(id);
    pthread_mutex_lock(&s->mutex);
    bool clients = s->trouble[JT_SET_CLIENTS - 1] == JT_ERR_SET_OLD;
    bool fields = s->trouble[JT_SET_FIELDS - 1] == JT_ERR_SET_OLD;
    pthread_mutex_unlock(&s->mutex);
    if (clients) {
        return find(s, &s->older[JT_SET_CLIENTS - 1], JT_SET_CLIENTS, &key, out);
    }
    const struct jt_set_copy *good = &s->good[JT_SET_CLIENTS - 1];
    return fields ? find(s, good, JT_SET_CLIENTS, &key, out) : JT_ERR_NO_CLIENT;
}

enum jt_err jt_sets_field(struct jt_work_ctx *ctx, const char *name, struct jt_field_row *out)
{
    struct jt_sets *s = &ctx->vault->sets;
    enum jt_err err = keep_fresh(ctx, JT_SET_FIELDS);
    if (err != JT_OK) {
        return err;
    }
    pthread_mutex_lock(&s->mutex);
    const struct jt_set_copy *c = &s->good[JT_SET_FIELDS - 1];
    err = JT_ERR_NO_FIELD;
    for (size_t i = 0; i < c->n && err == JT_ERR_NO_FIELD; i++) {
        if (strcmp(c->fields[i].spec.name, name) == 0) {
            *out = c->fields[i];
            err = JT_OK;
        }
    }
    pthread_mutex_unlock(&s->mutex);
    return err;
}

enum jt_err jt_sets_fields(struct jt_work_ctx *ctx, struct jt_field_row **out, size_t *n)
{
    struct jt_sets *s = &ctx->vault->sets;
    struct jt_set_copy copy = { .there = false };
    *out = NULL;
    *n = 0;
    enum jt_err err = keep_fresh(ctx, JT_SET_FIELDS);
    if (err == JT_OK) {
        pthread_mutex_lock(&s->mutex);
        err = jt_set_copy_of(JT_SET_FIELDS, &s->good[JT_SET_FIELDS - 1], &copy);
        pthread_mutex_unlock(&s->mutex);
    }
    if (err == JT_OK) {
        *out = copy.fields;
        *n = copy.n;
    }
    return err;
}

enum jt_err jt_sets_row(struct jt_work_ctx *ctx, enum jt_set_kind kind, struct jt_set_row *out,
                        uint32_t *next_field)
{
    struct jt_sets *s = &ctx->vault->sets;
    enum jt_err err = jt_sets_refresh(ctx, kind, false);
    if (err != JT_OK) {
        return JT_ERR_SETS_UNVERIFIED;
    }
    pthread_mutex_lock(&s->mutex);
    const struct jt_set_copy *c = &s->good[kind - 1];
    *out = c->row;
    if (next_field != NULL) {
        *next_field = c->n > 0 ? c->fields[c->n - 1].spec.id + 1 : 1;
    }
    pthread_mutex_unlock(&s->mutex);
    return JT_OK;
}

/* --- an operator's word --- */

/* The candidate of a kind: the older one if there is one, else the one that stands. */
static const struct jt_set_copy *candidate(const struct jt_sets *s, enum jt_set_kind kind)
{
    return s->older[kind - 1].there ? &s->older[kind - 1] : &s->good[kind - 1];
}

/* All clients but one, summed by the keeper. */
static enum jt_err sum_others(struct jt_work_ctx *ctx, const struct jt_set_copy *clients,
                              size_t but, struct jt_set_sum *out)
{
    struct jt_set_copy nothing = { .row = jt_set_row_empty(JT_SET_CLIENTS) };
    struct jt_set_copy to = nothing;
    struct jt_client_row *others = calloc(clients->n, sizeof *others);
    if (others == NULL) {
        return JT_ERR_NOMEM;
    }
    memcpy(others, clients->clients, but * sizeof *others);
    memcpy(others + but, clients->clients + but + 1, (clients->n - but - 1) * sizeof *others);
    enum jt_err err =
        sum_rows(ctx, JT_SET_CLIENTS, &nothing, (const uint8_t *)others, clients->n - 1, &to);
    *out = to.sum;
    free(others);
    return err;
}

static enum jt_err accept(struct jt_work_ctx *ctx, const char *actor, struct jt_set_accept *a)
{
    const struct jt_sets *s = &ctx->vault->sets;
    const struct jt_set_copy *clients = candidate(s, JT_SET_CLIENTS);
    const struct jt_set_copy *fields = candidate(s, JT_SET_FIELDS);
    const struct jt_client_row key = client_key(actor);
    bool there = false;
    if (!s->older[0].there && !s->older[1].there) {
        return JT_ERR_NO_OLD_SET;
    }
    size_t at = clients->there ? jt_set_copy_place(JT_SET_CLIENTS, clients, &key, &there) : 0;
    if (!there || !fields->there) {
        return there ? JT_ERR_SETS_UNVERIFIED : JT_ERR_NOT_OPERATOR;
    }
    a->who = clients->clients[at];
    a->clients = clients->row;
    a->fields = fields->row;
    a->field_rows = fields->sum;
    enum jt_err err = sum_others(ctx, clients, at, &a->others);
    return err == JT_OK ? jt_keyclient_wait_set_accept(ctx->keeper, a) : err;
}

enum jt_err jt_sets_accept(struct jt_work_ctx *ctx, const char *actor,
                           const uint8_t secret[static JT_CLIENT_SECRET_LEN])
{
    struct jt_sets *s = &ctx->vault->sets;
    struct jt_set_accept a = { 0 };
    memcpy(a.secret, secret, sizeof a.secret);
    pthread_mutex_lock(&s->refreshing); /* nobody changes the copies meanwhile */
    enum jt_err err = accept(ctx, actor, &a);
    if (err == JT_OK) {
        err = refresh(ctx, JT_SET_CLIENTS, true);
    }
    if (err == JT_OK) {
        err = refresh(ctx, JT_SET_FIELDS, true);
    }
    pthread_mutex_unlock(&s->refreshing);
    jt_wipe(&a, sizeof a);
    return err;
}
