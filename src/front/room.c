/* SPDX-License-Identifier: Apache-2.0 */
#include "front/room.h"

#include "base/log.h"

#include <sys/resource.h>

#define MAX_DESCRIPTORS            200000 /* what is more than this is never needed */
#define OTHER_DESCRIPTORS          64
#define OTHER_DESCRIPTORS_PER_LOOP 24 /* lanes to the database, the keeper, epoll */
#define MIN_UPSTREAMS              8  /* for each loop, as the next two */
#define MAX_UPSTREAMS              1024
#define MIN_CONNECTIONS            16
#define DEFAULT_CONNECTIONS        20000

void jt_room_make(const struct jt_conf *conf, int n_loops, struct jt_door_conf *out,
                  struct jt_door_shared *doors)
{
    struct rlimit limit = { 1024, 1024 };
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    long all = limit.rlim_cur > MAX_DESCRIPTORS ? MAX_DESCRIPTORS : (long)limit.rlim_cur;
    long left = all - OTHER_DESCRIPTORS - OTHER_DESCRIPTORS_PER_LOOP * n_loops;
    long upstreams = left / 8 / n_loops;
    upstreams = upstreams < MIN_UPSTREAMS   ? MIN_UPSTREAMS
                : upstreams > MAX_UPSTREAMS ? MAX_UPSTREAMS
                                            : upstreams;
    long clients = (left - 2 * upstreams * n_loops) / n_loops;
    long wanted =
        conf->front_max_connections == 0 ? DEFAULT_CONNECTIONS : conf->front_max_connections;
    wanted = (wanted + n_loops - 1) / n_loops;
    clients = clients > wanted ? wanted : clients < MIN_CONNECTIONS ? MIN_CONNECTIONS : clients;
    *out = (struct jt_door_conf){
        .hosts = conf->front_hosts,
        .max_connections = (size_t)clients,
        .max_per_address = (size_t)((conf->front_per_address + n_loops - 1) / n_loops),
        .max_upstreams = (size_t)upstreams,
        .idle_ms = (int)conf->front_idle_timeout * 1000,
        .head_ms = (int)conf->front_head_timeout * 1000,
        .request_ms = (int)conf->front_request_timeout * 1000,
    };
    doors->limit = clients * n_loops;
    jt_log(JT_LOG_INFO,
           "room for %ld connections, %ld of one address, %ld requests at a time (%ld file "
           "descriptors)",
           clients * n_loops, conf->front_per_address, upstreams * n_loops, all);
    if (clients < wanted && conf->front_max_connections != 0) {
        jt_log(JT_LOG_WARNING,
               "max_connections = %ld needs more file descriptors: raise the limit (LimitNOFILE, "
               "ulimit -n)",
               conf->front_max_connections);
    }
}
