/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection breaks at COMMIT: what became of the act is asked of the server and answered, and
 * only where that cannot be had does anybody hear that it is unknown. A proxy stands between and
 * breaks off where it is told to.
 */
#include "tests/db/fixture.h"

#include "base/clock.h"
#include "store/db.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum cut {
    CUT_NOT,
    CUT_BEFORE,   /* the COMMIT does not arrive */
    CUT_AFTER,    /* it arrives; its answer does not */
    CUT_AT_ONCE,  /* it arrives; the server is still at it when the connection breaks */
    CUT_FOR_GOOD, /* the same as CUT_AFTER, and nobody connects again */
};

struct proxy {
    char directory[32], path[64], upstream[108];
    int listener;
    pthread_t thread;
    _Atomic int cut;
    _Atomic bool closed;
};

static int connect_upstream(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        abort();
    }
    return fd;
}

static bool pass_on(int to, const char *buffer, ssize_t n)
{
    for (ssize_t at = 0; at < n;) {
        ssize_t sent = send(to, buffer + at, (size_t)(n - at), MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += sent;
    }
    return true;
}

/* False when the connection is over. */
static bool forward(struct proxy *proxy, int from, int to, bool to_server)
{
    char buffer[16384];
    ssize_t n = read(from, buffer, sizeof buffer);
    if (n <= 0) {
        return false;
    }
    int cut = atomic_load(&proxy->cut);
    if (to_server && cut != CUT_NOT && memmem(buffer, (size_t)n, "COMMIT", 7) != NULL) {
        atomic_store(&proxy->cut, CUT_NOT);
        if (cut == CUT_FOR_GOOD) {
            atomic_store(&proxy->closed, true);
            shutdown(proxy->listener, SHUT_RDWR);
        }
        if (cut != CUT_BEFORE) {
            (void)pass_on(to, buffer, n);
        }
        if (cut != CUT_BEFORE && cut != CUT_AT_ONCE) {
            /* The server's word, which nobody hears. */
            struct pollfd word = { .fd = to, .events = POLLIN };
            (void)poll(&word, 1, -1);
        }
        return false;
    }
    return pass_on(to, buffer, n);
}

static void *serve(void *arg)
{
    struct proxy *proxy = arg;
    for (;;) {
        int client = accept(proxy->listener, NULL, NULL);
        if (client < 0) {
            return NULL;
        }
        int server = connect_upstream(proxy->upstream);
        bool open = true;
        while (open) {
            struct pollfd fds[] = { { .fd = client, .events = POLLIN },
                                    { .fd = server, .events = POLLIN } };
            if (poll(fds, 2, -1) < 0) {
                abort();
            }
            if (fds[0].revents != 0) {
                open = forward(proxy, client, server, true);
            }
            if (open && fds[1].revents != 0) {
                open = forward(proxy, server, client, false);
            }
        }
        close(client);
        close(server);
    }
}

static struct jt_db *proxy_start(struct proxy *proxy, PGconn *plain)
{
    *proxy = (struct proxy){ .directory = "/tmp/jeton-proxy.XXXXXX" };
    assert_non_null(mkdtemp(proxy->directory));
    (void)snprintf(proxy->path, sizeof proxy->path, "%s/.s.PGSQL.5432", proxy->directory);
    (void)snprintf(proxy->upstream, sizeof proxy->upstream, "%.80s/.s.PGSQL.%.5s", PQhost(plain),
                   PQport(plain));
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, proxy->path, strlen(proxy->path) + 1);
    proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(proxy->listener >= 0);
    assert_int_equal(bind(proxy->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(proxy->listener, 4), 0);
    assert_int_equal(pthread_create(&proxy->thread, NULL, serve, proxy), 0);
    char conninfo[200];
    (void)snprintf(conninfo, sizeof conninfo,
                   "host=%s port=5432 dbname=%s "
                   "user=%s",
                   proxy->directory, PQdb(plain), PQuser(plain));
    struct jt_db *db;
    assert_int_equal(jt_db_new(conninfo, "jetond worker", 2000, &db), JT_OK);
    return db;
}

static void proxy_stop(struct proxy *proxy, struct jt_db *db)
{
    jt_db_free(db);
    (void)shutdown(proxy->listener, SHUT_RDWR);
    assert_int_equal(pthread_join(proxy->thread, NULL), 0);
    close(proxy->listener);
    (void)unlink(proxy->path);
    (void)rmdir(proxy->directory);
}

static enum jt_err create(struct jt_db *db, uint64_t number)
{
    const struct jt_generation_row row = {
        .number = number, .key_id = (uint8_t)number, .state = JT_GENERATION_FUTURE, .mac_epoch = 1
    };
    char at[JT_TIME_LEN];
    return jt_generation_insert(db, &row, &fx_act, at);
}

static int64_t n_generations(struct fx *fx)
{
    return fx_number(fx->plain, "SELECT count(*) FROM generation");
}

static void an_act_whose_answer_was_lost_is_success(void **state)
{
    struct fx *fx = *state;
    struct proxy proxy;
    struct jt_db *db = proxy_start(&proxy, fx->plain);
    assert_int_equal(create(db, 1), JT_OK);
    atomic_store(&proxy.cut, CUT_AFTER);
    assert_int_equal(create(db, 2), JT_OK);
    assert_int_equal(n_generations(fx), 2);
    assert_int_equal(create(db, 3), JT_OK);
    proxy_stop(&proxy, db);
}

static void an_act_that_never_arrived_is_known_not_to_have_happened(void **state)
{
    struct fx *fx = *state;
    struct proxy proxy;
    struct jt_db *db = proxy_start(&proxy, fx->plain);
    atomic_store(&proxy.cut, CUT_BEFORE);
    assert_int_equal(create(db, 1), JT_ERR_DB_PASSING);
    assert_int_equal(n_generations(fx), 0);
    assert_int_equal(create(db, 1), JT_OK);
    proxy_stop(&proxy, db);
}

static void an_act_that_is_still_under_way_is_waited_for(void **state)
{
    struct fx *fx = *state;
    struct proxy proxy;
    struct jt_db *db = proxy_start(&proxy, fx->plain);
    fx_exec(fx->plain, "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                       "PERFORM pg_sleep(0.4); "
                       "RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON "
                       "generation "
                       "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()");
    atomic_store(&proxy.cut, CUT_AT_ONCE);
    assert_int_equal(create(db, 1), JT_OK);
    assert_int_equal(n_generations(fx), 1);
    proxy_stop(&proxy, db);
}

static void only_where_nobody_can_be_asked_is_it_unknown(void **state)
{
    struct fx *fx = *state;
    struct proxy proxy;
    struct jt_db *db = proxy_start(&proxy, fx->plain);
    atomic_store(&proxy.cut, CUT_FOR_GOOD);
    int64_t started_ms = jt_clock_ms();
    assert_int_equal(create(db, 1), JT_ERR_IN_DOUBT);
    assert_in_range(jt_clock_ms() - started_ms, 3000, 15000);
    assert_int_equal(n_generations(fx), 1); /* it was done */
    proxy_stop(&proxy, db);
}

/* A transaction that wrote nothing leaves no doubt. */
static void a_look_is_never_in_doubt(void **state)
{
    struct fx *fx = *state;
    struct proxy proxy;
    struct jt_db *db = proxy_start(&proxy, fx->plain);
    bool unused;
    atomic_store(&proxy.cut, CUT_AFTER);
    assert_int_equal(jt_generation_is_unused(db, 9, &unused), JT_ERR_DB_AWAY);
    proxy_stop(&proxy, db);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(an_act_whose_answer_was_lost_is_success),
        fx_vault_test(an_act_that_never_arrived_is_known_not_to_have_happened),
        fx_vault_test(an_act_that_is_still_under_way_is_waited_for),
        fx_vault_test(only_where_nobody_can_be_asked_is_it_unknown),
        fx_vault_test(a_look_is_never_in_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
