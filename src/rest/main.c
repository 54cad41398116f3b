/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jetond, the front process: REST in, database and keeper behind.
 *
 * Threads: one event loop for each processor (rest/server.h), two workers for look-ups and two for
 * acts, which may block (vault/workers.h), one for each background duty (vault/duty.h): this
 * node's place in the database (vault/membership.h) and retirement (vault/retirement.h), and this
 * one, which starts and stops the others.
 *
 * No key ever comes here. PANs do, so the process writes no core and cannot be read by others of
 * its user.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/secmem.h"
#include "options/command_line.h"
#include "options/conf.h"
#include "rest/json.h"
#include "rest/listen.h"
#include "rest/server.h"
#include "vault/membership.h"
#include "vault/retirement.h"

#include <systemd/sd-daemon.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define MAX_LOOPS                JT_LOOPS_MAX
#define N_WORKERS                2             /* for each kind of work */
#define LOCKABLE_BYTES           (1024u << 20) /* bodies and replies of thousands of connections */
#define MAX_DESCRIPTORS          200000        /* what is more than this is never needed */
#define OTHER_DESCRIPTORS        64
#define OTHER_DESCRIPTORS_A_LOOP 24 /* lanes to the database, the keeper, epoll */
#define MIN_UPSTREAMS            8  /* a loop, as are the next two */
#define MAX_UPSTREAMS            1024
#define MIN_CONNECTIONS          16
#define DEFAULT_CONNECTIONS      20000

static struct jt_vault vault;
static struct jt_server servers[MAX_LOOPS];
static pthread_t threads[MAX_LOOPS];
static struct jt_door_shared doors;

_Static_assert(JT_CONF_NODE_MAX == JT_NODE_NAME_MAX, "the option's bound is the protocol's");

static const struct jt_daemon daemon_jetond = {
    .name = "jetond",
    .summary =
        "Serves the Jeton REST API as the configuration says. It logs to standard error, and\n"
        "SIGTERM ends it.",
};

/* Card numbers pass through here: they shall reach neither core files nor swap. */
static void guard_memory(void)
{
    struct rlimit none = { 0, 0 };
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        jt_log(JT_LOG_WARNING, "cannot forbid core dumps: %s", strerror(errno));
    }
    if (!jt_secmem_lock_process(LOCKABLE_BYTES)) {
        jt_log(JT_LOG_WARNING,
               "memory cannot be locked (%s): card numbers may reach swap; raise the limit "
               "(LimitMEMLOCK=infinity, ulimit -l)",
               strerror(errno));
    }
}

static void *serve(void *arg)
{
    enum jt_err err = jt_server_run(arg);
    if (err != JT_OK) {
        jt_log(JT_LOG_ERROR, "event loop: %s", jt_err_str(err));
        /* one loop less would be a quiet loss: stop, and be started again */
        kill(getpid(), SIGTERM);
    }
    return NULL;
}

static int n_loops(const struct jt_conf *conf)
{
    long n = conf->front_loops > 0 ? conf->front_loops : sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_LOOPS ? MAX_LOOPS : (int)n;
}

/* Written aside and renamed, so that whoever waits for it never reads half a number. */
static bool write_port_file(const char *path, int port)
{
    if (path[0] == '\0') {
        return true;
    }
    char aside[4096];
    int n = snprintf(aside, sizeof aside, "%s.new", path);
    FILE *f = n > 0 && (size_t)n < sizeof aside ? fopen(aside, "we") : NULL;
    bool good = f != NULL && fprintf(f, "%d\n", port) > 0;
    good = f != NULL && fclose(f) == 0 && good;
    return good && rename(aside, path) == 0;
}

static void stop(int n, struct jt_membership *membership)
{
    sd_notify(0, "STOPPING=1");
    for (int i = 0; i < n; i++) {
        jt_server_ask_stop(&servers[i]);
    }
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
    }
    jt_retirer_stop(vault.retirer);
    jt_workers_stop(vault.workers);
    for (int i = 0; i < n; i++) {
        jt_server_clear(&servers[i]);
    }
    jt_workers_free(vault.workers);
    jt_membership_stop(membership);
    jt_sets_clear(&vault.sets);
}

/* Until a signal asks to stop; the exit status. */
static int watch(struct jt_membership *membership, const sigset_t *signals)
{
    int signal_number = 0;
    while (sigwait(signals, &signal_number) != 0) {
    }
    if (jt_membership_verdict(membership) != JT_OK) {
        return EXIT_FAILURE; /* its duty sent the signal, and the log says why */
    }
    jt_log(JT_LOG_INFO, "stopping: signal %d", signal_number);
    return EXIT_SUCCESS;
}

/*
 * How many connections can be held: the soft limit of descriptors is raised to the hard one, and
 * what databases, keeper and files need is left out, as are two descriptors for each request that
 * may be under way.
 */
static void size_doors(const struct jt_conf *conf, int n, struct jt_door_conf *out)
{
    struct rlimit limit = { 1024, 1024 };
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    long all = limit.rlim_cur > MAX_DESCRIPTORS ? MAX_DESCRIPTORS : (long)limit.rlim_cur;
    long left = all - OTHER_DESCRIPTORS - OTHER_DESCRIPTORS_A_LOOP * n;
    long upstreams = left / 8 / n;
    upstreams = upstreams < MIN_UPSTREAMS   ? MIN_UPSTREAMS
                : upstreams > MAX_UPSTREAMS ? MAX_UPSTREAMS
                                            : upstreams;
    long clients = (left - 2 * upstreams * n) / n;
    long wanted =
        conf->front_max_connections == 0 ? DEFAULT_CONNECTIONS : conf->front_max_connections;
    wanted = (wanted + n - 1) / n;
    clients = clients > wanted ? wanted : clients < MIN_CONNECTIONS ? MIN_CONNECTIONS : clients;
    *out = (struct jt_door_conf){
        .hosts = conf->front_hosts,
        .max_connections = (size_t)clients,
        .max_per_address = (size_t)((conf->front_per_address + n - 1) / n),
        .max_upstreams = (size_t)upstreams,
    };
    doors.limit = clients * n;
    jt_log(JT_LOG_INFO,
           "room for %ld connections, %ld of one address, %ld requests at a time (%ld file "
           "descriptors)",
           clients * n, conf->front_per_address, upstreams * n, all);
    if (clients < wanted && conf->front_max_connections != 0) {
        jt_log(JT_LOG_WARNING,
               "max_connections = %ld needs more file descriptors: raise the limit (LimitNOFILE, "
               "ulimit -n)",
               conf->front_max_connections);
    }
}

static enum jt_err start_servers(const struct jt_conf *conf, int n, int *started, int *port)
{
    int fds[MAX_LOOPS];
    char message[300];
    enum jt_err err =
        jt_listen(conf->front_listen, (int)conf->front_port, fds, n, port, message, sizeof message);
    if (err != JT_OK) {
        jt_log(JT_LOG_ERROR, "%s", message);
        return err;
    }
    struct jt_door_conf door;
    size_doors(conf, n, &door);
    for (*started = 0; *started < n; ++*started) {
        struct jt_server *server = &servers[*started];
        err = jt_server_init(server, &vault, fds[*started], *started, &door, &doors);
        if (err == JT_OK && pthread_create(&threads[*started], NULL, serve, server) != 0) {
            jt_server_clear(server);
            err = JT_ERR_NOMEM;
        }
        if (err != JT_OK) {
            jt_log(JT_LOG_ERROR, "cannot start event loop %d: %s", *started, jt_err_str(err));
            return err;
        }
    }
    return JT_OK;
}

static int run(const struct jt_conf *conf)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    vault.conf = conf;
    vault.started_ms = jt_clock_ms();
    vault.n_loops = n_loops(conf);
    snprintf(vault.node.name, sizeof vault.node.name, "%s", conf->front_node);
    vault.node.number = JT_NODE_NUMBER;
    jt_sets_init(&vault.sets);
    jt_random_fill(vault.node.incarnation, sizeof vault.node.incarnation);

    struct jt_membership *membership;
    int status = EXIT_FAILURE, started = 0, port = 0;
    jt_log(JT_LOG_DEBUG, "keeper at %s, node %s, %d event loops", conf->keeper_socket,
           conf->front_node, vault.n_loops);
    enum jt_err err = jt_membership_start(&vault, &membership);
    if (err != JT_OK && (membership == NULL || jt_membership_verdict(membership) == JT_OK)) {
        jt_log(JT_LOG_ERROR, "%s",
               err == JT_ERR_INVALID ? "socket in [keeper] is no path for one" : jt_err_str(err));
    }
    if (err == JT_OK) {
        err = jt_workers_start(&vault, N_WORKERS, &vault.workers);
        if (err == JT_OK) {
            err = jt_retirer_start(&vault, &vault.retirer);
        }
        if (err != JT_OK) {
            jt_log(JT_LOG_ERROR, "cannot start the threads: %s", jt_err_str(err));
        }
    }
    if (err == JT_OK) {
        err = start_servers(conf, vault.n_loops, &started, &port);
    }
    if (err == JT_OK && !write_port_file(conf->front_port_file, port)) {
        jt_log(JT_LOG_ERROR, "cannot write %s: %s", conf->front_port_file, strerror(errno));
        err = JT_ERR_IO;
    }
    if (err == JT_OK) {
        jt_log(JT_LOG_INFO, "serving on %s port %d, node %s, %d event loops", conf->front_listen,
               port, conf->front_node, started);
        sd_notify(0, "READY=1");
        status = watch(membership, &signals);
        if (conf->front_port_file[0] != '\0') {
            /* nobody shall take a dead port for a served one */
            (void)unlink(conf->front_port_file);
        }
    }
    jt_log(JT_LOG_DEBUG, "ending: answering what is under way");
    stop(started, membership);
    jt_log(JT_LOG_DEBUG, "ended");
    return err == JT_ERR_INVALID || err == JT_ERR_BAD_CONNINFO ? EX_CONFIG : status;
}

int main(int argc, char **argv)
{
    struct jt_daemon_settings settings;
    int code = jt_command_line_parse(&daemon_jetond, argc, argv, &settings);
    if (code != JT_COMMAND_LINE_GOOD) {
        return code;
    }
    jt_log_init("jetond", settings.log_level);
    guard_memory();
    jt_json_init();
    struct jt_conf conf;
    char message[600];
    if (jt_conf_load(settings.config, &conf, message, sizeof message) != JT_OK) {
        jt_log(JT_LOG_ERROR, "%s", message);
        return EX_CONFIG;
    }
    jt_log(JT_LOG_DEBUG, "read %s", settings.config);
    if (!jt_host_list_valid(conf.front_hosts)) {
        jt_log(JT_LOG_ERROR,
               "%s: hosts in [front] must be host names, comma-separated, without port",
               settings.config);
        jt_conf_clear(&conf);
        return EX_CONFIG;
    }
    int status = run(&conf);
    jt_conf_clear(&conf);
    return status;
}
