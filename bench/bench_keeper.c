/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many cards per second does one keeper seal, open, reseal, match and identify through its
 * socket, by size of batch?
 *
 * It runs a real jeton-keeper (argument 1, else $JETON_KEEPER, else ./jeton-keeper) with a
 * development key in a directory of its own. One generation is active and one draining, so that
 * sealing also makes one fingerprint under the draining one. One asynchronous keyclient has two
 * calls under way. PANs have 16 digits, and the one field has dedup. It prints items per second.
 */
#include "base/clock.h"
#include "keyclient/keyclient.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEASURE_US    700000
#define UNDER_WAY     2
#define ROUND_TRIP_MS 20000

enum verb { SEAL, OPEN, RESEAL, MATCH, IDENTIFY, N_VERBS };
static const char *const verb_names[N_VERBS] = { "seal", "open", "reseal", "match", "identify" };

static char dir[] = "/tmp/jeton-bench-keeper-XXXXXX";
static char conf_path[64], socket_path[64], keys_path[64];
static const char *binary = "./jeton-keeper";
static pid_t keeper_pid;

static uint8_t fingerprints[JT_WIRE_MAX_ITEMS][16];
static uint8_t tokens[JT_WIRE_MAX_ITEMS][16];
static uint8_t pans[JT_WIRE_MAX_ITEMS][8];
static uint8_t old_envelopes[JT_WIRE_MAX_ITEMS][JT_PAN_ENVELOPE_MAX];
static struct jt_seal_item seals[JT_WIRE_MAX_ITEMS];
static struct jt_open_item opens[JT_WIRE_MAX_ITEMS];
static struct jt_open_item reseals[JT_WIRE_MAX_ITEMS];
static struct jt_match_item matches[JT_WIRE_MAX_ITEMS];
static struct jt_identify_item identifies[JT_WIRE_MAX_ITEMS];

static struct jt_loop *loop;
static struct jt_keyclient *kc;
static enum verb verb;
static size_t batch;
static uint64_t n_items;
static int64_t started_us;
static bool running;

static void clean_up(void)
{
    if (keeper_pid > 0) {
        (void)kill(keeper_pid, SIGTERM);
        (void)waitpid(keeper_pid, NULL, 0);
    }
    static const char *const names[] = { "keys/master.key",
                                         "keys/service-root.key",
                                         "keys/state",
                                         "keys/generation-1.key",
                                         "keys/generation-2.key",
                                         "keys",
                                         "keeper.conf",
                                         "." };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", dir, strcmp(names[i], ".") == 0 ? "" : names[i]);
        (void)remove(path);
    }
}

static void need(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_keeper: %s failed\n", what);
        clean_up();
        exit(1);
    }
}

/* Runs the keeper to its end (init) or until it says that it serves. */
static void run_keeper(const char *argument)
{
    int ends[2];
    need(pipe2(ends, O_CLOEXEC) == 0, "pipe");
    pid_t pid = fork();
    need(pid >= 0, "fork");
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDERR_FILENO);
        execl(binary, "jeton-keeper", "--config", conf_path, argument, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    char output[2000] = "";
    size_t len = 0;
    ssize_t n = 1;
    while (n > 0 && strstr(output, " serving ") == NULL && len + 1 < sizeof output) {
        n = read(ends[0], output + len, sizeof output - 1 - len);
        len += n > 0 ? (size_t)n : 0;
        output[len] = '\0';
    }
    if (argument != NULL) {
        int status;
        need(waitpid(pid, &status, 0) == pid && status == 0, "jeton-keeper --init");
        close(ends[0]);
    } else {
        keeper_pid = pid; /* its later words go into the pipe, which stays open */
        need(n > 0, "starting jeton-keeper");
    }
}

static void start_keeper(void)
{
    need(mkdtemp(dir) != NULL, "mkdtemp");
    snprintf(conf_path, sizeof conf_path, "%s/keeper.conf", dir);
    snprintf(socket_path, sizeof socket_path, "%s/keeper.sock", dir);
    snprintf(keys_path, sizeof keys_path, "%s/keys", dir);
    FILE *f = fopen(conf_path, "we");
    need(f != NULL, "writing the configuration");
    fprintf(f, "[jeton]\nenvironment = development\n[keeper]\ndirectory = %s\nsocket = %s\n",
            keys_path, socket_path);
    need(fclose(f) == 0, "writing the configuration");
    run_keeper("--init");
    run_keeper(NULL);
}

static struct jt_keyclient *sync_client;

static void activate_one(struct jt_ring_row *ring)
{
    static const uint8_t none[32];
    struct jt_generation_row g;
    struct jt_generation_row rows[2];
    struct jt_ring_row next;
    size_t n;
    need(jt_keyclient_wait_generation_create(sync_client, 0, none, &g) == JT_OK, "create");
    need(jt_keyclient_wait_ring_propose(sync_client, ring, &g, JT_GENERATION_ACTIVE, &next, rows,
                                        &n) == JT_OK,
         "propose");
    bool joined;
    need(jt_keyclient_wait_ring_accept(sync_client, &next, &joined) == JT_OK, "accept");
    *ring = next;
}

/* The keeper derives keys for fields only that it was named. */
static void name_field(void)
{
    const struct jt_field_spec spec = {
        .id = 1, .name = "pan", .kind = JT_FIELD_PAN, .dedup = true
    };
    const struct jt_set_row none = jt_set_row_empty(JT_SET_FIELDS);
    struct jt_field_change change;
    struct jt_set_sum sum;
    need(jt_keyclient_wait_field_make(sync_client, &spec, &none, &change) == JT_OK, "field");
    struct jt_set_change added = { .now.field = change.row };
    const struct jt_set_sum_request request = { .kind = JT_SET_FIELDS, .n = 1, .changes = &added };
    need(jt_keyclient_wait_set_sum(sync_client, &request, &sum) == JT_OK, "sum of fields");
    need(jt_keyclient_wait_set_verify(sync_client, &sum, &change.set) == JT_OK, "set of fields");
}

static void make_items(void)
{
    for (size_t i = 0; i < JT_WIRE_MAX_ITEMS; i++) {
        pans[i][0] = 0x41;
        for (size_t d = 0, v = i; d < 5; d++, v /= 10) {
            pans[i][7 - d] = (uint8_t)(v % 10);
        }
        seals[i] =
            (struct jt_seal_item){ .field = 1,
                                   .value = { .kind = JT_FIELD_PAN, .bytes = pans[i], .len = 8 } };
        opens[i] = (struct jt_open_item){ .field = 1,
                                          .fingerprint = fingerprints[i],
                                          .envelope = old_envelopes[i],
                                          .envelope_len = 25 };
        reseals[i] = (struct jt_open_item){ .field = 1,
                                            .fingerprint = fingerprints[i],
                                            .envelope = old_envelopes[i],
                                            .envelope_len = 25 };
        matches[i] =
            (struct jt_match_item){ .field = 1,
                                    .fingerprint = fingerprints[i],
                                    .value = { .kind = JT_FIELD_PAN, .bytes = pans[i], .len = 8 },
                                    .envelope = old_envelopes[i],
                                    .envelope_len = 25 };
        identifies[i] = (struct jt_identify_item){ .field = 1, .token = tokens[i] };
    }
}

static void next_call(void);

static void count(enum jt_err err, size_t n, enum jt_err first)
{
    need(err == JT_OK && n == batch && first == JT_OK, "a batch");
    n_items += n;
    if (jt_clock_us() - started_us < MEASURE_US) {
        next_call();
    } else if (running) {
        running = false;
        jt_loop_stop(loop);
    }
}

static void on_sealed(void *arg, enum jt_err err, const struct jt_seal_reply *reply)
{
    if (arg != NULL && err == JT_OK) { /* the first batch of all: keep the envelopes */
        for (size_t i = 0; i < reply->n; i++) {
            const struct jt_seal_result *r = &reply->results[i];
            memcpy(old_envelopes[i], r->envelope, r->envelope_len);
            memcpy(fingerprints[i], r->fingerprint, sizeof fingerprints[i]);
            memcpy(tokens[i], r->token, sizeof tokens[i]);
            opens[i].id = reseals[i].id = matches[i].id = r->id;
        }
        jt_loop_stop(loop);
        return;
    }
    if (running) {
        count(err, err == JT_OK ? reply->n : 0, err == JT_OK ? reply->results[0].err : err);
    }
}

static void on_opened(void *arg, enum jt_err err, const struct jt_open_reply *reply)
{
    (void)arg;
    if (running) {
        count(err, err == JT_OK ? reply->n : 0, err == JT_OK ? reply->results[0].err : err);
    }
}

static void on_resealed(void *arg, enum jt_err err, const struct jt_reseal_reply *reply)
{
    (void)arg;
    if (running) {
        count(err, err == JT_OK ? reply->n : 0, err == JT_OK ? reply->results[0].err : err);
    }
}

static void on_matched(void *arg, enum jt_err err, const struct jt_match_reply *reply)
{
    (void)arg;
    if (running) {
        count(err, err == JT_OK ? reply->n : 0, err == JT_OK ? reply->results[0].err : err);
    }
}

static void on_identified(void *arg, enum jt_err err, const struct jt_identify_reply *reply)
{
    (void)arg;
    if (running) {
        count(err, err == JT_OK ? reply->n : 0, err == JT_OK ? reply->results[0].err : err);
    }
}

static void call_seal(size_t n, void *arg)
{
    const struct jt_seal_request request = { .items = seals, .n = n };
    jt_keyclient_seal(kc, &request, on_sealed, arg);
}

static void next_call(void)
{
    switch (verb) {
    case SEAL: call_seal(batch, NULL); break;
    case MATCH: jt_keyclient_match(kc, matches, batch, on_matched, NULL); break;
    case IDENTIFY: jt_keyclient_identify(kc, identifies, batch, on_identified, NULL); break;
    case OPEN: jt_keyclient_open_items(kc, opens, batch, on_opened, NULL); break;
    default: jt_keyclient_reseal(kc, reseals, batch, on_resealed, NULL); break;
    }
}

static bool keeping_envelopes;

static void on_tick(void *arg, uint32_t events)
{
    (void)arg;
    (void)events;
    if (running || !jt_keyclient_ready(kc)) {
        return;
    }
    running = true;
    started_us = jt_clock_us();
    if (keeping_envelopes) {
        call_seal(JT_WIRE_MAX_ITEMS, &keeping_envelopes);
        return;
    }
    for (int i = 0; i < UNDER_WAY; i++) {
        next_call();
    }
}

static double run_once(void)
{
    n_items = 0;
    running = false;
    need(jt_loop_new(&loop) == JT_OK && jt_loop_every(loop, 10, on_tick, NULL) == JT_OK,
         "the event loop");
    need(jt_keyclient_new(loop, socket_path, ROUND_TRIP_MS, &kc) == JT_OK, "the client");
    need(jt_loop_run(loop) == JT_OK, "the event loop");
    double seconds = (double)(jt_clock_us() - started_us) / 1e6;
    running = false;
    jt_keyclient_free(kc);
    jt_loop_free(loop);
    return (double)n_items / seconds;
}

int main(int argc, char **argv)
{
    const char *from_environment = getenv("JETON_KEEPER");
    if (from_environment != NULL) {
        binary = from_environment;
    }
    if (argc > 1) {
        binary = argv[1];
    }
    struct jt_ring_row ring;
    start_keeper();
    make_items();
    need(jt_keyclient_open(socket_path, -1, ROUND_TRIP_MS, &sync_client) == JT_OK, "connecting");
    need(jt_keyclient_wait_ring_first(sync_client, &ring) == JT_OK, "the first ring");
    bool joined;
    const struct jt_node_join join = { .spec = { .name = "bench", .number = 1 } };
    struct jt_node_joined answer;
    need(jt_keyclient_wait_ring_accept(sync_client, &ring, &joined) == JT_OK, "accepting it");
    name_field();
    need(jt_keyclient_wait_node_join(sync_client, &join, &answer) == JT_OK, "joining");
    activate_one(&ring);
    keeping_envelopes = true;
    (void)run_once();
    keeping_envelopes = false;
    activate_one(&ring);

    static const size_t batches[] = { 1, 64, 1024, 2000, 8192 };
    for (verb = SEAL; verb < N_VERBS; verb++) {
        for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
            batch = batches[i];
            printf("keeper %-8s batches of %4zu: %9.0f items/s\n", verb_names[verb], batch,
                   run_once());
            fflush(stdout);
        }
    }
    jt_keyclient_free(sync_client);
    clean_up();
    return 0;
}
