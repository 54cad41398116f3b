/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/holders.h"

#include "base/log.h"
#include "keyclient/nodes.h"
#include "store/generations.h"
#include "store/node_list.h"
#include "vault/backups.h"
#include "vault/duty.h"

#include <stdlib.h>
#include <string.h>

#define EVERY_MS 10000

struct jt_holders {
    struct jt_work_ctx ctx;
    struct jt_duty *duty;

    /* the duty's own */
    struct jt_node_rows nodes;
    struct jt_generation_rows generations;
    bool covered[JT_GENERATIONS_MAX]; /* of generations: some backup has its key */
    uint64_t newest_s;                /* when the newest backup was opened; 0: there is none */
    bool told;
};

/* Different keepers with a row that is authentic; lease or not, a directory stays. */
static enum jt_err count_nodes(struct jt_holders *h, uint32_t *n)
{
    enum jt_err verdicts[JT_NODES_MAX];
    struct jt_node_rows *rows = &h->nodes;
    *n = 0;
    enum jt_err err = jt_nodes_read(h->ctx.db, rows);
    if (err == JT_OK && rows->n_nodes > 0) {
        err = jt_keyclient_wait_node_marks(h->ctx.keeper, rows->nodes, rows->n_nodes, verdicts);
    }
    for (size_t i = 0; err == JT_OK && i < rows->n_nodes; i++) {
        bool counted = verdicts[i] != JT_OK;
        for (size_t j = 0; j < i && !counted; j++) {
            counted = verdicts[j] == JT_OK && memcmp(rows->nodes[i].keeper, rows->nodes[j].keeper,
                                                     sizeof rows->nodes[i].keeper) == 0;
        }
        *n += !counted;
    }
    return err;
}

static bool is_wanted(const struct jt_generation_row *row)
{
    return row->state <= JT_GENERATION_DRAINING;
}

static uint32_t count_lacking(const struct jt_holders *h)
{
    uint32_t n = 0;
    for (size_t i = 0; i < h->generations.n; i++) {
        n += is_wanted(&h->generations.rows[i]) && !h->covered[i];
    }
    return n;
}

/* Until all keys are found: as a rule the newest one has them. */
static bool look_at_backup(void *arg, const struct jt_backup_info *info)
{
    struct jt_holders *h = arg;
    if (info->backup.verified_s > h->newest_s) {
        h->newest_s = info->backup.verified_s;
    }
    for (size_t i = 0; i < h->generations.n; i++) {
        h->covered[i] |= jt_backup_has(&info->backup, &h->generations.rows[i]);
    }
    return count_lacking(h) > 0;
}

static enum jt_err look(struct jt_holders *h, uint32_t *n_nodes)
{
    h->newest_s = 0;
    memset(h->covered, 0, sizeof h->covered);
    enum jt_err err = count_nodes(h, n_nodes);
    if (err == JT_OK) {
        err = jt_generations_read(h->ctx.db, &h->generations);
    }
    return err == JT_OK ? jt_backups_list(&h->ctx, look_at_backup, h) : err;
}

static void tell(struct jt_holders *h, uint32_t n_holders)
{
    bool alone = n_holders < 2;
    if (alone && !h->told) {
        jt_log(JT_LOG_WARNING, "the service root is in one place only, and no token can be turned "
                               "into its card without it: make a backup (jeton keys backup), or "
                               "let another node take part");
    } else if (!alone && h->told) {
        jt_log(JT_LOG_INFO, "the service root is in %u places", (unsigned)n_holders);
    }
    h->told = alone;
}

static struct jt_again step(void *arg)
{
    struct jt_holders *h = arg;
    struct jt_vault *vault = h->ctx.vault;
    const struct jt_again later = { .ms = EVERY_MS, .on_news = true };
    uint32_t n_nodes;
    if (!atomic_load(&vault->registered)) {
        return (struct jt_again){ .ms = 1000, .on_news = true };
    }
    jt_work_about(&h->ctx, "holders of keys");
    if (look(h, &n_nodes) == JT_OK) {
        uint32_t n_holders = n_nodes + (h->newest_s > 0);
        atomic_store(&vault->backup_verified_s, h->newest_s);
        atomic_store(&vault->backup_lacks, count_lacking(h));
        atomic_store(&vault->root_holders, n_holders);
        tell(h, n_holders);
    }
    return later;
}

enum jt_err jt_holders_start(struct jt_vault *vault, struct jt_holders **out)
{
    struct jt_holders *h = calloc(1, sizeof *h);
    *out = h;
    if (h == NULL) {
        return JT_ERR_NOMEM;
    }
    enum jt_err err = jt_work_ctx_init(&h->ctx, vault, "jetond holders", JT_STATEMENT_TIMEOUT_MS);
    return err == JT_OK ? jt_duty_start(step, h, &h->duty) : err;
}

void jt_holders_stop(struct jt_holders *h)
{
    if (h == NULL) {
        return;
    }
    jt_duty_stop(h->duty);
    jt_work_ctx_clear(&h->ctx);
    free(h);
}

void jt_holders_nudge(struct jt_vault *vault)
{
    if (vault->holders != NULL && vault->holders->duty != NULL) {
        jt_duty_nudge(vault->holders->duty);
    }
}
