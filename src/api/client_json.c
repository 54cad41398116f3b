/* SPDX-License-Identifier: Apache-2.0 */
#include "api/client_json.h"

#include "api/client_members.h"
#include "api/json.h"
#include "base/hex.h"

static void add_text(void *arg, const char *text)
{
    (void)json_array_append_new(arg, json_string(text));
}

json_t *jt_permissions_json(const struct jt_may *may)
{
    json_t *names = json_array();
    jt_may_each(may, add_text, names);
    return names;
}

json_t *jt_networks_json(const struct jt_network *networks, size_t n)
{
    json_t *texts = json_array();
    for (size_t i = 0; i < n; i++) {
        char text[JT_NETWORK_TEXT_MAX + 1];
        jt_network_format(&networks[i], text);
        add_text(texts, text);
    }
    return texts;
}

json_t *jt_certs_json(const uint8_t (*digests)[JT_CERT_DIGEST_LEN], size_t n)
{
    json_t *texts = json_array();
    for (size_t i = 0; i < n; i++) {
        char text[JT_CERT_DIGEST_LEN * 2 + 1];
        jt_hex_encode(digests[i], JT_CERT_DIGEST_LEN, text);
        add_text(texts, text);
    }
    return texts;
}

static json_t *bound_json(uint32_t bound)
{
    return bound == 0 ? json_null() : json_integer(bound);
}

json_t *jt_budgets_json(const struct jt_budget *budgets, size_t n)
{
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct jt_budget *b = &budgets[i];
        (void)json_array_append_new(all, json_pack("{ss,so,so}", "operation",
                                                   jt_permission_name(UINT32_C(1) << b->operation),
                                                   "per_second", bound_json(b->rate), "per_day",
                                                   bound_json(b->quota)));
    }
    return all;
}

static const char *state_name(uint8_t state)
{
    return state == JT_ROW_ACTIVE ? "active" : state == JT_ROW_DISABLED ? "disabled" : "removed";
}

json_t *jt_client_json(const struct jt_client_seen *seen)
{
    const struct jt_client_info *info = seen->info;
    const struct jt_client_terms *terms = &seen->terms;
    return json_pack(
        "{ss,so,ss,sb,so,so,so,so,so,ss,ss,so,so,so,so}", "id", info->row.spec.id, "permissions",
        jt_permissions_json(&seen->may), "state", state_name(info->row.state), "revoked",
        (int)(info->row.state == JT_ROW_REVOKED), "expires_at",
        jt_json_time_or_null(terms->expires_s), "networks",
        jt_networks_json(terms->networks, terms->n_networks), "certificates",
        jt_certs_json(terms->certs, terms->n_certs), "budgets",
        jt_budgets_json(terms->budgets, terms->n_budgets), "old_secret_until",
        jt_json_time_or_null(terms->old_until_s), "created_at", info->created_at, "created_by",
        info->created_by, "changed_at", jt_json_text_or_null(info->changed_at), "changed_by",
        jt_json_text_or_null(info->changed_by), "revoked_at",
        jt_json_text_or_null(info->revoked_at), "revoked_by",
        jt_json_text_or_null(info->revoked_by));
}

/* In any order. Both are given up. */
static bool same_all(json_t *found, json_t *wanted)
{
    size_t i, j;
    json_t *x, *y;
    bool same =
        found != NULL && wanted != NULL && json_array_size(found) == json_array_size(wanted);
    json_array_foreach(wanted, i, x)
    {
        bool there = false;
        json_array_foreach(found, j, y)
        {
            there = there || json_equal(x, y);
        }
        same = same && there;
    }
    json_decref(found);
    json_decref(wanted);
    return same;
}

static json_t *member(const json_t *client, const char *name)
{
    return json_incref(json_object_get(client, name));
}

bool jt_client_json_is(const json_t *client, const struct jt_may *may,
                       const struct jt_client_bounds *bounds, bool whole)
{
    const struct jt_client_bounds *b = bounds;
    json_t *expiry = jt_json_time_or_null(b->expires_s);
    bool same_expiry = json_equal(json_object_get(client, "expires_at"), expiry);
    json_decref(expiry);
    return same_all(member(client, "permissions"), jt_permissions_json(may)) &&
           (same_expiry || !(whole || b->has_expiry)) &&
           (!(whole || b->has_networks) ||
            same_all(member(client, "networks"), jt_networks_json(b->networks, b->n_networks))) &&
           (!(whole || b->has_certs) ||
            same_all(member(client, "certificates"), jt_certs_json(b->certs, b->n_certs))) &&
           (!(whole || b->has_budgets) ||
            same_all(member(client, "budgets"), jt_budgets_json(b->budgets, b->n_budgets)));
}
