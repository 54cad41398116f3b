/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/conveyor.h"

#include "base/clock.h"
#include "base/must.h"
#include "cli/backoff.h"
#include "cli/exit.h"
#include "cli/progress.h"
#include "cli/rest.h"
#include "cli/say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_WAIT_MS 200 /* how late an interruption or the progress bar may come */
#define MICROSECONDS_IN 1000000

enum slot_state { SLOT_WAITING, SLOT_SENT, SLOT_COMPLETE };

/* A portion in the window. */
struct slot {
    struct jt_portion portion;
    enum slot_state state;
    struct jt_backoff backoff;
    int64_t not_before_ms;
    uint64_t first_sent_s; /* of what stores; 0: nothing was sent */
};

/* One connection. */
struct connection {
    CURL *handle;
    struct curl_slist *headers; /* of its own; NULL: the endpoint's */
    bool keyed;
    struct jt_reply reply;
    struct slot *slot; /* NULL: idle */
};

struct conveyor {
    const struct jt_conveyor_job *job;
    struct jt_conveyor_result *result;
    CURLM *multi;
    struct connection *connections;
    struct slot *window; /* a ring of `n_slots` */
    size_t n_slots, first, n_used;
    uint64_t n_read; /* portions */
    bool input_ended;
    bool input_waits;  /* a record that is too long must be settled before */
    bool input_blocks; /* it has nothing at the moment, and a portion is half read */
    bool told_waiting;
    struct jt_progress progress;
    const volatile sig_atomic_t *interrupted;
};

static struct slot *slot_at(struct conveyor *c, size_t i)
{
    return &c->window[(c->first + i) % c->n_slots];
}

static uint64_t now_s(void)
{
    return jt_clock_wall_us() / MICROSECONDS_IN;
}

static int out_of_memory(void)
{
    return jt_say(JT_MSG_NO_MEMORY, NULL);
}

static int complain_of_curl(CURLMcode code)
{
    return jt_say(JT_MSG_SERVER_FAILED, "libcurl: %s", curl_multi_strerror(code));
}

/* --- reading --- */

/* One record, unless the input ends or has none at the moment. */
static int read_record(struct conveyor *c, struct jt_record *record)
{
    struct jt_trouble trouble = { 0 };
    enum jt_err err;
    do {
        err = jt_source_next(c->job->source, record, &trouble);
    } while (err == JT_ERR_IO && errno == EINTR && !*c->interrupted);
    switch (err) {
    case JT_OK: return JT_JOB_CLEAN;
    case JT_ERR_NO_RECORD: c->input_ended = true; return JT_JOB_CLEAN;
    case JT_ERR_INVALID: return jt_say_trouble(c->job->ledger->input, &trouble);
    case JT_ERR_IO:
        if (*c->interrupted) {
            return jt_say(JT_MSG_INTERRUPTED, NULL);
        }
        c->input_blocks = errno == EAGAIN;
        return c->input_blocks
                   ? JT_JOB_CLEAN
                   : jt_say(JT_MSG_INPUT_FAILED, "%s: %s", c->job->ledger->input, strerror(errno));
    default: return out_of_memory();
    }
}

/*
 * Reads one portion, or goes on with one that is half read; it stays empty when the input is at its
 * end.
 */
static int read_portion(struct conveyor *c, struct jt_portion *b)
{
    if (!c->input_blocks) {
        jt_portion_reset(b);
    }
    c->input_blocks = false;
    while (jt_portion_has_room(b) && !b->spills && !c->input_ended) {
        struct jt_record record;
        int code = read_record(c, &record);
        if (code != JT_JOB_CLEAN || c->input_blocks) {
            return code;
        }
        if (!c->input_ended && jt_portion_add(b, &record) != JT_OK) {
            return out_of_memory();
        }
    }
    if (b->n_records > 0) {
        b->number = ++c->n_read;
    }
    c->input_waits = b->spills;
    return JT_JOB_CLEAN;
}

/* Reads what was settled before the job went on. */
static int skip_settled(struct conveyor *c)
{
    struct jt_portion *b = &c->window[0].portion;
    struct jt_tally seen = { .n_fields = c->job->rules->n_fields };
    const struct jt_ledger *ledger = c->job->ledger;
    bool done = ledger->job->n_portions == 0;
    while (!done) {
        int code = read_portion(c, b);
        if (code == JT_JOB_CLEAN && c->input_blocks && !*c->interrupted) {
            jt_input_wait(c->job->in);
            continue;
        }
        if (code == JT_JOB_CLEAN && b->n_records == 0 && !*c->interrupted) {
            code = jt_say(JT_MSG_OTHER_INPUT, "%s ends before its checkpoint", ledger->input);
        }
        if (code == JT_JOB_CLEAN) {
            code = jt_ledger_skip(c->job->ledger, b, &seen, &done);
        }
        if (code == JT_JOB_CLEAN && *c->interrupted) {
            code = jt_say(JT_MSG_INTERRUPTED, NULL);
        }
        if (code != JT_JOB_CLEAN) {
            return code;
        }
    }
    c->input_waits = false;
    return JT_JOB_CLEAN;
}

static bool may_read(const struct conveyor *c)
{
    return !c->input_ended && !c->input_waits && c->n_used < c->n_slots;
}

static int fill_window(struct conveyor *c)
{
    while (may_read(c)) {
        struct slot *slot = slot_at(c, c->n_used);
        int code = read_portion(c, &slot->portion);
        if (code != JT_JOB_CLEAN || c->input_blocks) {
            return code;
        }
        if (slot->portion.n_records == 0) {
            break;
        }
        slot->state = jt_portion_begin(&slot->portion) ? SLOT_WAITING : SLOT_COMPLETE;
        slot->not_before_ms = 0;
        slot->first_sent_s = 0;
        jt_backoff_init(&slot->backoff, c->job->retry_for_s);
        c->n_used++;
    }
    return JT_JOB_CLEAN;
}

/* --- sending --- */

static struct slot *next_to_send(struct conveyor *c, int64_t now_ms)
{
    for (size_t i = 0; i < c->n_used; i++) {
        struct slot *slot = slot_at(c, i);
        if (slot->state == SLOT_WAITING && slot->not_before_ms <= now_ms) {
            return slot;
        }
    }
    return NULL;
}

/* Makes the request of the slot's step and gives it to the connection. */
static bool send_step(struct conveyor *c, struct connection *connection, struct slot *slot)
{
    char path[160], key[JT_JOB_KEY_LEN + 1];
    struct jt_portion *b = &slot->portion;
    const struct jt_direction *direction = c->job->rules->direction;
    bool stores = direction->stores && !jt_portion_asks(b);
    size_t field = jt_portion_field(b);
    bool news = c->job->rules->news[field] == JT_NEWS_ASKED;
    bool keyed = stores && (c->job->once[field] || news);
    snprintf(path, sizeof path, "/v1/fields/%s/%s", c->job->fields[field],
             jt_portion_asks(b) ? jt_direction_detokenize.path : direction->path);
    if (keyed) {
        jt_checkpoint_key(c->job->ledger->job, b->number, field, news, key);
    }
    if ((keyed || connection->keyed) &&
        !jt_endpoint_key(c->job->endpoint, connection->handle, keyed ? key : NULL,
                         &connection->headers)) {
        return false;
    }
    connection->keyed = keyed;
    if (jt_portion_make_request(b) != JT_OK ||
        !jt_endpoint_prepare(c->job->endpoint, connection->handle, &connection->reply, "POST", path,
                             &b->request) ||
        curl_multi_add_handle(c->multi, connection->handle) != CURLM_OK) {
        return false;
    }
    if (stores && slot->first_sent_s == 0) {
        slot->first_sent_s = now_s();
    }
    slot->state = SLOT_SENT;
    connection->slot = slot;
    return true;
}

static int send_waiting(struct conveyor *c)
{
    for (size_t i = 0; i < c->job->n_connections; i++) {
        struct connection *connection = &c->connections[i];
        struct slot *slot = connection->slot != NULL ? NULL : next_to_send(c, jt_clock_ms());
        if (slot != NULL && !send_step(c, connection, slot)) {
            return out_of_memory();
        }
    }
    return JT_JOB_CLEAN;
}

/* --- answers --- */

/* Says why the server does not do it. */
static int refuse(const struct conveyor *c, const struct slot *slot, const struct jt_reply *reply)
{
    bool asks = jt_portion_asks(&slot->portion);
    enum jt_message m = reply->status == 401 || reply->status == 403   ? JT_MSG_NOT_PERMITTED
                        : reply->status == 429 || reply->status == 503 ? JT_MSG_SERVER_BUSY
                        : reply->status >= 400 && reply->status < 500  ? JT_MSG_SERVER_REFUSES
                                                                       : JT_MSG_SERVER_FAILED;
    int code = jt_say(m, "%s of field %s%s",
                      asks ? jt_direction_detokenize.path : c->job->rules->direction->path,
                      c->job->fields[jt_portion_field(&slot->portion)],
                      asks && m == JT_MSG_NOT_PERMITTED ? "; --tokens pass needs the permission "
                                                          "read-masked"
                                                        : "");
    jt_say_as(m);
    (void)jt_problem_complain(reply->status, reply->body.data, reply->body.len);
    return code;
}

/* Sends the portion again later, or ends the job when that has gone on for long enough. */
static int repeat_later(struct conveyor *c, struct slot *slot, const struct jt_reply *reply,
                        CURLcode transfer)
{
    bool may_recover = transfer == CURLE_OK || jt_transfer_may_recover(transfer);
    if (may_recover && jt_backoff_next(&slot->backoff, reply->retry_after_s, jt_clock_ms(),
                                       &slot->not_before_ms)) {
        slot->state = SLOT_WAITING;
        c->job->ledger->job->n_retries++;
        if (!c->told_waiting && transfer != CURLE_OK) {
            c->told_waiting = true;
            (void)jt_say(JT_MSG_WAITING, "%s", curl_easy_strerror(transfer));
        }
        return JT_JOB_CLEAN;
    }
    if (transfer != CURLE_OK) {
        return jt_say(JT_MSG_SERVER_AWAY, "%s: %s", c->job->endpoint->url,
                      curl_easy_strerror(transfer));
    }
    return reply->status != 200 ? refuse(c, slot, reply)
                                : jt_say(JT_MSG_SERVER_BUSY, "%s: some values stay unavailable",
                                         c->job->endpoint->url);
}

/* Also the same request, under way for a process that was killed: 409 with Retry-After. */
static bool is_passing(const struct jt_reply *reply)
{
    return jt_reply_is_passing(reply) || (reply->status == 409 && reply->retry_after_s >= 0);
}

/* An answer of 200. */
static int take_results(struct conveyor *c, struct slot *slot, struct jt_reply *reply)
{
    size_t pending = slot->portion.n_pending;
    enum jt_err err = jt_portion_apply(&slot->portion, &reply->body);
    jt_buf_reset(&reply->body);
    if (err != JT_OK && slot->portion.masked_only) {
        return jt_say(JT_MSG_NOT_PERMITTED, "it reads masked card numbers only, which `jeton mask` "
                                            "writes");
    }
    if (err != JT_OK) {
        return jt_say(JT_MSG_ODD_ANSWER, NULL);
    }
    if (slot->portion.n_pending == 0) {
        slot->state = jt_portion_advance(&slot->portion) ? SLOT_WAITING : SLOT_COMPLETE;
        slot->not_before_ms = 0;
        jt_backoff_reset(&slot->backoff);
        return JT_JOB_CLEAN;
    }
    if (slot->portion.n_pending < pending) {
        jt_backoff_reset(&slot->backoff); /* it moves */
    }
    return repeat_later(c, slot, reply, CURLE_OK);
}

/* One transfer has ended. */
static int take_reply(struct conveyor *c, struct connection *connection, CURLcode transfer)
{
    struct slot *slot = connection->slot;
    struct jt_reply *reply = &connection->reply;
    jt_must(slot != NULL); /* what is under way has one */
    jt_endpoint_finish(connection->handle, reply);
    (void)curl_multi_remove_handle(c->multi, connection->handle);
    connection->slot = NULL;
    bool refused = transfer == CURLE_OK ? reply->status >= 400 && reply->status < 500
                                        : !jt_transfer_may_have_arrived(transfer);
    c->result->touched = c->result->touched || !refused;
    if (transfer == CURLE_WRITE_ERROR) {
        return jt_say(JT_MSG_ODD_ANSWER, "it is longer than %u bytes", JT_REPLY_MAX);
    }
    if (transfer == CURLE_OUT_OF_MEMORY) {
        return out_of_memory();
    }
    if (transfer != CURLE_OK || is_passing(reply)) {
        return repeat_later(c, slot, reply, transfer);
    }
    return reply->status != 200 ? refuse(c, slot, reply) : take_results(c, slot, reply);
}

static struct connection *connection_of(struct conveyor *c, const CURL *handle)
{
    for (size_t i = 0; i < c->job->n_connections; i++) {
        if (c->connections[i].handle == handle) {
            return &c->connections[i];
        }
    }
    return NULL;
}

static int take_replies(struct conveyor *c)
{
    int left;
    int running;
    CURLMcode done = curl_multi_perform(c->multi, &running);
    if (done != CURLM_OK) {
        return complain_of_curl(done);
    }
    for (CURLMsg *m = curl_multi_info_read(c->multi, &left); m != NULL;
         m = curl_multi_info_read(c->multi, &left)) {
        struct connection *connection =
            m->msg == CURLMSG_DONE ? connection_of(c, m->easy_handle) : NULL;
        int code = connection == NULL ? JT_JOB_CLEAN : take_reply(c, connection, m->data.result);
        if (code != JT_JOB_CLEAN) {
            return code;
        }
    }
    return JT_JOB_CLEAN;
}

/* --- settling --- */

/* When the first request was sent that is not settled. */
static uint64_t unsettled_s(struct conveyor *c, size_t from)
{
    uint64_t first = now_s();
    for (size_t i = from; i < c->n_used; i++) {
        uint64_t sent = slot_at(c, i)->first_sent_s;
        first = sent > 0 && sent < first ? sent : first;
    }
    return first;
}

/* Settles the complete portions at the front of the window. */
static int settle_complete(struct conveyor *c)
{
    struct jt_checkpoint *job = c->job->ledger->job;
    while (c->n_used > 0 && slot_at(c, 0)->state == SLOT_COMPLETE) {
        struct jt_portion *b = &slot_at(c, 0)->portion;
        uint64_t before = job->tally.n_read;
        bool spills = b->spills;
        int code = jt_ledger_settle(c->job->ledger, b, unsettled_s(c, 1));
        c->result->n_records += job->tally.n_read - before;
        if (code != JT_JOB_CLEAN) {
            return code;
        }
        c->input_waits = c->input_waits && !spills;
        jt_portion_reset(b);
        c->first = (c->first + 1) % c->n_slots;
        c->n_used--;
    }
    return JT_JOB_CLEAN;
}

static int wait_ms(struct conveyor *c)
{
    int64_t now = jt_clock_ms();
    int64_t wait = LONGEST_WAIT_MS;
    for (size_t i = 0; i < c->n_used; i++) {
        struct slot *slot = slot_at(c, i);
        if (slot->state == SLOT_WAITING && slot->not_before_ms > now &&
            slot->not_before_ms - now < wait) {
            wait = slot->not_before_ms - now;
        }
    }
    return (int)wait;
}

static void show_progress(struct conveyor *c)
{
    const struct jt_checkpoint *job = c->job->ledger->job;
    double fraction = c->job->in_size == 0 ? -1 : (double)job->input_end / (double)c->job->in_size;
    if (!c->job->quiet) {
        jt_progress_update(&c->progress, fraction, c->result->n_records);
    }
}

/* Until an answer comes, or input that there was none of, or something is to be sent again. */
static int wait_for_more(struct conveyor *c)
{
    struct curl_waitfd input = { .fd = c->job->in->fd, .events = CURL_WAIT_POLLIN };
    if (may_read(c) && !c->input_blocks) {
        return JT_JOB_CLEAN;
    }
    unsigned n_inputs = may_read(c) ? 1 : 0;
    CURLMcode polled = curl_multi_poll(c->multi, &input, n_inputs, wait_ms(c), NULL);
    return polled == CURLM_OK ? JT_JOB_CLEAN : complain_of_curl(polled);
}

static int run(struct conveyor *c)
{
    int code = c->job->goes_on ? skip_settled(c) : JT_JOB_CLEAN;
    while (code == JT_JOB_CLEAN) {
        code = fill_window(c);
        if (code == JT_JOB_CLEAN) {
            code = send_waiting(c);
        }
        if (code == JT_JOB_CLEAN) {
            code = take_replies(c);
        }
        if (code == JT_JOB_CLEAN) {
            code = settle_complete(c);
        }
        if (code != JT_JOB_CLEAN || (c->n_used == 0 && c->input_ended)) {
            return code;
        }
        if (*c->interrupted) {
            return jt_say(JT_MSG_INTERRUPTED, NULL);
        }
        show_progress(c);
        code = wait_for_more(c);
    }
    return code;
}

static bool set_up(struct conveyor *c)
{
    const struct jt_conveyor_job *job = c->job;
    c->n_slots = JT_CONVEYOR_WINDOW * job->n_connections;
    c->multi = curl_multi_init();
    c->connections = calloc(job->n_connections, sizeof *c->connections);
    c->window = calloc(c->n_slots, sizeof *c->window);
    if (c->multi == NULL || c->connections == NULL || c->window == NULL) {
        return false;
    }
    /*
     * Requests wait for a connection of their own instead of sharing one (HTTP/2) behind a slower
     * neighbour.
     */
    bool fine =
        curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)job->n_connections) == CURLM_OK &&
        curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) == CURLM_OK;
    for (size_t i = 0; i < c->n_slots; i++) {
        fine = jt_portion_init(&c->window[i].portion, job->rules) == JT_OK && fine;
    }
    for (size_t i = 0; i < job->n_connections && job->rules->direction->path != NULL; i++) {
        jt_reply_init(&c->connections[i].reply);
        c->connections[i].handle = jt_endpoint_handle(job->endpoint, &c->connections[i].reply);
        fine = c->connections[i].handle != NULL && fine;
    }
    return fine;
}

static void tear_down(struct conveyor *c)
{
    for (size_t i = 0; c->connections != NULL && i < c->job->n_connections; i++) {
        struct connection *connection = &c->connections[i];
        if (connection->slot != NULL) {
            c->result->touched = true; /* nobody knows what becomes of it */
            (void)curl_multi_remove_handle(c->multi, connection->handle);
        }
        curl_easy_cleanup(connection->handle);
        jt_endpoint_unkey(connection->headers);
        jt_reply_clear(&connection->reply);
    }
    for (size_t i = 0; c->window != NULL && i < c->n_slots; i++) {
        jt_portion_clear(&c->window[i].portion);
    }
    curl_multi_cleanup(c->multi);
    free(c->connections);
    free(c->window);
}

int jt_conveyor_run(const struct jt_conveyor_job *job, const volatile sig_atomic_t *interrupted,
                    struct jt_conveyor_result *result)
{
    *result = (struct jt_conveyor_result){ 0 };
    struct conveyor c = { .job = job, .result = result, .interrupted = interrupted };
    int64_t began_ms = jt_clock_ms();
    jt_progress_start(&c.progress, job->rules->direction->verb, job->want_bar);
    int code = set_up(&c) ? run(&c) : out_of_memory();
    result->elapsed_ms = jt_clock_ms() - began_ms;
    struct jt_progress_state last = { .fraction = 1, .rows = result->n_records };
    last.rate =
        result->elapsed_ms > 0 ? (double)result->n_records * 1000 / (double)result->elapsed_ms : 0;
    jt_progress_end(&c.progress, code == JT_JOB_CLEAN && !job->quiet ? &last : NULL);
    tear_down(&c);
    return code;
}
