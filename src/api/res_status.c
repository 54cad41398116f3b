/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/status for operators; /livez and /readyz for load balancers. */
#include "api/api.h"
#include "api/backup_json.h"
#include "api/operation.h"
#include "base/clock.h"
#include "base/jsonw.h"
#include "jeton/version.h"
#include "vault/inspect.h"

#include <string.h>

static enum jt_err look(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    (void)call;
    jt_inspect_peers(ctx, state);
    return JT_OK;
}

static json_t *counters_json(struct jt_counters *c)
{
    json_t *object = json_object();
#define ADD(name) \
    (void)json_object_set_new(object, #name, json_integer((json_int_t)jt_counted(&c->name)));
    JT_COUNTERS(ADD)
#undef ADD
    return object;
}

static json_t *connections_json(struct jt_door_shared *door)
{
    json_t *object =
        json_pack("{sI,sI,sb}", "open", (json_int_t)atomic_load(&door->n_open), "limit",
                  (json_int_t)door->limit, "refusing", (int)jt_door_full(door));
#define ADD(name) \
    (void)json_object_set_new(object, #name, json_integer((json_int_t)atomic_load(&door->name)));
    JT_DOOR_COUNTERS(ADD)
#undef ADD
    return object;
}

static json_t *keeper_json(const struct jt_peers *peers)
{
    const struct jt_keeper_status *k = &peers->keeper;
    if (!peers->keeper_up) {
        return json_pack("{sb}", "up", 0); /* nothing else is known of it */
    }
    return json_pack("{sb,sI,sb,sb,sb,sb,sb,sI,sI,sI,sI,sI,sI,sI,sI,sI,sI,sI,sI}", "up", 1, "epoch",
                     (json_int_t)k->epoch, "development", (int)k->development, "locked",
                     (int)k->locked, "service_root", (int)k->has_root, "mints_ids", (int)k->joined,
                     "directory_good", (int)k->directory_good, "sealed", (json_int_t)k->n_sealed,
                     "opened", (json_int_t)k->n_opened, "resealed", (json_int_t)k->n_resealed,
                     "refused", (json_int_t)k->n_refused, "matched", (json_int_t)k->n_matched,
                     "mismatched", (json_int_t)k->n_mismatched, "identified",
                     (json_int_t)k->n_identified, "held_back", (json_int_t)k->n_held_back,
                     "opened_ever", (json_int_t)k->opened_ever, "opened_today",
                     (json_int_t)k->opened_today, "seals_generation",
                     (json_int_t)k->seals_generation, "seals", (json_int_t)k->seals);
}

static json_t *endings_json(const struct jt_endings *e)
{
    return json_pack("{s{si,si,sI,si,si,si},sI,sI,si}", "destructions", "waiting", (int)e->waiting,
                     "grace", (int)e->grace, "grace_seconds_left", (json_int_t)e->grace_left_s,
                     "due", (int)e->due, "cancelled", (int)e->cancelled, "erasing", (int)e->erasing,
                     "stuck_cards", (json_int_t)e->stuck_cards, "written_off_cards",
                     (json_int_t)e->written_off_cards, "write_offs_waiting",
                     (int)e->write_offs_waiting);
}

static json_t *answer(const struct jt_api *api, void *state)
{
    const struct jt_peers *peers = state;
    struct jt_vault *vault = api->vault;
    uint64_t active = atomic_load(&vault->active_generation);
    uint64_t verified_s = atomic_load(&vault->backup_verified_s);
    enum jt_err why = jt_front_course_why(vault);
    json_t *disagrees = jt_json_text_or_null(why == JT_OK ? "" : jt_err_str(why));
    return json_pack("{ss,si,sb,sb,ss,sI,so,s{sb,sb,so},s{sI,so,si},s{si,so,si},so,si,sb,sb,so,so}",
                     "node", vault->node.name, "number", (int)atomic_load(&vault->number), "lease",
                     (int)jt_vault_leased(vault), "keys_held", (int)atomic_load(&vault->keys_held),
                     "version", JETON_VERSION, "uptime_seconds",
                     (json_int_t)((jt_clock_ms() - vault->started_ms) / 1000), "keeper",
                     keeper_json(peers), "database", "up", (int)peers->database_up, "schema",
                     (int)jt_vault_database_good(vault), "disagrees", disagrees, "ring", "epoch",
                     (json_int_t)atomic_load(&vault->ring_epoch), "active",
                     active == 0 ? json_null() : json_integer((json_int_t)active), "key_ids_taken",
                     (int)atomic_load(&vault->key_ids_taken), "holders", "service_root",
                     (int)atomic_load(&vault->root_holders), "backup_verified_at",
                     verified_s == 0 ? json_null() : jt_backup_time_json(verified_s),
                     "backup_lacks", (int)atomic_load(&vault->backup_lacks), "endings",
                     peers->endings_known ? endings_json(&peers->endings) : json_null(),
                     "columns_waiting", (int)atomic_load(&vault->columns_waiting), "sets_verified",
                     (int)atomic_load(&vault->sets.all_good), "numeric_tokens",
                     (int)!atomic_load(&vault->numeric.waits), "connections",
                     connections_json(api->doors), "counters", counters_json(&vault->counters));
}

const struct jt_operation jt_operation_status = {
    .state_size = sizeof(struct jt_peers),
    .act = look,
    .status = 200,
    .answer = answer,
};

/* --- for load balancers --- */

static void say_alive(struct jt_request *r)
{
    jt_request_answer_json(r, 200, json_pack("{ss}", "status", "alive"));
}

const struct jt_operation jt_operation_livez = { .handler = say_alive };

/* What of readiness stands, in the order in which it is told. */
struct check {
    const char *name;
    bool good;
};
#define N_CHECKS 13

struct standing {
    struct check checks[N_CHECKS];
    bool ready, stopping;
    enum jt_err history; /* why it is not good */
};

static void look_around(const struct jt_api *api, struct standing *out)
{
    const struct jt_readiness is = jt_lanes_readiness(api->lanes);
    bool full = jt_door_full(api->doors);
    *out = (struct standing){
        .checks = { { "keeper", is.keeper },
                    { "database", is.database },
                    { "history", is.history },
                    { "registered", is.registered },
                    { "lease", is.lease },
                    { "keys", is.keys },
                    { "ring", is.ring },
                    { "ids", is.ids },
                    { "sets", is.sets },
                    { "directory", is.directory },
                    { "schema", is.schema },
                    { "numeric", is.numeric },
                    { "connections", !full } },
        .ready = jt_vault_ready(api->vault) && !full,
        .stopping = atomic_load(&api->vault->stopping),
        .history = jt_front_course_why(api->vault),
    };
}

static void write_parts(const void *arg, struct jt_buf *out)
{
    const struct standing *s = arg;
    for (size_t i = 0; i < N_CHECKS; i++) {
        jt_jsonw_bool(out, s->checks[i].name, s->checks[i].good);
    }
    if (s->history != JT_OK) {
        jt_jsonw_text(out, "reason", jt_err_str(s->history));
    }
}

static void say(struct jt_buf *out, const char *a, const char *b, const char *c)
{
    const char *const parts[] = { a, b, c };
    for (size_t i = 0; i < 3; i++) {
        jt_buf_put(out, parts[i], strlen(parts[i]));
    }
}

/* As Kubernetes writes it. Another loop's connections may be what is missing. */
static void say_line_by_line(struct jt_request *r, const struct standing *s)
{
    struct jt_buf *out = &r->http.answer.body;
    for (size_t i = 0; i < N_CHECKS; i++) {
        const struct check *c = &s->checks[i];
        say(out, c->good ? "[+]" : "[-]", c->name, c->good ? " ok\n" : " failed\n");
    }
    if (s->history != JT_OK) {
        say(out, "history: ", jt_err_str(s->history), "\n");
    }
    say(out, s->stopping ? "[-]" : "[+]", "not-stopping", s->stopping ? " failed\n" : " ok\n");
    say(out, "readyz check ", s->ready ? "passed" : "failed", "");
    jt_request_answer_text(r, s->ready ? 200 : 503);
}

/*
 * What of it stands is told as members of the problem, or line by line with ?verbose: whoever is
 * called at night asks here first.
 */
static void say_whether_ready(struct jt_request *r)
{
    struct standing s;
    look_around(r->api, &s);
    if (r->query) {
        say_line_by_line(r, &s);
    } else if (s.ready) {
        jt_request_answer_json(r, 200, json_pack("{ss}", "status", "ready"));
    } else {
        enum jt_problem_type problem = s.stopping           ? JT_PROBLEM_STOPPING
                                       : s.history == JT_OK ? JT_PROBLEM_UNAVAILABLE
                                                            : JT_PROBLEM_NOT_READY;
        jt_request_answer_problem_with(r, problem, write_parts, &s);
    }
}

const struct jt_operation jt_operation_readyz = { .query = "verbose",
                                                  .handler = say_whether_ready };
