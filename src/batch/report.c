/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* What is being made: where on which page. */
struct printer {
    struct jt_buf *out;
    const struct jt_report_facts *facts;
    unsigned page, line; /* the line that comes next, from 1; 0: a page must begin */
};

void jt_report_time(uint64_t at_s, char out[static JT_REPORT_TIME_LEN])
{
    struct tm tm;
    time_t at = (time_t)at_s;
    if (gmtime_r(&at, &tm) == NULL ||
        strftime(out, JT_REPORT_TIME_LEN, "%Y-%m-%d %H:%M:%S", &tm) == 0) {
        memcpy(out, "-", 2);
    }
}

void jt_report_number(uint64_t v, char out[static JT_REPORT_NUMBER_LEN])
{
    char digits[21];
    size_t n = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, v), at = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            out[at++] = ',';
        }
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

/* Writes a line of text that fits into the width; what is not printable ASCII is a question mark.
 */
static void put_text(struct printer *p, const char *text, size_t len)
{
    len = len > JT_REPORT_WIDTH ? JT_REPORT_WIDTH : len;
    while (len > 0 && text[len - 1] == ' ') {
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        bool printable = text[i] >= 0x20 && text[i] < 0x7f;
        jt_buf_u8(p->out, printable ? (uint8_t)text[i] : '?');
    }
    jt_buf_u8(p->out, '\n');
    p->line++;
}

static void begin_page(struct printer *p)
{
    char line[JT_REPORT_WIDTH + 1], title[80], at[JT_REPORT_TIME_LEN];
    if (p->page++ > 0) {
        jt_buf_u8(p->out, '\f');
    }
    p->line = 1;
    jt_report_time(p->facts->ended_s, at);
    snprintf(title, sizeof title, "JETON %s  %s  CONTROL REPORT", p->facts->version,
             p->facts->verb);
    snprintf(line, sizeof line, "%-70.70s %38s UTC   PAGE %5u", title, at, p->page);
    put_text(p, line, strlen(line));
    snprintf(line, sizeof line, "JOB %s", p->facts->job->job);
    put_text(p, line, strlen(line));
    put_text(p, "", 0);
}

__attribute__((format(printf, 2, 3))) static void print(struct printer *p, const char *format, ...)
{
    char line[2 * JT_REPORT_WIDTH];
    if (p->line == 0 || p->line > JT_REPORT_PAGE_LINES) {
        begin_page(p);
    }
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
    put_text(p, line, len);
}

/* A heading stands on one page with what follows it. */
static void heading(struct printer *p, const char *text, unsigned lines_with_it)
{
    if (p->line > 0 && p->line + lines_with_it + 2 > JT_REPORT_PAGE_LINES) {
        begin_page(p);
    } else {
        print(p, "%s", "");
    }
    print(p, "%s", text);
}

static void pairs(struct printer *p, const struct jt_report_pair *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].text != NULL) {
            print(p, "  %-34.34s %s", list[i].name, list[i].text);
        }
    }
}

static void count(struct printer *p, const char *name, uint64_t v)
{
    char number[JT_REPORT_NUMBER_LEN];
    jt_report_number(v, number);
    print(p, "  %-34.34s %26s", name, number);
}

static void times(struct printer *p)
{
    const struct jt_report_facts *f = p->facts;
    char began[JT_REPORT_TIME_LEN], ended[JT_REPORT_TIME_LEN], first[JT_REPORT_TIME_LEN];
    jt_report_time(f->began_s, began);
    jt_report_time(f->ended_s, ended);
    jt_report_time(f->job->began_s, first);
    heading(p, "TIMES (UTC)", 4);
    print(p, "  %-34s %s", "job first begun", first);
    print(p, "  %-34s %s", "this run begun", began);
    print(p, "  %-34s %s", "this run ended", ended);
    print(p, "  %-34s %.3f s of this run, %.3f s in all", "elapsed", (double)f->run_ms / 1000,
          (double)f->job->elapsed_ms / 1000);
    double rate = f->run_ms > 0 ? (double)f->n_run_records * 1000 / (double)f->run_ms : 0;
    print(p, "  %-34s %.0f records a second in this run", "rate", rate);
    count(p, "restarts", f->job->n_restarts);
    count(p, "requests repeated", f->job->n_retries);
}

static void records(struct printer *p)
{
    const struct jt_tally *t = &p->facts->job->tally;
    heading(p, "RECORDS", 7);
    count(p, "read", t->n_read);
    count(p, "written, with values replaced", t->n_written);
    count(p, "passed unchanged", t->n_passed);
    count(p, "rejected", t->n_rejected);
    print(p, "  %-34s %26s", "read = written + passed + rejected",
          jt_tally_balance(t) == JT_MSG_OUT_OF_BALANCE ? "NO" : "YES");
    count(p, "headers and blank lines copied", t->n_other);
    count(p, "bytes read", p->facts->job->input_end);
    count(p, "bytes written", p->facts->job->out_len);
    if (t->n_rejected == 0) {
        return;
    }
    heading(p, "REJECTED BY REASON", 2);
    for (enum jt_message m = JT_MSG_NONE + 1; m < JT_MSG_END; m++) {
        char number[JT_REPORT_NUMBER_LEN];
        if (t->reasons[m] > 0) {
            jt_report_number(t->reasons[m], number);
            print(p, "  %s  %-24s %26s  %s", jt_message_id(m), jt_message_name(m), number,
                  jt_message_text(m));
        }
    }
}

static void total(struct printer *p, const char *name, const char *what, uint64_t v)
{
    print(p, "  %-34.34s %26.0s%015" PRIu64 "  %s", name, "", v, what);
}

static uint64_t untold(const struct jt_tally_field *field)
{
    return field->n_replaced - field->n_new - field->n_known;
}

/* Nothing, where it was told of none. */
static void news(struct printer *p, const struct jt_tally_field *field)
{
    bool all = untold(field) == 0 && field->news != JT_NEWS_NONE;
    if (!all && untold(field) == field->n_replaced) {
        return;
    }
    count(p, "new tokens", field->n_new);
    count(p, "existing tokens", field->n_known);
    if (!all) {
        count(p, "replaced, and not told which", untold(field));
    }
    if (field->n_new_rejected > 0) {
        count(p, "new tokens of records rejected", field->n_new_rejected);
    }
}

static void generations(struct printer *p, const struct jt_tally_field *field)
{
    if (field->first_generation > 0) {
        count(p, "active key generation, at first", field->first_generation);
    }
    if (field->last_generation > 0) {
        count(p, "active key generation, at the end", field->last_generation);
    }
}

/* What the counts of new tokens do not tell. */
static void explain_news(struct printer *p)
{
    const struct jt_checkpoint *job = p->facts->job;
    bool any_untold = false;
    for (size_t i = 0; i < job->tally.n_fields; i++) {
        const struct jt_tally_field *field = &job->tally.fields[i];
        any_untold |= untold(field) > 0 || field->news == JT_NEWS_NONE;
    }
    if (any_untold) {
        print(p, "  Which tokens are new the service tells only to a client that may look cards up "
                 "in the field, without a budget for that.");
    }
    if (job->n_doubtful > 0) {
        char number[JT_REPORT_NUMBER_LEN];
        jt_report_number(job->n_doubtful, number);
        print(p,
              "  Up to %s records were asked for again after a restart: existing tokens of "
              "theirs can be this job's own.",
              number);
    }
}

static void values(struct printer *p)
{
    const struct jt_report_facts *f = p->facts;
    const struct jt_tally *t = &f->job->tally;
    for (size_t i = 0; i < t->n_fields; i++) {
        const struct jt_tally_field *field = &t->fields[i];
        char title[JT_REPORT_WIDTH];
        snprintf(title, sizeof title, "VALUES OF FIELD %.64s", f->fields[i]);
        heading(p, title, 16);
        count(p, "replaced", field->n_replaced);
        news(p, field);
        count(p, "blank, left as they are", field->n_blank);
        count(p, "tokens already, left as they are", field->n_tokens);
        total(p, "hash total of values read", f->values_in, field->total_in);
        total(p, "  of records written or passed", f->values_in, field->total_kept);
        total(p, "  of records rejected", f->values_in, field->total_rejected);
        total(p, "hash total of the output", f->values_out, field->total_out);
        generations(p, field);
    }
    print(p, "  Hash totals: sum modulo 10**15 of the first six and last four digits read as one "
             "number; of opaque tokens, of FNV-1a (32 bits).");
    if (f->makes_tokens) {
        explain_news(p);
    }
}

static void checkpoints(struct printer *p)
{
    const struct jt_checkpoint *c = p->facts->job;
    heading(p, "CHECKPOINTS", 4);
    count(p, "taken", c->n_checkpoints);
    print(p, "  %-34s %.3f s of this run", "time spent on them",
          (double)p->facts->checkpoints_ms / 1000);
    uint64_t first = c->n_notes > JT_CHECKPOINT_LOG ? c->n_notes - JT_CHECKPOINT_LOG : 0;
    for (uint64_t i = first; i < c->n_notes; i++) {
        const struct jt_checkpoint_note *n = &c->log[i % JT_CHECKPOINT_LOG];
        char at[JT_REPORT_TIME_LEN], read[JT_REPORT_NUMBER_LEN], len[JT_REPORT_NUMBER_LEN];
        jt_report_time(n->at_s, at);
        jt_report_number(n->n_records, read);
        jt_report_number(n->out_len, len);
        print(p, "  %s  %-10s %18s records %22s bytes of output", at,
              n->restart ? "restart" : "checkpoint", read, len);
    }
}

static void messages(struct printer *p)
{
    const struct jt_buf *m = p->facts->messages;
    heading(p, "MESSAGES", 2);
    const char *at = (const char *)m->data, *end = at == NULL ? NULL : at + m->len;
    while (at != NULL && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((newline == NULL ? end : newline) - at);
        for (size_t done = 0; done == 0 || done < len;) { /* a long one takes several lines */
            size_t width = JT_REPORT_WIDTH - (done == 0 ? 2 : 11), n = len - done;
            n = n > width ? width : n;
            print(p, "%*s%.*s", done == 0 ? 2 : 11, "", (int)n, at + done);
            done += n;
            if (n == 0) {
                break;
            }
        }
        at += len + 1;
    }
}

enum jt_err jt_report_render(const struct jt_report_facts *facts, struct jt_buf *out)
{
    struct printer p = { .out = out, .facts = facts };
    begin_page(&p);
    print(&p, "FILES");
    pairs(&p, facts->files, facts->n_files);
    heading(&p, "PLACES", 2);
    pairs(&p, facts->places, facts->n_places);
    times(&p);
    records(&p);
    values(&p);
    checkpoints(&p);
    messages(&p);
    heading(&p, "END", 2);
    print(&p, "  %-34s %d", "exit code", facts->exit_code);
    return jt_buf_status(out);
}
