/* SPDX-License-Identifier: Apache-2.0 */
/* Fields, clients, generations and acknowledgements as rows. */
#include "tests/db/fixture.h"

#include "store/acks.h"
#include "store/clients.h"
#include "store/fields.h"
#include "store/sets.h"

#include <string.h>

static const struct jt_act alice = { .node = "node-1", .actor = "alice" };

/* Member by member: the bytes between members mean nothing. */
static void assert_same_field(const struct jt_field_row *a, const struct jt_field_row *b)
{
    assert_int_equal(a->spec.id, b->spec.id);
    assert_string_equal(a->spec.name, b->spec.name);
    assert_int_equal(a->spec.kind, b->spec.kind);
    assert_int_equal(a->spec.dedup, b->spec.dedup);
    assert_int_equal(a->spec.allow_bad_luhn, b->spec.allow_bad_luhn);
    assert_int_equal(a->spec.rules_len, b->spec.rules_len);
    assert_memory_equal(a->spec.rules, b->spec.rules, a->spec.rules_len);
    assert_int_equal(a->mac_epoch, b->mac_epoch);
    assert_memory_equal(a->mac, b->mac, sizeof a->mac);
}

static void assert_same_client(const struct jt_client_row *a, const struct jt_client_row *b)
{
    assert_string_equal(a->spec.id, b->spec.id);
    assert_int_equal(a->spec.permissions, b->spec.permissions);
    assert_memory_equal(a->secret_mac, b->secret_mac, sizeof a->secret_mac);
    assert_int_equal(a->terms_len, b->terms_len);
    assert_memory_equal(a->terms, b->terms, a->terms_len);
    assert_int_equal(a->mac_epoch, b->mac_epoch);
    assert_memory_equal(a->mac, b->mac, sizeof a->mac);
}

static void assert_same_generation(const struct jt_generation_row *a,
                                   const struct jt_generation_row *b)
{
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->key_id, b->key_id);
    assert_int_equal(a->state, b->state);
    assert_memory_equal(a->check_value, b->check_value, sizeof a->check_value);
    assert_int_equal(a->mac_epoch, b->mac_epoch);
    assert_memory_equal(a->mac, b->mac, sizeof a->mac);
}

/* The row with the set row that a keeper would have made beside it. */
static struct jt_field_change field_change(struct jt_field_row *row, uint64_t version)
{
    row->state = JT_ROW_ACTIVE;
    row->revision = version;
    return (struct jt_field_change){
        .row = *row, .set = { .kind = JT_SET_FIELDS, .version = version, .n = (uint32_t)version }
    };
}

static enum jt_err insert_field(struct fx *fx, struct jt_field_row *row, uint64_t version)
{
    const struct jt_field_change change = field_change(row, version);
    return jt_field_insert(fx->db, &change, &alice);
}

struct fields {
    size_t n;
    struct jt_field_row rows[8];
};

static void note_field(void *arg, const struct jt_field_row *row)
{
    struct fields *found = arg;
    assert_true(found->n < 8);
    found->rows[found->n++] = *row;
}

static enum jt_err read_fields(struct fx *fx, struct fields *found)
{
    struct jt_set_row set;
    found->n = 0;
    return jt_set_fields_since(fx->db, 0, &set, note_field, found);
}

static void fields_are_stored_once_and_come_back_whole(void **state)
{
    struct fx *fx = *state;
    struct jt_field_row row = {
        .spec = { .id = 1, .name = "cards.pan", .kind = JT_FIELD_PAN, .dedup = true },
        .mac_epoch = 3,
        .mac = { 1, 2, 3 }
    };
    row.spec.rules_len = JT_CARD_RULES_MAX;
    memset(row.spec.rules, 0xa5, sizeof row.spec.rules); /* what they say is not looked at here */
    assert_int_equal(insert_field(fx, &row, 1), JT_OK);
    struct jt_field_row other = row;
    assert_int_equal(insert_field(fx, &other, 2), JT_ERR_FIELD_EXISTS);
    other.spec.id = 2;
    assert_int_equal(insert_field(fx, &other, 2), JT_ERR_FIELD_EXISTS); /* the name */
    other.spec.name[0] = 'x';
    other.spec.id = 1;
    assert_int_equal(insert_field(fx, &other, 2), JT_ERR_FIELD_EXISTS); /* the id */
    other.spec.id = 0;
    assert_int_equal(insert_field(fx, &other, 2), JT_ERR_DB_REFUSED);
    other.spec.id = UINT32_MAX;
    assert_int_equal(insert_field(fx, &other, 2), JT_ERR_LIMIT);
    struct fields found = { .n = 0 };
    assert_int_equal(read_fields(fx, &found), JT_OK);
    assert_int_equal(found.n, 1);
    assert_same_field(&found.rows[0], &row);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM field WHERE created_by = 'alice'"),
                     1);
    /* a refusal leaves it */
    assert_int_equal(fx_number(fx->plain, "SELECT version FROM row_set WHERE kind = 2"), 1);
}

static void a_field_row_that_a_dba_broke_is_refused(void **state)
{
    struct fx *fx = *state;
    struct jt_field_row row = { .spec = { .id = 1, .name = "pan", .kind = JT_FIELD_PAN } };
    struct fields found;
    assert_int_equal(insert_field(fx, &row, 1), JT_OK);
    fx_exec(fx->plain, "UPDATE field SET kind = 300");
    assert_int_equal(read_fields(fx, &found), JT_ERR_DB_FAULT);
    fx_exec(fx->plain, "UPDATE field SET kind = 1, name = repeat('n', 65)");
    assert_int_equal(read_fields(fx, &found), JT_ERR_DB_FAULT);
    fx_exec(fx->plain, "ALTER TABLE field ALTER dedup TYPE text");
    assert_int_equal(read_fields(fx, &found), JT_ERR_DB_FAULT);
}

static struct jt_client_change client_change(const char *id, enum jt_standing state,
                                             uint64_t version)
{
    struct jt_client_change c = {
        .row = { .spec = { .permissions = JT_MAY_TOKENIZE | JT_MAY_DETOKENIZE },
                 .secret_mac = { 9 },
                 .state = (uint8_t)state,
                 .revision = version,
                 .mac_epoch = 2,
                 .mac = { 8, (uint8_t)version },
                 .terms_len = 3,
                 .terms = { 1, 0, (uint8_t)version } },
        .set = { .kind = JT_SET_CLIENTS,
                 .version = version,
                 .n = 2,
                 .operators = 1,
                 .nonce = { 1 },
                 .digest = { 2 },
                 .mac_epoch = 2,
                 .mac = { 3, (uint8_t)version } },
    };
    (void)snprintf(c.row.spec.id, sizeof c.row.spec.id, "%s", id);
    return c;
}

static void clients_are_stored_once_and_come_back_whole(void **state)
{
    struct fx *fx = *state;
    const struct jt_client_change first = client_change("app-1", JT_ROW_ACTIVE, 2);
    const struct jt_client_change again = client_change("app-1", JT_ROW_ACTIVE, 3);
    struct jt_client_row back;
    assert_int_equal(jt_client_get(fx->db, "app-1", &back), JT_ERR_NO_CLIENT);
    assert_int_equal(jt_client_insert(fx->db, &first, &alice, first.row.spec.id), JT_OK);
    assert_int_equal(jt_client_insert(fx->db, &again, &alice, again.row.spec.id),
                     JT_ERR_CLIENT_EXISTS);
    assert_int_equal(jt_client_get(fx->db, "app-1", &back), JT_OK);
    assert_same_client(&back, &first.row);
    assert_int_equal(back.state, JT_ROW_ACTIVE);
    assert_int_equal(back.revision, 2);
}

struct seen_clients {
    size_t n;
    struct jt_client_row last;
};

static void note_client(void *arg, const struct jt_client_row *row)
{
    struct seen_clients *seen = arg;
    seen->n++;
    seen->last = *row;
}

static void one_change_of_a_set_costs_one_row(void **state)
{
    struct fx *fx = *state;
    struct seen_clients seen = { 0 };
    struct jt_set_row set;
    const struct jt_client_change added = client_change("app-1", JT_ROW_ACTIVE, 2);
    const struct jt_client_change revoked = client_change("app-1", JT_ROW_REVOKED, 3);
    assert_int_equal(jt_client_insert(fx->db, &added, &alice, added.row.spec.id), JT_OK);
    assert_int_equal(jt_set_clients_since(fx->db, 0, &set, note_client, &seen), JT_OK);
    assert_int_equal(seen.n, 2); /* the first operator is there from the beginning */
    assert_memory_equal(set.mac, added.set.mac, sizeof set.mac);
    assert_int_equal(set.operators, 1);
    assert_int_equal(jt_client_update(fx->db, &revoked, &alice, JT_AUDIT_CLIENT_REVOKE, "app-1"),
                     JT_OK);
    seen = (struct seen_clients){ 0 };
    assert_int_equal(jt_set_clients_since(fx->db, 2, &set, note_client, &seen), JT_OK);
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.last.state, JT_ROW_REVOKED);
    assert_memory_equal(seen.last.mac, revoked.row.mac, sizeof seen.last.mac);
    seen = (struct seen_clients){ 0 };
    assert_int_equal(jt_set_clients_since(fx->db, 3, &set, note_client, &seen), JT_OK);
    assert_int_equal(seen.n, 0);
    assert_int_equal(set.version, 3);
    fx_exec(fx->plain, "DELETE FROM row_set");
    assert_int_equal(jt_set_clients_since(fx->db, 0, &set, note_client, &seen), JT_OK);
    assert_int_equal(set.version, 0);
}

static void whoever_changes_a_set_second_changes_nothing(void **state)
{
    struct fx *fx = *state;
    const struct jt_client_change first = client_change("app-1", JT_ROW_ACTIVE, 2);
    /* from the same set row */
    const struct jt_client_change second = client_change("app-2", JT_ROW_ACTIVE, 2);
    const struct jt_client_change ahead = client_change("app-2", JT_ROW_ACTIVE, 4);
    const struct jt_client_change nobody = client_change("app-9", JT_ROW_REVOKED, 3);
    assert_int_equal(jt_client_insert(fx->db, &first, &alice, first.row.spec.id), JT_OK);
    assert_int_equal(jt_client_insert(fx->db, &second, &alice, second.row.spec.id), JT_ERR_SET_OLD);
    assert_int_equal(jt_client_insert(fx->db, &ahead, &alice, ahead.row.spec.id), JT_ERR_SET_OLD);
    assert_int_equal(jt_client_update(fx->db, &nobody, &alice, JT_AUDIT_CLIENT_REVOKE, "app-1"),
                     JT_ERR_NO_CLIENT);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM client WHERE id <> 'first'"), 1);
    assert_int_equal(fx_number(fx->plain, "SELECT version FROM row_set WHERE kind = 1"), 2);
    const struct jt_field_change late = {
        .row = { .spec = { .id = 3, .name = "f", .kind = JT_FIELD_PAN },
                 .state = 1,
                 .revision = 1 },
        .set = { .kind = JT_SET_FIELDS, .version = 1, .n = 1 }
    };
    assert_int_equal(jt_field_insert(fx->db, &late, &alice), JT_OK);
    /* the first of all is a change as well */
    assert_int_equal(jt_field_insert(fx->db, &late, &alice), JT_ERR_SET_OLD);
}

static void note_generation(void *arg, const struct jt_generation_info *info)
{
    uint64_t *numbers = arg;
    numbers[++numbers[0]] = info->row.number;
}

static void see_taken(struct jt_db *db, struct jt_generations_taken *out)
{
    const struct jt_generation_row none = { 0 };
    char at[JT_TIME_LEN];
    bool busy;
    assert_int_equal(jt_generation_begin(db, out, &busy), JT_OK);
    assert_int_equal(jt_generation_end(db, JT_ERR_STOPPING, &none, NULL, &fx_act, at),
                     JT_ERR_STOPPING);
}

static void generations_are_created_once_each_number_and_key_id(void **state)
{
    struct fx *fx = *state;
    struct jt_generations_taken taken;
    char at[JT_TIME_LEN];
    const uint8_t none[32] = { 0 };
    see_taken(fx->db, &taken);
    assert_int_equal(taken.highest, 0);
    assert_int_equal(taken.n_future, 0);
    assert_memory_equal(taken.key_ids, none, 32);
    struct jt_generation_row row = { .number = 4,
                                     .key_id = 200,
                                     .state = JT_GENERATION_FUTURE,
                                     .check_value = { 7 },
                                     .mac_epoch = 1,
                                     .mac = { 6 } };
    assert_int_equal(fx_insert_generation(fx->db, &row, &alice, at), JT_OK);
    assert_int_equal(fx_insert_generation(fx->db, &row, &alice, at), JT_ERR_KEY_ID_TAKEN);
    struct jt_generation_row other = row;
    other.number = 5;
    /* the key id */
    assert_int_equal(fx_insert_generation(fx->db, &other, &alice, at), JT_ERR_KEY_ID_TAKEN);
    other.key_id = 9;
    assert_int_equal(fx_insert_generation(fx->db, &other, &alice, at), JT_OK);
    other.state = JT_GENERATION_ACTIVE;
    other.number = 6;
    assert_int_equal(fx_insert_generation(fx->db, &other, &alice, at), JT_ERR_INVALID);
    see_taken(fx->db, &taken);
    assert_int_equal(taken.highest, 5);
    assert_int_equal(taken.n_future, 2);
    assert_int_equal(taken.key_ids[25], 1);
    assert_int_equal(taken.key_ids[1], 2);
    uint64_t numbers[8] = { 0 };
    assert_int_equal(jt_generations_list(fx->db, note_generation, numbers), JT_OK);
    assert_int_equal(numbers[0], 2);
    assert_int_equal(numbers[1], 4);
    struct jt_generation_info info;
    assert_int_equal(jt_generation_get(fx->db, 4, &info), JT_OK);
    assert_same_generation(&info.row, &row);
    assert_string_equal(info.created_by, "alice");
    assert_int_equal(strlen(info.created_at), 24);
    assert_string_equal(info.activated_at, "");
    assert_int_equal(info.rows_written, 0);
    assert_int_equal(jt_generation_get(fx->db, 99, &info), JT_ERR_NO_GENERATION);
    assert_int_equal(jt_generation_get(fx->db, 0, &info), JT_ERR_NO_GENERATION);
    /* The key id of a destroyed generation is free again; its number is not. */
    assert_int_equal(jt_generation_abandon(fx->db, &row, &alice, at), JT_OK);
    assert_int_equal(jt_generation_get(fx->db, 4, &info), JT_OK);
    assert_int_equal(info.row.state, JT_GENERATION_DESTROYED);
    assert_memory_equal(info.row.mac, row.mac, sizeof row.mac); /* the keeper is shown it again */
    assert_string_equal(info.destroyed_at, at);
    assert_string_equal(info.destroyed_by, "alice");
    assert_int_equal(jt_generation_abandon(fx->db, &row, &alice, at), JT_ERR_WRONG_STATE);
    assert_int_equal(
        fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 10 AND object = '4'"), 1);
    other = row;
    assert_int_equal(fx_insert_generation(fx->db, &other, &alice, at), JT_ERR_KEY_ID_TAKEN);
    other.number = 7;
    assert_int_equal(fx_insert_generation(fx->db, &other, &alice, at), JT_OK);
}

static void the_newest_acknowledgement_counts(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    static const char stored[] =
        "SELECT count(*) FROM key_ack WHERE generation = 1 AND node = 'n1' AND "
        "get_byte(uuid_send(incarnation), 0) = 1 AND get_byte(challenge, 0) = 4 AND "
        "get_byte(mac, 0) = 3 AND at > now() - interval '1 minute'";
    struct jt_ack ack = { .node = "n1", .incarnation = { 1 }, .challenge = { 2 }, .mac = { 3 } };
    assert_int_equal(jt_ack_insert(fx->db, 1, "n1", &ack), JT_OK);
    ack.challenge[0] = 4;
    assert_int_equal(jt_ack_insert(fx->db, 1, "n1", &ack), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM key_ack"), 1);
    assert_int_equal(fx_number(fx->plain, stored), 1);
    assert_int_equal(jt_ack_insert(fx->db, 2, "n1", &ack),
                     JT_ERR_DB_REFUSED); /* no such generation */
}

/*
 * Two creators, on whichever nodes: the database lets one at a time read what is taken and store,
 * so that both make one, and neither is told of a conflict.
 */
static void creators_of_generations_take_turns(void **state)
{
    struct fx *fx = *state;
    struct jt_db *second;
    assert_int_equal(jt_db_new(fx_conninfo(), "other_db", 30000, &second), JT_OK);
    fx_chain(second);
    struct jt_generations_taken first_sees, second_sees;
    bool busy;
    char at[JT_TIME_LEN];
    assert_int_equal(jt_generation_begin(fx->db, &first_sees, &busy), JT_OK);
    assert_false(busy);
    assert_int_equal(jt_generation_begin(second, &second_sees, &busy), JT_ERR_DB_PASSING);
    assert_true(busy);
    struct jt_generation_row row = {
        .number = first_sees.highest + 1, .key_id = 7, .state = JT_GENERATION_FUTURE, .mac_epoch = 1
    };
    assert_int_equal(jt_generation_end(fx->db, JT_OK, &row, NULL, &fx_act, at), JT_OK);
    assert_int_equal(jt_generation_begin(second, &second_sees, &busy), JT_OK);
    assert_int_equal(second_sees.highest, first_sees.highest + 1);
    assert_true(jt_key_id_set_has(second_sees.key_ids, 7));
    /* one that gives up leaves nothing behind, the lock neither */
    assert_int_equal(jt_generation_end(second, JT_ERR_TOO_MANY_FUTURE, &row, NULL, &fx_act, at),
                     JT_ERR_TOO_MANY_FUTURE);
    see_taken(fx->db, &first_sees);
    assert_int_equal(first_sees.highest, second_sees.highest);
    jt_db_free(second);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(fields_are_stored_once_and_come_back_whole),
        fx_vault_test(a_field_row_that_a_dba_broke_is_refused),
        fx_vault_test(clients_are_stored_once_and_come_back_whole),
        fx_vault_test(one_change_of_a_set_costs_one_row),
        fx_vault_test(whoever_changes_a_set_second_changes_nothing),
        fx_vault_test(generations_are_created_once_each_number_and_key_id),
        fx_vault_test(creators_of_generations_take_turns),
        fx_vault_test(the_newest_acknowledgement_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
