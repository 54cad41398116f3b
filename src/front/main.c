/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jetond, the front process: REST in, database and keeper behind.
 *
 * Threads: one event loop for each processor (front/loop.h), two workers for look-ups and two for
 * acts, which may block (vault/workers.h), one for each background duty (vault/duty.h), which are
 * this node's place in the database (vault/membership.h), retirement (vault/retirement.h), refused
 * requests and the heads and months of the audit trail (vault/failures.h, heads.h, months.h), and
 * this one, which starts and stops the others. Where metrics are served, one more does that
 * (front/scrape.h).
 *
 * No key ever comes here. PANs do, so the process protects its memory first of all
 * (front/guard.h).
 */
#include "api/json.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "front/cell.h"
#include "front/certificate.h"
#include "front/guard.h"
#include "front/loop.h"
#include "front/room.h"
#include "front/scrape.h"
#include "front/sockets.h"
#include "model/proxies.h"
#include "options/command_line.h"
#include "options/conf.h"
#include "vault/brakes.h"
#include "vault/budgets.h"
#include "vault/failures.h"
#include "vault/heads.h"
#include "vault/delivery.h"
#include "vault/holders.h"
#include "vault/lease.h"
#include "vault/lockout.h"
#include "vault/marked.h"
#include "vault/membership.h"
#include "vault/months.h"
#include "vault/news.h"
#include "vault/once_expiry.h"
#include "vault/plan.h"
#include "vault/purge.h"
#include "vault/retirement.h"

#include <systemd/sd-daemon.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define MAX_LOOPS JT_LOOPS_MAX
#define N_WORKERS 2 /* for each kind of work */

static struct jt_vault vault;
static struct jt_front_loop loops[MAX_LOOPS];
static pthread_t threads[MAX_LOOPS];
static int n_started; /* of loops */
static struct jt_door_shared doors;
static struct jt_lease *lease;
static struct jt_news *news;
static struct jt_sockets sockets;
static struct jt_places metrics_places;
static struct jt_tls_server *tls; /* NULL: none is served */
static struct jt_certificate_duty *certificate;
static struct jt_scrape *scrape; /* NULL: no metrics are served */
static struct jt_heads *heads;
static struct jt_months *months;
static struct jt_once_expiry *once_expiry;
static struct jt_planner *planner;
static struct jt_purge *purge;

_Static_assert(JT_CONF_NODE_MAX == JT_NODE_NAME_MAX, "the option's bound is the protocol's");
_Static_assert(JT_CONF_LEASE_MAX == JT_NODE_LEASE_MAX_S, "and so is the one of the lease");

static const struct jt_daemon daemon_jetond = {
    .name = "jetond",
    .summary = "Serves the Jeton REST API as the configuration says. It logs to standard error.\n"
               "SIGHUP reads the TLS certificate again, and SIGTERM ends it.",
};

/*
 * In production a process whose memory is not protected does not serve, as the keeper does not. A
 * development machine is told of it.
 */
static bool may_run_unprotected(const struct jt_conf *conf, const struct jt_fault *fault)
{
    char line[JT_FAULT_LINE_LEN];
    jt_fault_line(fault, fault->err, line);
    if (jt_conf_is_development(conf)) {
        jt_log(JT_LOG_WARNING, "allowed for development only: %s", line);
        return true;
    }
    jt_log(JT_LOG_ERROR, "%s", line);
    return false;
}

static void *serve(void *arg)
{
    enum jt_err err = jt_front_loop_run(arg);
    if (err != JT_OK) {
        jt_front_loop_broke("event loop", err);
    }
    return NULL;
}

static int n_loops(const struct jt_conf *conf)
{
    long n = conf->front_loops > 0 ? conf->front_loops : sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_LOOPS ? MAX_LOOPS : (int)n;
}

/* Written aside and renamed, so that whoever waits for it never reads half a number. */
static enum jt_err write_port_file(const char *path, int port, struct jt_fault *fault)
{
    if (path[0] == '\0') {
        return JT_OK;
    }
    char aside[4096];
    int n = snprintf(aside, sizeof aside, "%s.new", path);
    FILE *f = n > 0 && (size_t)n < sizeof aside ? fopen(aside, "we") : NULL;
    bool good = f != NULL && fprintf(f, "%d\n", port) > 0;
    good = f != NULL && fclose(f) == 0 && good;
    if (!good || rename(aside, path) != 0) {
        return jt_fault_set(fault, JT_ERR_IO, "cannot write %s: %s", path, strerror(errno));
    }
    return JT_OK;
}

static void ask_loops(enum jt_front_stop what)
{
    for (int i = 0; i < n_started; i++) {
        jt_front_loop_ask(&loops[i], what);
    }
}

/*
 * Whoever sends requests here has to notice first that they shall go elsewhere: for so long
 * everything is still served, while /readyz says no and each answer ends its connection. Another
 * signal ends the wait.
 */
static void drain(const sigset_t *signals, bool patiently)
{
    const struct timespec patience = { .tv_sec = vault.conf->front_stop_delay };
    atomic_store(&vault.stopping, true);
    sd_notify(0, "STOPPING=1");
    if (patiently && patience.tv_sec > 0) {
        ask_loops(JT_FRONT_DRAIN);
        (void)sigtimedwait(signals, NULL, &patience);
    }
}

static void stop(void)
{
    jt_log(JT_LOG_DEBUG, "ending: answering what is under way");
    ask_loops(JT_FRONT_STOP);
    for (int i = 0; i < n_started; i++) {
        pthread_join(threads[i], NULL);
    }
    jt_scrape_join(scrape);         /* it reads what the loops count */
    jt_workers_stop(vault.workers); /* acts wake the retirement: they end first */
    jt_retirer_stop(vault.retirer);
    jt_scrape_free(scrape);
    for (int i = 0; i < n_started; i++) {
        jt_front_loop_clear(&loops[i]);
    }
    jt_workers_free(vault.workers);
    jt_certificate_duty_stop(certificate);
    jt_tls_server_free(tls);
    jt_sockets_close(&sockets);
    jt_places_close(&metrics_places);
    jt_months_stop(months);
    jt_once_expiry_stop(once_expiry);
    jt_holders_stop(vault.holders);
    jt_planner_stop(planner);
    jt_purge_stop(purge);
    jt_brakes_stop(vault.brakes);
    jt_marked_stop(vault.marked);
    jt_failures_stop(vault.failures);
    jt_heads_stop(heads); /* nothing is added to the audit trail any more */
    jt_news_stop(news);
    jt_delivery_stop(vault.delivery);
    jt_lease_stop(lease);
    jt_membership_stop(vault.membership);
    jt_sets_clear(&vault.sets);
    jt_held_use_clear(&vault.held_use);
    jt_lockout_free(vault.lockout);
    jt_budgets_free(vault.budgets);
    jt_trail_clear(&vault.trail);
    jt_front_course_clear(&vault.course);
    jt_log(JT_LOG_DEBUG, "ended");
}

/* systemd hears that it is alive while every loop goes round (systemd.service(5), WatchdogSec=). */
static void tell_alive(int64_t patience_ms)
{
    int64_t since_ms = jt_clock_ms() - patience_ms;
    for (int i = 0; i < n_started; i++) {
        if (atomic_load(&loops[i].beat_ms) < since_ms) {
            return;
        }
    }
    sd_notify(0, "WATCHDOG=1");
}

/* The next signal; meanwhile systemd is told, three times as often as it wants to be. */
static int next_signal(const sigset_t *signals)
{
    uint64_t patience_us = 0;
    if (sd_watchdog_enabled(0, &patience_us) <= 0) {
        int number = 0;
        return sigwait(signals, &number) == 0 ? number : 0;
    }
    const struct timespec wait = { .tv_sec = (time_t)(patience_us / 3000000),
                                   .tv_nsec = (long)(patience_us / 3 % 1000000) * 1000 };
    int number = -1;
    while (number < 0) {
        tell_alive((int64_t)(patience_us / 1000));
        number = sigtimedwait(signals, NULL, &wait);
    }
    return number;
}

/* Until a signal asks to stop; the exit status. */
static int watch(const sigset_t *signals)
{
    int signal_number = next_signal(signals);
    while (signal_number == 0 || signal_number == SIGHUP) {
        jt_certificate_duty_reload(certificate);
        signal_number = next_signal(signals);
    }
    if (jt_membership_verdict(vault.membership) != JT_OK) {
        return EXIT_FAILURE; /* its duty sent the signal, and the log says why */
    }
    if (jt_front_any_loop_broke()) {
        return EXIT_FAILURE; /* as an end that was asked for it would be the last one */
    }
    jt_log(JT_LOG_INFO, "stopping: signal %d", signal_number);
    return EXIT_SUCCESS;
}

/* The certificate, where there is one: it is read once before anything is served with it. */
static enum jt_err start_tls(const struct jt_conf *conf, struct jt_fault *fault)
{
    const char *ask = conf->front_client_certificates, *ca = conf->front_client_ca_file;
    bool asks = strcmp(ask, "none") != 0;
    if (ca[0] != '\0' && !asks) {
        return jt_fault_set(fault, JT_ERR_INVALID,
                            "client_ca_file is set, and client_certificates is none");
    }
    if (asks && conf->front_tls_certificate[0] == '\0') {
        return jt_fault_set(fault, JT_ERR_INVALID,
                            "client_certificates is %s, and tls_certificate is not set", ask);
    }
    if (conf->front_tls_certificate[0] == '\0') {
        return JT_OK;
    }
    const struct jt_tls_files files = { .certificate = conf->front_tls_certificate,
                                        .key = conf->front_tls_key,
                                        .clients = !asks ? JT_TLS_CLIENTS_UNASKED
                                                   : strcmp(ask, "required") == 0
                                                       ? JT_TLS_CLIENTS_REQUIRED
                                                       : JT_TLS_CLIENTS_ASKED,
                                        .client_ca = ca[0] == '\0' ? NULL : ca };
    enum jt_err err = jt_tls_server_new(&files, fault, &tls);
    if (err == JT_OK) {
        err = jt_certificate_duty_start(tls, &certificate);
    }
    return err == JT_OK ? err : jt_fault_set(fault, err, "the certificate's duty did not start");
}

static enum jt_err start_loops(const struct jt_conf *conf, struct jt_fault *fault)
{
    int n = vault.n_loops;
    struct jt_door_conf door;
    enum jt_err err = jt_sockets_open(conf, n, &sockets, fault);
    if (err != JT_OK) {
        return err;
    }
    jt_room_make(conf, n, &door, &doors);
    while (err == JT_OK && n_started < n) {
        struct jt_front_loop *loop = &loops[n_started];
        struct jt_door_socket its[JT_DOOR_SOCKETS_MAX];
        size_t n_its = jt_sockets_of(&sockets, n_started, tls, its);
        err = jt_front_loop_init(loop, &vault, its, n_its, n_started, &door, &doors);
        if (err == JT_OK && pthread_create(&threads[n_started], NULL, serve, loop) != 0) {
            jt_front_loop_clear(loop);
            err = JT_ERR_NOMEM;
        }
        n_started += err == JT_OK;
    }
    if (err != JT_OK) {
        jt_sockets_drop(&sockets, n_started + 1, n); /* those between were taken over */
        return jt_fault_set(fault, err, "event loop %d did not start", n_started);
    }
    return JT_OK;
}

static enum jt_err start_scrape(const struct jt_conf *conf, struct jt_fault *fault)
{
    int fd;
    if (conf->front_metrics_port < 0) {
        return JT_OK;
    }
    enum jt_err err = jt_places_add(&metrics_places, "metrics_listen", conf->front_metrics_listen,
                                    (int)conf->front_metrics_port, false, false, fault);
    if (err == JT_OK && metrics_places.n != 1) {
        err = jt_fault_set(fault, JT_ERR_INVALID, "metrics_listen must name one place");
    }
    if (err == JT_OK) {
        err = jt_place_open(&metrics_places.all[0], &fd, 1, fault);
    }
    if (err != JT_OK) {
        return err;
    }
    int port = metrics_places.all[0].port;
    err = jt_scrape_start(&vault, fd, loops, n_started, &doors, &scrape);
    if (err != JT_OK) {
        return jt_fault_set(fault, err, "the thread for metrics did not start");
    }
    jt_log(JT_LOG_INFO, "metrics on %s port %d", conf->front_metrics_listen, port);
    return write_port_file(conf->front_metrics_port_file, port, fault);
}

/*
 * Everything in its order, until the first failure, which is in `fault` unless the membership has
 * told the log already; stop() ends what was begun.
 */
static enum jt_err start(const struct jt_conf *conf, struct jt_fault *fault)
{
    enum jt_err err = jt_lockout_new(&vault.lockout);
    if (err == JT_OK) {
        err = jt_budgets_new(&vault.budgets);
    }
    if (err == JT_OK) {
        err = jt_membership_start(&vault, &vault.membership);
    }
    if (err != JT_OK && vault.membership != NULL &&
        jt_membership_verdict(vault.membership) != JT_OK) {
        return err;
    }
    if (err == JT_ERR_INVALID) {
        return jt_fault_set(fault, err, "socket in [keeper] is not a path that a socket can have");
    }
    if (err != JT_OK) {
        return jt_fault_raise(fault, err);
    }
    err = jt_lease_start(&vault, &lease);
    if (err == JT_OK) {
        err = jt_delivery_start(&vault, &vault.delivery);
    }
    if (err == JT_OK) {
        err = jt_news_start(&vault, &news);
    }
    if (err == JT_OK) {
        err = jt_workers_start(&vault, N_WORKERS, &vault.workers);
    }
    if (err == JT_OK) {
        err = jt_retirer_start(&vault, &vault.retirer);
    }
    if (err == JT_OK) {
        err = jt_failures_start(&vault, &vault.failures);
    }
    if (err == JT_OK) {
        err = jt_heads_start(&vault, &heads);
    }
    if (err == JT_OK) {
        err = jt_months_start(&vault, &months);
    }
    if (err == JT_OK) {
        err = jt_once_expiry_start(&vault, &once_expiry);
    }
    if (err == JT_OK) {
        err = jt_planner_start(&vault, &planner);
    }
    if (err == JT_OK) {
        err = jt_holders_start(&vault, &vault.holders);
    }
    if (err == JT_OK) {
        err = jt_purge_start(&vault, &purge);
    }
    if (err == JT_OK) {
        err = jt_brakes_start(&vault, &vault.brakes);
    }
    if (err == JT_OK) {
        err = jt_marked_start(&vault, &vault.marked);
    }
    if (err != JT_OK) {
        return jt_fault_set(fault, err, "the workers or a duty did not start");
    }
    err = start_tls(conf, fault);
    if (err == JT_OK) {
        err = start_loops(conf, fault);
    }
    if (err == JT_OK) {
        err = start_scrape(conf, fault);
    }
    if (err == JT_OK) {
        err = write_port_file(conf->front_port_file, jt_sockets_port(&sockets, false), fault);
    }
    return err == JT_OK
               ? write_port_file(conf->front_tls_port_file, jt_sockets_port(&sockets, true), fault)
               : err;
}

static void init_vault(const struct jt_conf *conf)
{
    vault.conf = conf;
    vault.started_ms = jt_clock_ms();
    vault.n_loops = n_loops(conf);
    snprintf(vault.node.name, sizeof vault.node.name, "%s", conf->front_node);
    jt_sets_init(&vault.sets);
    jt_held_use_init(&vault.held_use);
    jt_trail_init(&vault.trail);
    jt_front_course_init(&vault.course);
    jt_random_fill(vault.node.incarnation, sizeof vault.node.incarnation);
}

/* One line for each place. */
static void tell_places(const struct jt_conf *conf)
{
    for (size_t i = 0; i < sockets.places.n; i++) {
        const struct jt_place *place = &sockets.places.all[i];
        char port[24] = "";
        if (place->port > 0) {
            snprintf(port, sizeof port, " port %d", place->port);
        }
        jt_log(JT_LOG_INFO, "%s: serving on %s%s, node %s, %d event loops",
               place->tls ? "HTTPS" : "HTTP", place->text, port, conf->front_node, n_started);
    }
}

/* Nobody shall take a dead port for a served one. */
static void remove_port_file(const char *path)
{
    if (path[0] != '\0') {
        (void)unlink(path);
    }
}

static int run(const struct jt_conf *conf)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    init_vault(conf);
    jt_log(JT_LOG_DEBUG, "keeper at %s, node %s, %d event loops", conf->keeper_socket,
           conf->front_node, vault.n_loops);
    int status = EXIT_FAILURE;
    struct jt_fault fault = { .err = JT_OK };
    enum jt_err err = jt_cell_close_files(conf, &fault);
    if (err == JT_OK) {
        err = start(conf, &fault);
    }
    if (err == JT_OK) {
        err = jt_cell_close_calls(&fault);
    }
    if (err == JT_OK) {
        tell_places(conf);
        sd_notify(0, "READY=1");
        status = watch(&signals);
        drain(&signals, status == EXIT_SUCCESS); /* who lost its place has to go at once */
        remove_port_file(conf->front_port_file);
        remove_port_file(conf->front_tls_port_file);
        remove_port_file(conf->front_metrics_port_file);
    } else if (fault.err != JT_OK) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_ERROR, "%s", jt_fault_line(&fault, err, line));
    }
    stop();
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
    jt_log_set_format(settings.log_format);
    struct jt_fault fault = { .err = JT_OK };
    enum jt_err guarded = jt_guard_memory(&fault);
    jt_json_init();
    struct jt_conf conf;
    code = jt_command_line_configure(&settings, &conf);
    if (code != JT_COMMAND_LINE_GOOD) {
        return code;
    }
    struct jt_proxies proxies;
    if (!jt_proxies_parse(conf.front_trusted_proxy, &proxies)) {
        jt_log(JT_LOG_ERROR,
               "%s: trusted_proxy in [front] must be addresses, networks or the word unix, "
               "comma-separated",
               settings.config);
        jt_conf_clear(&conf);
        return EX_CONFIG;
    }
    if (!jt_host_list_valid(conf.front_hosts)) {
        jt_log(JT_LOG_ERROR,
               "%s: hosts in [front] must be host names, comma-separated, without port",
               settings.config);
        jt_conf_clear(&conf);
        return EX_CONFIG;
    }
    if (guarded != JT_OK && !may_run_unprotected(&conf, &fault)) {
        jt_conf_clear(&conf);
        return EXIT_FAILURE;
    }
    int status = run(&conf);
    jt_conf_clear(&conf);
    return status;
}
