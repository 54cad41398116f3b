/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that lies: a proxy stands between pipe and database and spoils one byte of the replies,
 * at every place in turn. The pipe must answer each transaction once and come back. What a changed
 * byte inside a value means is not its business: tokens and envelopes are the keeper's to judge.
 */
#include "tests/db/fixture.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct fx_result result;

struct proxy {
    char directory[32], path[64], upstream[108];
    int listener;
    pthread_t thread;
    _Atomic int spoil_after; /* so many bytes of replies pass before one is spoiled; -1: none is */
    _Atomic unsigned char mask; /* what it is XORed with; 0: the connection is cut there */
    _Atomic bool spoiled;
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

/* False when the connection is over. */
static bool forward(int from, int to, struct proxy *spoil)
{
    unsigned char buffer[4096];
    ssize_t n = read(from, buffer, sizeof buffer);
    if (n <= 0) {
        return false;
    }
    int left = spoil == NULL ? -1 : atomic_load(&spoil->spoil_after);
    if (left >= 0 && left < n) {
        buffer[left] ^= atomic_load(&spoil->mask);
        atomic_store(&spoil->spoil_after, -1);
        atomic_store(&spoil->spoiled, true);
        if (atomic_load(&spoil->mask) == 0) {
            return false;
        }
    } else if (left >= 0) {
        atomic_store(&spoil->spoil_after, left - (int)n);
    }
    for (ssize_t at = 0; at < n;) {
        ssize_t sent = send(to, buffer + at, (size_t)(n - at), MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += sent;
    }
    return true;
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
                open = forward(client, server, NULL);
            }
            if (open && fds[1].revents != 0) {
                open = forward(server, client, proxy);
            }
        }
        close(client);
        close(server);
    }
}

static void proxy_start(struct proxy *proxy, PGconn *plain)
{
    *proxy = (struct proxy){ .directory = "/tmp/jeton-proxy.XXXXXX" };
    atomic_store(&proxy->spoil_after, -1);
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
}

static void proxy_stop(struct proxy *proxy)
{
    (void)shutdown(proxy->listener, SHUT_RDWR);
    assert_int_equal(pthread_join(proxy->thread, NULL), 0);
    close(proxy->listener);
    (void)unlink(proxy->path);
    (void)rmdir(proxy->directory);
}

static void spoiled_replies_cost_the_connection_at_most(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    struct proxy proxy;
    proxy_start(&proxy, fx->plain);
    char conninfo[200];
    (void)snprintf(conninfo, sizeof conninfo, "host=%s port=5432 dbname=%s user=%s",
                   proxy.directory, PQdb(fx->plain), PQuser(fx->plain));
    struct fx_lane *lane = fx_lane_new(conninfo, &fx->node, 250);
    fx_lane_wait_up(lane);

    static const unsigned char masks[] = { 0x80, 0x01, 0x00, 0xff, 0x20 };
    unsigned n_hit = 0, n_failed = 0;
    uint64_t number = 0;
    for (int at = 0; at < 2000; at += 19) {
        const struct fx_card cards[] = { fx_card(1, number, 1), fx_card(1, number + 1, 1),
                                         fx_card(1, 0, 1) };
        number += 2;
        atomic_store(&proxy.mask, masks[at / 19 % 5]);
        atomic_store(&proxy.spoiled, false);
        atomic_store(&proxy.spoil_after, at);
        fx_tokenize(lane, fx->epoch, 1, NULL, 0, cards, 3, &result);
        bool hit = atomic_load(&proxy.spoiled);
        atomic_store(&proxy.spoil_after, -1);
        n_hit += hit;
        n_failed += hit && result.err != JT_OK;
        if (hit && masks[at / 19 % 5] == 0) {
            assert_int_equal(result.err, JT_ERR_DB_AWAY); /* a lost connection is no lie */
        }
        if (result.err == JT_ERR_PROTOCOL) {
            char message[256]; /* its own, not that of an earlier loss */
            fx_lane_message(lane, message, sizeof message);
            assert_string_equal(message, "unexpected kind of answer from the server");
        }
        if (!hit) {
            assert_int_equal(result.err, JT_OK);
            assert_true(result.found[0] && result.found[1] && result.found[2]);
            break; /* past the last byte of the reply */
        }
        fx_lane_wait_ready(lane);
    }
    assert_true(n_hit > 20);
    assert_true(n_failed > n_hit / 2);
    fx_lane_free(lane);
    proxy_stop(&proxy);
    /* Whatever the client was told: each card has one row, and the books are right. */
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) - count(DISTINCT fp) FROM card"), 0);
    assert_int_equal(
        fx_number(fx->plain,
                  "SELECT (SELECT count(*) FROM card) - (SELECT sum(written) FROM tally)"),
        0);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(spoiled_replies_cost_the_connection_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
