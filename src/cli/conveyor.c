/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/conveyor.h"

#include "base/clock.h"
#include "base/must.h"
#include "cli/backoff.h"
#include "cli/exit.h"
#include "cli/progress.h"
#include "cli/rest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_WAIT_MS 200         /* how late an interruption or the progress bar may come */
#define MAX_OUT         (64u << 20) /* of one portion written out */

enum slot_state { SLOT_WAITING, SLOT_SENT, SLOT_COMPLETE };

/* A portion in the window. */
struct slot {
    struct jt_portion portion;
    enum slot_state state;
    struct jt_backoff backoff;
    int64_t not_before_ms;
};

/* One connection. */
struct connection {
    CURL *handle;
    struct jt_reply reply;
    struct slot *slot; /* NULL: idle */
};

struct conveyor {
    const struct jt_conveyor_job *job;
    struct jt_conveyor_result *result;
    char path[128];
    CURLM *multi;
    struct connection *connections;
    struct slot *window; /* a ring of `n_slots` */
    size_t n_slots, first, n_used;
    bool input_ended;
    struct jt_buf out, rejects;
    struct jt_progress progress;
    uint64_t written; /* bytes of the input whose rows are written out */
};

static struct slot *slot_at(struct conveyor *c, size_t i)
{
    return &c->window[(c->first + i) % c->n_slots];
}

static int complain_of_curl(CURLMcode code)
{
    jt_complain("libcurl: %s", curl_multi_strerror(code));
    return JT_EXIT_FAILED;
}

static int out_of_memory(void)
{
    jt_complain("out of memory");
    return JT_EXIT_FAILED;
}

static int complain_of_input(const struct jt_csv *in, enum jt_err err)
{
    switch (err) {
    case JT_ERR_LIMIT:
        jt_complain("line %" PRIu64
                    " of the input: a record of more than %u bytes: is a quote never closed?",
                    in->line, JT_CSV_RECORD_MAX);
        return JT_EXIT_FAILED;
    case JT_ERR_INVALID:
        jt_complain("line %" PRIu64
                    " of the input: the quoted field that begins there is never closed",
                    in->open_quote_line);
        return JT_EXIT_FAILED;
    case JT_ERR_IO:
        jt_complain("cannot read the input: %s", strerror(errno));
        return JT_EXIT_FAILED;
    default: return out_of_memory();
    }
}

/* Reads one portion; it stays empty when the input is at its end. */
static int read_portion(struct conveyor *c, struct jt_portion *b)
{
    jt_portion_reset(b);
    while (jt_portion_has_room(b)) {
        struct jt_csv_record record;
        enum jt_err err = jt_csv_next(c->job->in, &record);
        if (err == JT_ERR_NO_RECORD) {
            c->input_ended = true;
            break;
        }
        if (err != JT_OK) {
            return complain_of_input(c->job->in, err);
        }
        if (jt_portion_add(b, &record, c->job->n_columns) != JT_OK) {
            return out_of_memory();
        }
    }
    b->consumed = c->job->in->consumed;
    return JT_EXIT_OK;
}

static int fill_window(struct conveyor *c)
{
    while (!c->input_ended && c->n_used < c->n_slots) {
        struct slot *slot = slot_at(c, c->n_used);
        int code = read_portion(c, &slot->portion);
        if (code != JT_EXIT_OK) {
            return code;
        }
        if (slot->portion.n_rows == 0) {
            break;
        }
        slot->state = slot->portion.n_pending > 0 ? SLOT_WAITING : SLOT_COMPLETE;
        slot->not_before_ms = 0;
        jt_backoff_init(&slot->backoff, c->job->retry_for_s);
        c->n_used++;
    }
    return JT_EXIT_OK;
}

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

static int send_waiting(struct conveyor *c)
{
    for (size_t i = 0; i < c->job->n_connections; i++) {
        struct connection *connection = &c->connections[i];
        struct slot *slot = connection->slot != NULL ? NULL : next_to_send(c, jt_clock_ms());
        if (slot == NULL) {
            continue;
        }
        if (jt_portion_make_request(&slot->portion) != JT_OK ||
            !jt_endpoint_prepare(c->job->endpoint, connection->handle, &connection->reply, "POST",
                                 c->path, &slot->portion.request) ||
            curl_multi_add_handle(c->multi, connection->handle) != CURLM_OK) {
            return out_of_memory();
        }
        slot->state = SLOT_SENT;
        connection->slot = slot;
    }
    return JT_EXIT_OK;
}

/* Sends the portion again later, or ends the job when that has gone on for long enough. */
static int repeat_later(struct conveyor *c, struct slot *slot, const struct jt_reply *reply,
                        CURLcode transfer)
{
    bool may_recover = transfer == CURLE_OK || jt_transfer_may_recover(transfer);
    if (may_recover && jt_backoff_next(&slot->backoff, reply->retry_after_s, jt_clock_ms(),
                                       &slot->not_before_ms)) {
        slot->state = SLOT_WAITING;
        c->result->n_retries++;
        return JT_EXIT_OK;
    }
    if (transfer != CURLE_OK) {
        jt_complain("%s: %s", c->job->endpoint->url, curl_easy_strerror(transfer));
    } else if (reply->status != 200) {
        (void)jt_problem_complain(reply->status, reply->body.data, reply->body.len);
    } else {
        jt_complain("%s: some rows stay unavailable", c->job->endpoint->url);
    }
    return JT_EXIT_UNAVAILABLE;
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
    if (transfer == CURLE_WRITE_ERROR) {
        jt_complain("the server's answer is longer than %u bytes", JT_REPLY_MAX);
        return JT_EXIT_FAILED;
    }
    if (transfer == CURLE_OUT_OF_MEMORY) {
        return out_of_memory();
    }
    if (transfer != CURLE_OK || jt_reply_is_passing(reply)) {
        return repeat_later(c, slot, reply, transfer);
    }
    if (reply->status != 200) {
        return jt_problem_complain(reply->status, reply->body.data, reply->body.len);
    }
    size_t pending = slot->portion.n_pending;
    enum jt_err err = jt_portion_apply(&slot->portion, &reply->body);
    jt_buf_reset(&reply->body);
    if (err != JT_OK) {
        jt_complain("the server's answer does not fit what was asked");
        return JT_EXIT_FAILED;
    }
    if (slot->portion.n_pending == 0) {
        slot->state = SLOT_COMPLETE;
        return JT_EXIT_OK;
    }
    if (slot->portion.n_pending < pending) {
        jt_backoff_reset(&slot->backoff); /* it moves */
    }
    return repeat_later(c, slot, reply, CURLE_OK);
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
        int code = connection == NULL ? JT_EXIT_OK : take_reply(c, connection, m->data.result);
        if (code != JT_EXIT_OK) {
            return code;
        }
    }
    return JT_EXIT_OK;
}

/* Writes out the complete portions at the front of the window. */
static int write_complete(struct conveyor *c)
{
    while (c->n_used > 0 && slot_at(c, 0)->state == SLOT_COMPLETE) {
        struct jt_portion *b = &slot_at(c, 0)->portion;
        if (jt_portion_write(b, &c->out, &c->rejects, &c->result->n_accepted) != JT_OK) {
            return out_of_memory();
        }
        int code = jt_output_write(c->job->out, &c->out);
        if (code == JT_EXIT_OK) {
            code = jt_output_write(c->job->rejects, &c->rejects);
        }
        if (code != JT_EXIT_OK) {
            return code;
        }
        c->result->n_rows += b->n_rows;
        c->written = b->consumed;
        jt_portion_reset(b);
        c->first = (c->first + 1) % c->n_slots;
        c->n_used--;
    }
    return JT_EXIT_OK;
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

static double fraction_done(const struct conveyor *c)
{
    return c->job->in_size == 0 ? -1 : (double)c->written / (double)c->job->in_size;
}

static int run(struct conveyor *c, const volatile sig_atomic_t *interrupted)
{
    int code = JT_EXIT_OK;
    while (code == JT_EXIT_OK) {
        code = fill_window(c);
        if (code == JT_EXIT_OK) {
            code = send_waiting(c);
        }
        if (code == JT_EXIT_OK) {
            code = take_replies(c);
        }
        if (code == JT_EXIT_OK) {
            code = write_complete(c);
        }
        if (code != JT_EXIT_OK || (c->n_used == 0 && c->input_ended)) {
            return code;
        }
        if (*interrupted) {
            return JT_EXIT_FAILED;
        }
        jt_progress_update(&c->progress, fraction_done(c), c->result->n_rows);
        bool window_moves = !c->input_ended && c->n_used < c->n_slots;
        CURLMcode polled =
            window_moves ? CURLM_OK : curl_multi_poll(c->multi, NULL, 0, wait_ms(c), NULL);
        if (polled != CURLM_OK) {
            return complain_of_curl(polled);
        }
    }
    return code;
}

static bool set_up(struct conveyor *c)
{
    const struct jt_conveyor_job *job = c->job;
    c->n_slots = 2 * job->n_connections;
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
        fine = jt_portion_init(&c->window[i].portion, job->direction, &c->result->reasons,
                               job->batch_rows) == JT_OK &&
               fine;
    }
    for (size_t i = 0; i < job->n_connections; i++) {
        jt_reply_init(&c->connections[i].reply);
        c->connections[i].handle = jt_endpoint_handle(job->endpoint, &c->connections[i].reply);
        fine = c->connections[i].handle != NULL && fine;
    }
    return fine;
}

static void tear_down(struct conveyor *c)
{
    for (size_t i = 0; c->connections != NULL && i < c->job->n_connections; i++) {
        if (c->connections[i].slot != NULL) {
            (void)curl_multi_remove_handle(c->multi, c->connections[i].handle);
        }
        curl_easy_cleanup(c->connections[i].handle);
        jt_reply_clear(&c->connections[i].reply);
    }
    for (size_t i = 0; c->window != NULL && i < c->n_slots; i++) {
        jt_portion_clear(&c->window[i].portion);
    }
    curl_multi_cleanup(c->multi);
    free(c->connections);
    free(c->window);
    jt_buf_clear(&c->out);
    jt_buf_clear(&c->rejects);
}

int jt_conveyor_run(const struct jt_conveyor_job *job, const volatile sig_atomic_t *interrupted,
                    struct jt_conveyor_result *result)
{
    *result = (struct jt_conveyor_result){ 0 };
    struct conveyor c = { .job = job, .result = result };
    jt_buf_init(&c.out, MAX_OUT);
    jt_buf_init(&c.rejects, MAX_OUT);
    snprintf(c.path, sizeof c.path, "/v1/fields/%s/%s", job->field, job->direction->verb);
    jt_progress_start(&c.progress, job->direction->verb, job->want_bar);
    int code = set_up(&c) ? run(&c, interrupted) : out_of_memory();
    result->elapsed_s = jt_progress_elapsed_s(&c.progress);
    struct jt_progress_state last = { .fraction = 1, .rows = result->n_rows };
    last.rate = result->elapsed_s > 0 ? (double)result->n_rows / result->elapsed_s : 0;
    jt_progress_end(&c.progress, code == JT_EXIT_OK ? &last : NULL);
    tear_down(&c);
    return code;
}
