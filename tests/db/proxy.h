/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A proxy between the store and the test's database, on a Unix socket of its own. It passes on what
 * comes, through a function of the test that may hold it back, change it, or break off. It serves
 * one connection after the other, in a thread.
 */
#ifndef JETON_TESTS_DB_PROXY_H
#define JETON_TESTS_DB_PROXY_H

#include <libpq-fe.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

struct fx_proxy {
    /*
     * Passes on what was read, by fx_proxy_send, or not. False: the connection breaks. Called in
     * the proxy's thread.
     */
    bool (*pass)(struct fx_proxy *proxy, int to, unsigned char *bytes, size_t n, bool to_server);
    char conninfo[200]; /* to come through the proxy */

    /* the proxy's own */
    char directory[32], path[64], upstream[108];
    int listener;
    pthread_t thread;
};

/* In front of the database that `plain` is connected to; `proxy->pass` is set. */
void fx_proxy_start(struct fx_proxy *proxy, PGconn *plain);

/* Its clients must be gone. */
void fx_proxy_stop(struct fx_proxy *proxy);

/* False when the connection is over. */
bool fx_proxy_send(int to, const unsigned char *bytes, size_t n);

/* From pass(): nobody connects any more. */
void fx_proxy_close(struct fx_proxy *proxy);

#endif
