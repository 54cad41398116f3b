/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/recoverytext.h"

#include "base/hex.h"
#include "base/random.h"
#include "keeper/idmint.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

/* Appends; once it did not fit, text_len is beyond the room. */
__attribute__((format(printf, 2, 3))) static void add(struct jt_recovery_request *r,
                                                      const char *format, ...)
{
    va_list args;
    if (r->text_len > JT_RECOVERY_TEXT_MAX) {
        return;
    }
    va_start(args, format);
    int n = vsnprintf(r->text + r->text_len, sizeof r->text - r->text_len, format, args);
    va_end(args);
    r->text_len += n < 0 ? JT_RECOVERY_TEXT_MAX + 1 : (size_t)n;
}

static const char *state_name(uint8_t state)
{
    return state == 0 ? "unknown" : jt_generation_state_name((enum jt_generation_state)state);
}

static void add_generation(struct jt_recovery_request *r, const struct jt_recovery_change *c)
{
    char check[2 * JT_CHECK_VALUE_LEN + 1];
    jt_hex_encode(c->check_value, sizeof c->check_value, check);
    add(r,
        "generation: %" PRIu64 " key-id %u check-value %s keeper %s database %s cards %" PRIu64
        " becomes %s%s\n",
        c->number, c->key_id, check, state_name(c->keeper_state), state_name(c->database_state),
        c->n_cards, state_name(c->after), c->lost ? " CARDS LOST" : "");
}

/* The time up to which no id is minted. */
static void add_floor(struct jt_recovery_request *r)
{
    char text[32] = "-";
    time_t s = (time_t)(r->floor_ms / 1000 + JT_IDMINT_EPOCH_S);
    struct tm tm;
    if (gmtime_r(&s, &tm) != NULL) {
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
    add(r, "ids-after: %s\n", text);
}

enum jt_err jt_recoverytext_write(const struct jt_keeper *k, const struct jt_recovery_database *db,
                                  enum jt_err why, const struct jt_recovery_plan *plan,
                                  struct jt_recovery_request *request)
{
    uint8_t challenge[JT_CHALLENGE_LEN];
    char hex[2 * JT_CHALLENGE_LEN + 1], root[2 * JT_CHECK_VALUE_LEN + 1];
    char seen[JT_COURSE_TEXT] = "none", now[JT_COURSE_TEXT];
    uint64_t n_lost = 0;
    request->text_len = 0;
    jt_hex_encode(k->root->check_value, JT_CHECK_VALUE_LEN, root);
    if (jt_course_known(&k->state.course)) {
        jt_course_format(&k->state.course, seen);
    }
    jt_course_format(&db->course, now);
    add(request,
        "jeton custodian approval v1\nact: recover\nenvironment: %s\nservice-root: %s\nnode: %s\n",
        k->development ? "development" : "production", root, request->node);
    add(request, "disagrees: %s\n", why == JT_OK ? "nothing" : jt_err_str(why));
    add(request, "keeper: epoch %" PRIu64 ", %s\n", k->state.highest_epoch, seen);
    add(request, "database: epoch %" PRIu64 ", %s\n", db->ring.epoch, now);
    for (size_t i = 0; i < plan->n; i++) {
        add_generation(request, &plan->all[i]);
        n_lost += plan->all[i].lost ? plan->all[i].n_cards : 0;
    }
    add(request, "cards-lost: %" PRIu64 "\nepoch: %" PRIu64 "\n", n_lost, request->epoch);
    add_floor(request);
    jt_random_fill(challenge, sizeof challenge);
    jt_hex_encode(challenge, sizeof challenge, hex);
    add(request, "challenge: %s\n", hex);
    return request->text_len > JT_RECOVERY_TEXT_MAX ? JT_ERR_LIMIT : JT_OK;
}
