#include "vault/membership.h"

#include "base/log.h"
#include "store/migrate.h"
#include "store/nodes.h"
#include "vault/refresh.h"
#include "vault/strays.h"

#include <stdio.h>

/* A jetond that was killed leaves a backend that needs a moment to notice and free its lock. */
#define REGISTER_PATIENCE_MS 5000

enum jt_err jt_membership_init(struct jt_membership *m, struct jt_vault *vault)
{
    *m = (struct jt_membership){ .told = JT_OK };
    return jt_work_ctx_init(&m->ctx, vault, "jetond node", JT_STATEMENT_TIMEOUT_MS);
}

static enum jt_err check_schema(struct jt_membership *m, char *message, size_t message_len)
{
    int found = 0;
    enum jt_err err = jt_migrate_check(m->ctx.db, &found);
    if (err == JT_ERR_CONFLICT) {
        snprintf(message, message_len, "the database has schema version %d, this program needs %d: run jeton migrate", found,
                 jt_migrate_newest());
    }
    return err;
}

static enum jt_err join(struct jt_membership *m, char *message, size_t message_len)
{
    enum jt_err err = jt_db_ensure(m->ctx.db);
    if (err == JT_OK && !m->schema_ok) {
        err = check_schema(m, message, message_len);
        m->schema_ok = err == JT_OK;
        if (err != JT_OK) {
            return err;
        }
    }
    if (err == JT_OK) {
        err = jt_node_claim(m->ctx.db, &m->ctx.vault->node, REGISTER_PATIENCE_MS);
        if (err == JT_ERR_CONFLICT) {
            snprintf(message, message_len, "another jetond serves this database; several nodes are not supported by this version");
        }
    }
    return err;
}

/* The keeper MACs this node's row, which is then put into the database. */
static enum jt_err enrol(struct jt_membership *m)
{
    struct jt_node_joined joined;
    enum jt_err err = jt_keeper_join(&m->ctx, false, &joined);
    if (err == JT_OK) {
        err = jt_node_register(m->ctx.db, &joined.row, REGISTER_PATIENCE_MS);
    }
    if (err == JT_OK) {
        err = jt_strays_look(&m->ctx, NULL);
    }
    atomic_store(&m->ctx.vault->registered, err == JT_OK);
    return err;
}

/* One log line a change, not one a second. */
static void tell(struct jt_membership *m, enum jt_err err, const char *why)
{
    if (err != m->told) {
        m->told = err;
        jt_log(err == JT_OK ? JT_LOG_INFO : JT_LOG_WARNING, "node: %s: %s", jt_err_str(err), why);
    }
}

/* What a failed refresh of the ring means to the operator. */
static const char *explain(enum jt_err err)
{
    switch (err) {
    case JT_OK: return "registered, and the keeper works under the database's ring";
    case JT_ERR_NOT_FOUND: return "there is no ring, or the keeper lacks a key that it names, or its service root: has jeton init run for this database and this keeper?";
    case JT_ERR_CONFLICT: return "the database is behind what the keeper has accepted: it was restored or lost its tail; or the keeper belongs to another node; not serving";
    case JT_ERR_DENIED: return "the ring in the database is not authentic, or of another environment; not serving";
    case JT_ERR_CRYPTO: return "a key's check value is not the one in the ring; not serving";
    case JT_ERR_LIMIT: return "the newest id in the database lies more than an hour ahead of the keeper's clock: set the clock right, or accept it with jeton node accept-ids; not serving";
    case JT_ERR_DECRYPT: return "alarm: the newest rows under a live key id do not open: they were planted or altered; not serving";
    default: return "the ring cannot be read or handed to the keeper";
    }
}

enum jt_err jt_membership_tick(struct jt_membership *m, char *message, size_t message_len)
{
    struct jt_vault *vault = m->ctx.vault;
    bool registered = atomic_load(&vault->registered);
    enum jt_err err;
    if (!registered) {
        err = join(m, message, message_len);
    } else {
        err = jt_node_check(m->ctx.db, &vault->node);
        if (err == JT_ERR_CONFLICT) {
            snprintf(message, message_len, "another jetond has taken this database over");
        }
    }
    if (err != JT_OK) {
        atomic_store(&vault->registered, false);
        if (err == JT_ERR_CONFLICT) {
            return err;
        }
        tell(m, err, jt_db_message(m->ctx.db));
        return JT_OK;
    }
    /* Every time: so a keeper that missed a change hears of it, and a database that went back is noticed without any traffic. */
    err = registered ? JT_OK : enrol(m);
    if (err == JT_OK) {
        err = jt_ring_refresh(&m->ctx, NULL);
    }
    tell(m, err, explain(err));
    return JT_OK;
}

void jt_membership_clear(struct jt_membership *m)
{
    if (m->ctx.vault != NULL && atomic_load(&m->ctx.vault->registered)) {
        enum jt_err err = jt_node_leave(m->ctx.db, &m->ctx.vault->node);
        if (err != JT_OK) {
            jt_log(JT_LOG_WARNING, "could not leave the database: %s", jt_err_str(err));
        }
    }
    jt_work_ctx_clear(&m->ctx);
}
