/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/activation.h"

#include "base/hex.h"
#include "base/log.h"
#include "vault/backups.h"
#include "vault/plan.h"
#include "vault/ring_step.h"
#include "vault/roll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum jt_err find(struct jt_work_ctx *ctx, uint64_t number, struct jt_generation_info *out)
{
    enum jt_err err = jt_db_ensure(ctx->db);
    if (err == JT_OK) {
        err = jt_generation_get(ctx->db, number, out);
    }
    if (err == JT_OK && out->row.state != JT_GENERATION_ACTIVE &&
        out->row.state != JT_GENERATION_FUTURE) {
        err = jt_fault_set(&ctx->fault, JT_ERR_WRONG_STATE,
                           "generation %llu is %s: only a future one can become active",
                           (unsigned long long)number, jt_generation_state_name(out->row.state));
    }
    return err;
}

/*
 * A date that is there is a keeper's, and reached; one that is forged makes no roll, also no other,
 * unless a key must be replaced. *why: the reason for one holder that was given now, or that a
 * keeper's plan has; what else stands in the row anybody may have written.
 */
static enum jt_err check_plan(struct jt_work_ctx *ctx, const struct jt_activation *a,
                              const struct jt_generation_info *info, const char **why)
{
    bool urgent = a->compromised != 0;
    *why = a->holder_override;
    if (!jt_generation_is_planned(info)) {
        return JT_OK;
    }
    enum jt_err err = jt_plan_check(ctx, info);
    if (err == JT_ERR_PLAN_FORGED && urgent) {
        return JT_OK;
    }
    if (err == JT_OK && *why == NULL && info->plan.holder_override[0] != '\0') {
        *why = info->plan.holder_override;
    }
    if (err == JT_OK && !info->due && !urgent) {
        err = jt_fault_set(&ctx->fault, JT_ERR_NOT_DUE, "its date is %s", info->adopt_at);
    }
    return err;
}

/* A node with another keeper than this one's. */
static const char *other_node(const struct jt_work_ctx *ctx, const struct jt_adopters *adopters)
{
    const uint8_t *own = jt_keyclient_incarnation(ctx->keeper);
    for (size_t i = 0; i < adopters->n; i++) {
        if (memcmp(adopters->all[i].keeper, own, JT_INCARNATION_LEN) != 0) {
            return adopters->all[i].spec.name;
        }
    }
    return "";
}

/*
 * The keys of all of them are durable before they acknowledge. A backup that a keeper has opened
 * counts as another holder; every backup has the service root as well. `holder` receives which one
 * counted.
 */
static enum jt_err check_holders(struct jt_work_ctx *ctx, const struct jt_generation_row *row,
                                 const struct jt_adopters *adopters, const char *holder_override,
                                 char holder[static JT_SECOND_HOLDER_MAX + 1])
{
    uint8_t digest[JT_BACKUP_DIGEST_LEN];
    char text[2 * JT_BACKUP_DIGEST_LEN + 1];
    bool found = false;
    if (adopters->n_holders >= 2) {
        (void)snprintf(holder, JT_SECOND_HOLDER_MAX + 1, "node %s", other_node(ctx, adopters));
        return JT_OK;
    }
    if (holder_override != NULL) {
        (void)snprintf(holder, JT_SECOND_HOLDER_MAX + 1, "override");
        return JT_OK;
    }
    enum jt_err err = jt_backups_find(ctx, row, digest, &found);
    if (err == JT_OK && found) {
        jt_hex_encode(digest, sizeof digest, text);
        (void)snprintf(holder, JT_SECOND_HOLDER_MAX + 1, "backup %s", text);
        jt_log(JT_LOG_INFO, "generation %llu: the second holder of its key is the backup %s",
               (unsigned long long)row->number, text);
    }
    return err == JT_OK && !found ? JT_ERR_ONE_HOLDER : err;
}

/*
 * A single node without the operator's word is told at once: nobody else will come. Where others
 * are missing they are waited for.
 */
static enum jt_err gather(struct jt_work_ctx *ctx, const struct jt_activation *a,
                          struct jt_generation_info *info, const char *why,
                          struct jt_adopters *adopters, struct jt_missing_nodes *missing)
{
    bool asked = a->asked || jt_work_tries(ctx) > 1;
    enum jt_err err = jt_adoption_look(ctx, &info->row, asked, adopters, missing);
    if (err == JT_OK) {
        err = check_holders(ctx, &info->row, adopters, why, info->second_holder);
    } else if (err == JT_ERR_NODES_MISSING) {
        (void)jt_work_again(ctx, JT_RING_STEP_PATIENCE_MS);
    }
    return err;
}

enum jt_err jt_activation_run(struct jt_work_ctx *ctx, const struct jt_activation *a,
                              struct jt_generation_info *out, struct jt_missing_nodes *missing)
{
    enum jt_err err = find(ctx, a->number, out);
    if (err != JT_OK || out->row.state == JT_GENERATION_ACTIVE) {
        return err;
    }
    const char *why;
    err = check_plan(ctx, a, out, &why);
    if (err != JT_OK) {
        return err;
    }
    struct jt_adopters *adopters = calloc(1, sizeof *adopters);
    err = adopters == NULL ? JT_ERR_NOMEM : gather(ctx, a, out, why, adopters, missing);
    if (err == JT_OK) {
        const struct jt_ring_step step = {
            .generation = &out->row,
            .step = a->compromised == 0 ? JT_RING_ACTIVATE : JT_RING_REPLACE,
            .actor = a->actor,
            .holder_override = why,
            .second_holder = out->second_holder,
            .adopters = adopters->all,
            .n_adopters = adopters->n,
            .compromised = a->compromised,
            .compromised_why = a->compromised_why,
        };
        err = jt_ring_step_run(ctx, &step);
    }
    free(adopters);
    if (err == JT_OK) {
        jt_roll_read_after(ctx, out, JT_GENERATION_ACTIVE);
    }
    return err;
}
