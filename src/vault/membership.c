#include "vault/membership.h"

#include "base/log.h"
#include "store/migrate.h"
#include "vault/refresh.h"

#include <stdio.h>

/* A jetond that was killed leaves a backend that needs a moment to notice and free its lock. */
#define REGISTER_PATIENCE_MS 5000

enum jt_err jt_membership_init(struct jt_membership *m, struct jt_vault *vault)
{
    *m = (struct jt_membership){ .was_reachable = true };
    return jt_work_ctx_init(&m->ctx, vault, "jetond node");
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
        err = jt_node_register(m->ctx.db, &m->ctx.vault->node, REGISTER_PATIENCE_MS);
        if (err == JT_ERR_CONFLICT) {
            snprintf(message, message_len, "another jetond serves this database; several nodes are not supported by this version");
        }
    }
    return err;
}

enum jt_err jt_membership_tick(struct jt_membership *m, char *message, size_t message_len)
{
    struct jt_vault *vault = m->ctx.vault;
    enum jt_err err;
    if (!atomic_load(&vault->registered)) {
        err = join(m, message, message_len);
    } else {
        err = jt_node_check(m->ctx.db, &vault->node);
        if (err == JT_ERR_CONFLICT) {
            snprintf(message, message_len, "another jetond has taken this database over");
        }
    }
    atomic_store(&vault->registered, err == JT_OK);
    if (err == JT_ERR_CONFLICT) {
        return err;
    }
    const char *what = "database";
    if (err == JT_OK && atomic_load(&vault->ring_epoch) == 0) {
        /* The keeper may be away, or `jeton init` has not run: not ready, but alive. */
        err = jt_ring_refresh(&m->ctx, NULL);
        what = "key state";
    }
    if ((err == JT_OK) != m->was_reachable) {
        m->was_reachable = err == JT_OK;
        jt_log(err == JT_OK ? JT_LOG_INFO : JT_LOG_WARNING, "%s: %s%s%s", what, jt_err_str(err), err == JT_OK ? "" : ": ",
               err == JT_OK ? "" : jt_db_message(m->ctx.db));
    }
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
