/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/cmd_init.c: cut off at every step and run again, it ends with one ring, one operator and the
 * key that is in the file.
 *
 * Database, keeper and their processes are doubles defined here: the linker takes them instead of
 * the libraries' own. The real ones are in tests/e2e.
 */
#include "cli/command.h"
#include "cli/enroll.h"
#include "cli/exit.h"
#include "cli/keeper_process.h"
#include "cli/unsealing.h"
#include "keyclient/keyclient.h"
#include "store/cards.h"
#include "store/clients.h"
#include "store/migrate.h"
#include "store/ring.h"
#include "store/starts.h"
#include "tests/unit/cli/directory.h"
#include "vault/credential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The steps that can fail, in the order in which they come. */
enum step {
    CONNECT,
    CHECK,
    READ_RING,
    LOOK_FOR_CARDS,
    MAKE_MASTER,
    START_KEEPER,
    OPEN_KEEPER,
    FIRST_RING,
    MAKE_CLIENT,
    STORE,
    N_STEPS
};

static struct {
    int fails; /* a step, or N_STEPS: none */
    enum jt_err err;
    bool lost_commit; /* STORE does its work all the same */
    bool has_ring, has_cards, keeper_has_ring;
    int masters_made, keepers_running;
    struct jt_client_row stored;
    uint8_t secret[JT_CLIENT_SECRET_LEN]; /* of the stored operator */
    uint8_t made[JT_CLIENT_SECRET_LEN];   /* what the keeper was given last */
} world;

static enum jt_err outcome(enum step step)
{
    return world.fails == (int)step ? world.err : JT_OK;
}

struct jt_db {
    int unused;
};

struct jt_keyclient {
    int unused;
};

static struct jt_db the_db;
static struct jt_keyclient the_keyclient;

enum jt_err jt_db_new(const char *conninfo, const char *application, int timeout_ms,
                      struct jt_db **out)
{
    (void)conninfo;
    (void)application;
    (void)timeout_ms;
    *out = &the_db;
    return JT_OK;
}

void jt_db_free(struct jt_db *db)
{
    (void)db;
}

enum jt_err jt_db_ensure(struct jt_db *db)
{
    (void)db;
    return outcome(CONNECT);
}

const struct jt_fault *jt_db_fault(const struct jt_db *db)
{
    static const struct jt_fault fault = { .err = JT_ERR_DB_AWAY, .cause = "in the test" };
    (void)db;
    return &fault;
}

enum jt_err jt_migrate_check(struct jt_db *db, int *found)
{
    (void)db;
    *found = 1;
    return outcome(CHECK);
}

enum jt_err jt_ring_read(struct jt_db *db, struct jt_ring_row *out)
{
    (void)db;
    out->epoch = 1;
    enum jt_err err = outcome(READ_RING);
    return err == JT_OK && !world.has_ring ? JT_ERR_NOT_INITIALIZED : err;
}

enum jt_err jt_cards_key_ids(struct jt_db *db, uint8_t out[static JT_KEY_ID_SET_LEN])
{
    (void)db;
    memset(out, 0, 32);
    out[0] = world.has_cards ? 1 << 1 : 0;
    return outcome(LOOK_FOR_CARDS);
}

/* The trail of the first rows: what is asked of its owner is asked while they are stored. */
static struct jt_chain_owner trail;

void jt_db_chain(struct jt_db *db, const struct jt_chain_owner *owner)
{
    (void)db;
    trail = *owner;
}

void jt_chain_begin(struct jt_chain *chain, uint32_t start, uint16_t connection,
                    const uint8_t mac[static JT_ROW_MAC_LEN])
{
    (void)mac;
    *chain = (struct jt_chain){ .start = start, .connection = connection };
}

enum jt_err jt_start_insert(struct jt_db *db, const struct jt_audit_start *start)
{
    (void)db;
    assert_in_range(start->id, 1, INT32_MAX);
    assert_string_equal(start->node, "");
    return JT_OK;
}

enum jt_err jt_keyclient_wait_audit_start(struct jt_keyclient *kc,
                                          const struct jt_audit_start *start,
                                          uint8_t mac[static JT_ROW_MAC_LEN])
{
    (void)start;
    assert_non_null(kc);
    memset(mac, 1, JT_ROW_MAC_LEN);
    return JT_OK;
}

enum jt_err jt_keyclient_wait_audit_link(struct jt_keyclient *kc, const struct jt_audit_link *link,
                                         uint8_t head[static JT_ROW_MAC_LEN])
{
    (void)link;
    assert_non_null(kc);
    memset(head, 2, JT_ROW_MAC_LEN);
    return JT_OK;
}

/* The keeper still runs when the rows are stored. */
static void link_rows(void)
{
    struct jt_chain chain = { .start = 0 };
    const struct jt_audit_link link = { .number = 1 };
    uint8_t head[JT_ROW_MAC_LEN];
    assert_int_equal(trail.ready(trail.arg, &chain), JT_OK);
    assert_int_not_equal(chain.start, 0);
    assert_int_equal(trail.sign(trail.arg, &link, head), JT_OK);
}

enum jt_err jt_ring_first(struct jt_db *db, const struct jt_ring_row *ring,
                          const struct jt_client_change *first_operator)
{
    (void)db;
    assert_int_equal(ring->epoch, 1);
    link_rows();
    enum jt_err err = outcome(STORE);
    if (err == JT_OK || world.lost_commit) {
        /* The key must be safe before the database knows of it. */
        assert_int_equal(access(directory_path("op.key"), F_OK), 0);
        world.has_ring = true;
        world.stored = first_operator->row;
        memcpy(world.secret, world.made, sizeof world.secret);
    }
    return err;
}

enum jt_err jt_client_get(struct jt_db *db, const char *id, struct jt_client_row *out)
{
    (void)db;
    *out = world.stored;
    return world.has_ring && strcmp(id, world.stored.spec.id) == 0 ? JT_OK : JT_ERR_NO_CLIENT;
}

int jt_enroll(struct jt_db *db, struct jt_keyclient *keeper, const struct jt_custodian_set *set,
              const char *actor)
{
    (void)db;
    (void)keeper;
    (void)set;
    (void)actor;
    fail(); /* nobody is to be enrolled here */
    return JT_EXIT_FAILED;
}

int jt_keeper_process_init(const char *config)
{
    (void)config;
    if (outcome(MAKE_MASTER) != JT_OK) {
        return JT_EXIT_FAILED;
    }
    world.masters_made++;
    directory_write("master.key", "a master key", 0600);
    return JT_EXIT_OK;
}

int jt_keeper_process_start(const char *config, enum jt_keeper_purpose purpose,
                            struct jt_keeper_process *out)
{
    (void)config;
    assert_int_equal(purpose, JT_KEEPER_FOR_COMMAND);
    *out = (struct jt_keeper_process){ .pid = 1, .fd = 1000 };
    if (outcome(START_KEEPER) != JT_OK) {
        return JT_EXIT_FAILED;
    }
    world.keepers_running++;
    return JT_EXIT_OK;
}

int jt_unseal_by_people(struct jt_keyclient *kc, const char *config,
                        const struct jt_unsealing_files *files)
{
    (void)kc;
    (void)config;
    assert_null(files);
    return JT_EXIT_OK;
}

void jt_keeper_process_stop(struct jt_keeper_process *keeper)
{
    (void)keeper;
    world.keepers_running--;
}

enum jt_err jt_keyclient_open(const char *socket_path, int fd, int timeout_ms,
                              struct jt_keyclient **out)
{
    assert_null(socket_path);
    assert_int_equal(fd, 1000);
    assert_true(timeout_ms > 0);
    enum jt_err err = outcome(OPEN_KEEPER);
    *out = err == JT_OK ? &the_keyclient : NULL;
    return err;
}

void jt_keyclient_free(struct jt_keyclient *kc)
{
    (void)kc;
}

enum jt_err jt_keyclient_wait_ring_first(struct jt_keyclient *kc, struct jt_ring_row *out)
{
    (void)kc;
    out->epoch = 1;
    return world.keeper_has_ring ? JT_ERR_RING_THERE : outcome(FIRST_RING);
}

enum jt_err jt_keyclient_wait_client_make(struct jt_keyclient *kc, const char *id,
                                          const struct jt_client_order *order,
                                          const struct jt_set_row *set,
                                          struct jt_client_change *out)
{
    (void)kc;
    assert_int_equal(order->permissions,
                     JT_MAY_OPERATE | JT_MAY_AUDIT | JT_MAY_CLIENTS | JT_MAY_CUSTODIAN);
    assert_int_equal(set->version, 0);
    *out = (struct jt_client_change){ .row = { .spec.permissions = order->permissions } };
    (void)snprintf(out->row.spec.id, sizeof out->row.spec.id, "%s", id);
    /* unlike the keeper's, but as unlike for other secrets */
    memcpy(out->row.secret_mac, order->secret, sizeof out->row.secret_mac);
    memcpy(world.made, order->secret, sizeof world.made);
    return outcome(MAKE_CLIENT);
}

static int init(void)
{
    static const struct jt_command command = { "init", "", "", JT_TAKES_CONFIG, jt_cmd_init };
    struct jt_cli cli = { .config = directory_path("jeton.conf") };
    char option[] = "--operator-key", path[400];
    snprintf(path, sizeof path, "%s", directory_path("op.key"));
    char *argv[] = { option, path };
    int code = jt_cmd_init(&command, &cli, 2, argv);
    assert_int_equal(world.keepers_running, 0);
    return code;
}

static int set_up(void **state)
{
    memset(&world, 0, sizeof world);
    world.fails = N_STEPS;
    int err = directory_make(state);
    if (err == 0) {
        char conf[500];
        snprintf(conf, sizeof conf, "[keeper]\ndirectory = %s\n", directory_path(""));
        directory_write("jeton.conf", conf, 0600);
    }
    return err;
}

/* The stored operator's secret is the one in the file. */
static void assert_initialised(void)
{
    struct jt_credential credential;
    char key[JT_API_KEY_MAX + 2];
    mode_t mode;
    assert_true(world.has_ring);
    assert_int_equal(world.masters_made, 1);
    snprintf(key, sizeof key, "%s", directory_read("op.key", &mode));
    assert_int_equal(mode, 0600);
    key[strcspn(key, "\n")] = '\0';
    assert_int_equal(jt_credential_parse(key, &credential), JT_OK);
    assert_string_equal(credential.id, "operator");
    assert_true(memcmp(credential.secret, world.secret, sizeof world.secret) == 0);
}

static void an_empty_machine_is_initialised_once(void **state)
{
    (void)state;
    assert_int_equal(init(), JT_EXIT_OK);
    assert_initialised();
    assert_int_equal(init(), JT_EXIT_FAILED);
    assert_initialised();
}

static void a_failure_at_any_step_can_be_repeated(void **state)
{
    for (int step = CONNECT; step < N_STEPS; step++) {
        world.fails = step;
        world.err = JT_ERR_DB_AWAY;
        assert_int_not_equal(init(), JT_EXIT_OK);
        assert_false(world.has_ring);
        world.fails = N_STEPS;
        assert_int_equal(init(), JT_EXIT_OK);
        assert_initialised();
        assert_int_equal(directory_remove(state), 0);
        assert_int_equal(set_up(state), 0);
    }
}

static void a_commit_whose_answer_was_lost_is_found(void **state)
{
    (void)state;
    world.fails = STORE;
    world.err = JT_ERR_DB_AWAY;
    world.lost_commit = true;
    assert_int_equal(init(), JT_EXIT_OK);
    assert_initialised();
}

static void somebody_elses_file_is_left_alone(void **state)
{
    (void)state;
    directory_write("op.key", "not a key\n", 0600);
    assert_int_equal(init(), JT_EXIT_FAILED);
    assert_string_equal(directory_read("op.key", NULL), "not a key\n");
    directory_write("op.key", "jck_other_0000000000000000000000000000000000000000000000000000\n",
                    0600);
    assert_int_equal(init(), JT_EXIT_FAILED);
    assert_false(world.has_ring);
}

static void states_that_need_somebody_to_look(void **state)
{
    (void)state;
    /* and the database none: the wrong database, or one that went back */
    world.keeper_has_ring = true;
    assert_int_equal(init(), JT_EXIT_FAILED);
    world.keeper_has_ring = false;
    world.has_cards = true; /* sealed under a service root that is not to be made again */
    assert_int_equal(init(), JT_EXIT_FAILED);
    assert_false(world.has_ring);
    world.has_cards = false;
    world.fails = CHECK;
    world.err = JT_ERR_RING_THERE;
    assert_int_equal(init(), JT_EXIT_FAILED);
    world.fails = STORE;
    assert_int_equal(init(), JT_EXIT_FAILED);
    world.fails = CONNECT;
    world.err = JT_ERR_DB_AWAY;
    assert_int_equal(init(), JT_EXIT_UNAVAILABLE);
    assert_false(world.has_ring);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_machine_is_initialised_once),    TEST(a_failure_at_any_step_can_be_repeated),
        TEST(a_commit_whose_answer_was_lost_is_found), TEST(somebody_elses_file_is_left_alone),
        TEST(states_that_need_somebody_to_look),
    };
    return cmocka_run_group_tests_name("cli/cmd_init", tests, NULL, NULL);
}
