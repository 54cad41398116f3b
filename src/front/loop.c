/* SPDX-License-Identifier: Apache-2.0 */
#include "front/loop.h"

#include "api/metrics.h"
#include "base/clock.h"
#include "base/log.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BEAT_MS 500

static void on_wake(void *arg, uint32_t events)
{
    struct jt_front_loop *front = arg;
    jt_inbox_drain(&front->lanes.inbox, events);
    int stop = atomic_load(&front->stop);
    if (stop == JT_FRONT_DRAIN) {
        jt_server_drain(&front->server);
    } else if (stop == JT_FRONT_STOP) {
        jt_server_stop(&front->server);
    }
}

static void beat(void *arg, uint32_t events)
{
    (void)events;
    struct jt_front_loop *front = arg;
    atomic_store(&front->beat_ms, jt_clock_ms());
}

enum jt_err jt_front_loop_init(struct jt_front_loop *front, struct jt_vault *vault,
                               const struct jt_door_socket *sockets, size_t n, int index,
                               const struct jt_door_conf *conf, struct jt_door_shared *doors)
{
    *front = (struct jt_front_loop){
        .api = { .vault = vault,
                 .lanes = &front->lanes,
                 .doors = doors,
                 .access_log = strcmp(vault->conf->front_access_log, "yes") == 0 },
    };
    front->api.metrics = jt_metrics_new();
    enum jt_err err = front->api.metrics == NULL ? JT_ERR_NOMEM : JT_OK;
    if (!jt_proxies_parse(vault->conf->front_trusted_proxy, &front->api.proxies)) {
        err = JT_ERR_INVALID;
    }
    if (err == JT_OK) {
        err = jt_loop_new(&front->loop);
    }
    if (err != JT_OK) {
        free(front->api.metrics);
        for (size_t i = 0; i < n; i++) {
            close(sockets[i].fd);
        }
        return err;
    }
    jt_loop_on_wake(front->loop, on_wake, front);
    atomic_store(&front->beat_ms, jt_clock_ms());
    /*
     * The server's hook after each round comes before the lanes' own, so that what it pumps into
     * them is sent to the keeper in the same round.
     */
    err = jt_server_init(&front->server, front->loop, sockets, n, conf, doors, &jt_api_ops,
                         &front->api);
    if (err == JT_OK) {
        err = jt_loop_every(front->loop, BEAT_MS, beat, front);
    }
    if (err == JT_OK) {
        err = jt_lanes_init(&front->lanes, vault, front->loop, index);
    }
    if (err != JT_OK) {
        jt_front_loop_clear(front);
    }
    return err;
}

enum jt_err jt_front_loop_run(struct jt_front_loop *front)
{
    return jt_loop_run(front->loop);
}

static atomic_bool broke;

void jt_front_loop_broke(const char *which, enum jt_err err)
{
    jt_log(JT_LOG_ERROR, "%s: %s; jetond ends, to be started again", which, jt_err_str(err));
    atomic_store(&broke, true);
    kill(getpid(), SIGTERM);
}

bool jt_front_any_loop_broke(void)
{
    return atomic_load(&broke);
}

void jt_front_loop_ask(struct jt_front_loop *front, enum jt_front_stop stop)
{
    atomic_store(&front->stop, stop);
    jt_loop_wake(front->loop);
}

void jt_front_loop_clear(struct jt_front_loop *front)
{
    front->api.closed = true;
    jt_lanes_clear(&front->lanes); /* answers whatever still waits */
    jt_api_close(&front->api);
    jt_server_clear(&front->server);
    jt_loop_free(front->loop);
    front->loop = NULL;
    free(front->api.metrics);
    front->api.metrics = NULL;
}
