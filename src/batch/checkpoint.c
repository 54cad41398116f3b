/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/checkpoint.h"

#include "base/hex.h"
#include "base/must.h"
#include "base/random.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE     "jeton checkpoint 2\n"
#define END            "end "
#define LINE_MAX_CHARS 400

/* Half a byte as a letter. */
static char letter(unsigned v)
{
    return (char)('a' + (v & 15));
}

void jt_checkpoint_begin(struct jt_checkpoint *c, uint64_t now_s)
{
    uint8_t random[JT_JOB_ID_LEN / 2];
    *c = (struct jt_checkpoint){ .began_s = now_s, .unsettled_s = now_s };
    jt_random_fill(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++) {
        c->job[2 * i] = letter(random[i] >> 4);
        c->job[2 * i + 1] = letter(random[i]);
    }
}

void jt_checkpoint_note(struct jt_checkpoint *c, bool restart, uint64_t now_s)
{
    const struct jt_checkpoint_note *last =
        c->n_notes == 0 ? NULL : &c->log[(c->n_notes - 1) % JT_CHECKPOINT_LOG];
    if (last != NULL && !restart && !last->restart && last->n_records == c->tally.n_read) {
        return; /* the last one of a job often is where the one before was */
    }
    c->log[c->n_notes++ % JT_CHECKPOINT_LOG] = (struct jt_checkpoint_note){
        .at_s = now_s, .n_records = c->tally.n_read, .out_len = c->out_len, .restart = restart
    };
}

/* --- how the job was asked for --- */

void jt_parameter_put(struct jt_buf *parameters, const char *name, const char *value)
{
    jt_buf_put(parameters, "asked ", strlen("asked "));
    jt_buf_put(parameters, name, strlen(name));
    jt_buf_u8(parameters, ' ');
    for (const char *p = value == NULL ? "" : value; *p != '\0'; p++) {
        char escaped[4];
        bool plain = (uint8_t)*p >= 0x20 && (uint8_t)*p < 0x7f && *p != '%';
        int n = plain ? 0 : snprintf(escaped, sizeof escaped, "%%%02x", (uint8_t)*p);
        jt_buf_put(parameters, plain ? p : escaped, plain ? 1 : (size_t)n);
    }
    jt_buf_u8(parameters, '\n');
}

bool jt_parameters_differ(const struct jt_buf *a, const struct jt_buf *b, char *name,
                          size_t name_len)
{
    size_t common = 0, line = 0, least = a->len < b->len ? a->len : b->len;
    while (common < least && a->data[common] == b->data[common]) {
        common++;
        line = a->data[common - 1] == '\n' ? common : line;
    }
    if (common == a->len && common == b->len) {
        return false;
    }
    const struct jt_buf *has = line < a->len ? a : b; /* one of them has a line more, at least */
    const char *at = (const char *)has->data + line + strlen("asked ");
    size_t len = 0;
    while (len + 1 < name_len && at + len < (const char *)has->data + has->len && at[len] != ' ') {
        name[len] = at[len];
        len++;
    }
    name[len] = '\0';
    return true;
}

/* --- lines --- */

__attribute__((format(printf, 2, 3))) static void put(struct jt_buf *out, const char *format, ...)
{
    char line[LINE_MAX_CHARS];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    jt_must(n > 0 && (size_t)n < sizeof line);
    jt_buf_put(out, line, (size_t)n);
}

/* The numbers of a checkpoint, each with its name, for both directions. */
#define NUMBERS(X)                          \
    X("began", began_s)                     \
    X("written", written_s)                 \
    X("unsettled", unsettled_s)             \
    X("ahead", ahead)                       \
    X("elapsed-ms", elapsed_ms)             \
    X("input", input_end)                   \
    X("portions", n_portions)               \
    X("retries", n_retries)                 \
    X("checkpoints", n_checkpoints)         \
    X("restarts", n_restarts)               \
    X("out", out_len)                       \
    X("rejects", rejects_len)               \
    X("records-read", tally.n_read)         \
    X("records-written", tally.n_written)   \
    X("records-passed", tally.n_passed)     \
    X("records-rejected", tally.n_rejected) \
    X("lines-copied", tally.n_other)        \
    X("notes", n_notes)                     \
    X("doubtful", n_doubtful)

/* Those of a field, behind its index. */
#define FIELD_NUMBERS(X) \
    X(n_replaced)        \
    X(n_blank)           \
    X(n_tokens)          \
    X(total_in)          \
    X(total_kept)        \
    X(total_rejected)    \
    X(total_out)         \
    X(n_new)             \
    X(n_known)           \
    X(n_new_rejected)    \
    X(news)              \
    X(first_generation)  \
    X(last_generation)

#define ONE(member) +1
enum { N_FIELD = 1 FIELD_NUMBERS(ONE) };
#undef ONE

static void put_tally(const struct jt_tally *t, struct jt_buf *out)
{
    for (enum jt_message m = 0; m < JT_MSG_END; m++) {
        if (t->reasons[m] > 0) {
            put(out, "reason %s %" PRIu64 "\n", jt_message_id(m), t->reasons[m]);
        }
    }
    for (size_t i = 0; i < t->n_fields; i++) {
        const struct jt_tally_field *f = &t->fields[i];
        put(out, "field %zu", i);
#define PUT(member) put(out, " %" PRIu64, f->member);
        FIELD_NUMBERS(PUT)
#undef PUT
        jt_buf_u8(out, '\n');
    }
}

enum jt_err jt_checkpoint_encode(const struct jt_checkpoint *c, const struct jt_buf *parameters,
                                 struct jt_buf *out)
{
    char hex[2 * JT_SHA256_LEN + 1];
    uint8_t digest[JT_SHA256_LEN];
    size_t from = out->len;
    put(out, FIRST_LINE "job %s\nstate %s\n", c->job, c->complete ? "complete" : "running");
    jt_buf_put(out, parameters->data, parameters->len);
#define PUT(name, member) put(out, name " %" PRIu64 "\n", c->member);
    NUMBERS(PUT)
#undef PUT
    jt_hex_encode(c->input_digest, sizeof c->input_digest, hex);
    put(out, "input-digest %s\n", hex);
    put_tally(&c->tally, out);
    uint64_t first = c->n_notes > JT_CHECKPOINT_LOG ? c->n_notes - JT_CHECKPOINT_LOG : 0;
    for (uint64_t i = first; i < c->n_notes; i++) {
        const struct jt_checkpoint_note *n = &c->log[i % JT_CHECKPOINT_LOG];
        put(out, "note %" PRIu64 " %" PRIu64 " %" PRIu64 " %d\n", n->at_s, n->n_records, n->out_len,
            n->restart);
    }
    enum jt_err err = jt_buf_status(out);
    if (err == JT_OK) {
        err = jt_sha256(out->data + from, out->len - from, digest);
    }
    if (err != JT_OK) {
        return err;
    }
    jt_hex_encode(digest, sizeof digest, hex);
    put(out, END "%s\n", hex);
    return jt_buf_status(out);
}

/* --- reading --- */

struct lines {
    const char *at, *end; /* of all */
    const char *line;     /* the present one, */
    size_t len;           /* without its end */
    bool bad;
};

/* The next line; false at the end. */
static bool next(struct lines *l)
{
    const char *newline = l->at < l->end ? memchr(l->at, '\n', (size_t)(l->end - l->at)) : NULL;
    if (newline == NULL) {
        return false;
    }
    l->line = l->at;
    l->len = (size_t)(newline - l->at);
    l->at = newline + 1;
    return true;
}

static bool starts(const struct lines *l, const char *with)
{
    size_t n = strlen(with);
    return l->len >= n && memcmp(l->line, with, n) == 0;
}

/* `n` decimal numbers that are all of what stands behind the first `skip` characters. */
static bool numbers(const struct lines *l, size_t skip, uint64_t *out, size_t n)
{
    size_t at = skip;
    for (size_t i = 0; i < n; i++) {
        uint64_t v = 0;
        size_t from = at;
        for (; at < l->len && l->line[at] >= '0' && l->line[at] <= '9'; at++) {
            uint64_t digit = (uint64_t)(l->line[at] - '0');
            if (v > (UINT64_MAX - digit) / 10) {
                return false;
            }
            v = v * 10 + digit;
        }
        bool parted = i + 1 == n ? at == l->len : at < l->len && l->line[at] == ' ';
        if (at == from || !parted) {
            return false;
        }
        at++;
        out[i] = v;
    }
    return true;
}

/* The next line must be `name` and a number. */
static void take_number(struct lines *l, const char *name, uint64_t *out)
{
    size_t len = strlen(name);
    l->bad = l->bad || !next(l) || !starts(l, name) || l->len <= len || l->line[len] != ' ' ||
             !numbers(l, len + 1, out, 1);
}

/* Takes the line if it is a reason, a field or a note. */
static bool take_row(struct lines *l, struct jt_checkpoint *out, uint64_t *n_notes)
{
    uint64_t v[N_FIELD] = { 0 };
    size_t id = strlen("reason "), behind = id + strlen("JET0000W ");
    if (starts(l, "reason ") && l->len > behind && numbers(l, behind, v, 1)) {
        for (enum jt_message m = JT_MSG_NONE + 1; m < JT_MSG_END; m++) {
            if (memcmp(l->line + id, jt_message_id(m), strlen("JET0000W")) == 0) {
                out->tally.reasons[m] = v[0];
                return true;
            }
        }
        return false;
    }
    if (starts(l, "field ") && numbers(l, strlen("field "), v, N_FIELD) &&
        v[0] == out->tally.n_fields && v[0] < JT_RECORD_MAX_VALUES) {
        struct jt_tally_field *f = &out->tally.fields[out->tally.n_fields++];
        const uint64_t *at = &v[1];
#define TAKE(member) f->member = *at++;
        FIELD_NUMBERS(TAKE)
#undef TAKE
        return f->news <= JT_NEWS_EACH;
    }
    if (starts(l, "note ") && numbers(l, strlen("note "), v, 4) && v[3] <= 1 &&
        *n_notes < JT_CHECKPOINT_LOG) {
        uint64_t first = out->n_notes > JT_CHECKPOINT_LOG ? out->n_notes - JT_CHECKPOINT_LOG : 0;
        out->log[(first + (*n_notes)++) % JT_CHECKPOINT_LOG] =
            (struct jt_checkpoint_note){ v[0], v[1], v[2], v[3] == 1 };
        return true;
    }
    return false;
}

static void take_head(struct lines *l, struct jt_checkpoint *out, struct jt_buf *parameters)
{
    l->bad = !next(l) || l->len + 1 != strlen(FIRST_LINE) ||
             memcmp(l->line, FIRST_LINE, l->len + 1) != 0;
    l->bad = l->bad || !next(l) || !starts(l, "job ") || l->len != strlen("job ") + JT_JOB_ID_LEN;
    for (size_t i = 0; i < JT_JOB_ID_LEN && !l->bad; i++) {
        out->job[i] = l->line[strlen("job ") + i];
        l->bad = out->job[i] < 'a' || out->job[i] > 'p';
    }
    l->bad = l->bad || !next(l) || !starts(l, "state ");
    out->complete = !l->bad && starts(l, "state complete");
    l->bad = l->bad || l->len != strlen(out->complete ? "state complete" : "state running");
    while (!l->bad && l->at < l->end && (size_t)(l->end - l->at) > strlen("asked ") &&
           memcmp(l->at, "asked ", strlen("asked ")) == 0 && next(l)) {
        jt_buf_put(parameters, l->line, l->len + 1);
    }
}

/* Whether the last line is right; *body_len is what stands before it. */
static bool is_whole(const char *data, size_t len, size_t *body_len)
{
    uint8_t told[JT_SHA256_LEN], is[JT_SHA256_LEN];
    size_t last = strlen(END) + 2 * JT_SHA256_LEN + 1;
    if (len < last || memcmp(data + len - last, END, strlen(END)) != 0 || data[len - 1] != '\n') {
        return false;
    }
    *body_len = len - last;
    return jt_hex_decode(data + len - last + strlen(END), JT_SHA256_LEN, told) == JT_OK &&
           jt_sha256(data, *body_len, is) == JT_OK && memcmp(told, is, sizeof is) == 0;
}

/* JT_ERR_INVALID: the same would be written otherwise, as with a zero in front or a line twice. */
static enum jt_err compare(const struct jt_checkpoint *c, const struct jt_buf *parameters,
                           const void *data, size_t len)
{
    struct jt_buf again;
    jt_buf_init(&again, JT_CHECKPOINT_MAX);
    enum jt_err err = jt_checkpoint_encode(c, parameters, &again);
    if (err == JT_OK && (again.len != len || memcmp(again.data, data, len) != 0)) {
        err = JT_ERR_INVALID;
    }
    jt_buf_clear(&again);
    return err == JT_ERR_LIMIT ? JT_ERR_INVALID : err;
}

enum jt_err jt_checkpoint_decode(const void *data, size_t len, struct jt_checkpoint *out,
                                 struct jt_buf *parameters)
{
    *out = (struct jt_checkpoint){ 0 };
    size_t body_len;
    if (len == 0 || !is_whole(data, len, &body_len)) {
        return JT_ERR_INVALID;
    }
    struct lines l = { .at = data, .end = (const char *)data + body_len };
    uint64_t n_notes = 0;
    size_t before = parameters->len;
    take_head(&l, out, parameters);
#define TAKE(name, member) take_number(&l, name, &out->member);
    NUMBERS(TAKE)
#undef TAKE
    size_t digest = strlen("input-digest ");
    l.bad = l.bad || !next(&l) || !starts(&l, "input-digest ") ||
            l.len != digest + 2 * JT_SHA256_LEN ||
            jt_hex_decode(l.line + digest, JT_SHA256_LEN, out->input_digest) != JT_OK;
    while (!l.bad && next(&l)) {
        l.bad = !take_row(&l, out, &n_notes);
    }
    uint64_t expected = out->n_notes > JT_CHECKPOINT_LOG ? JT_CHECKPOINT_LOG : out->n_notes;
    bool good = !l.bad && l.at == l.end && n_notes == expected;
    enum jt_err err = good ? jt_buf_status(parameters) : JT_ERR_INVALID;
    if (err == JT_OK) {
        struct jt_buf asked = *parameters;
        asked.data = before > 0 ? asked.data + before : asked.data;
        asked.len -= before;
        err = compare(out, &asked, data, len);
    }
    if (err != JT_OK) {
        *out = (struct jt_checkpoint){ 0 };
    }
    return err;
}

void jt_checkpoint_key(const struct jt_checkpoint *c, uint64_t portion, size_t field, bool news,
                       char out[static JT_JOB_KEY_LEN + 1])
{
    size_t at = JT_JOB_ID_LEN;
    memcpy(out, c->job, at);
    out[at++] = '-';
    for (int shift = 60; shift >= 0; shift -= 4) {
        out[at++] = letter((unsigned)(portion >> shift));
    }
    out[at++] = '-';
    out[at++] = letter((unsigned)field >> 4);
    out[at++] = letter((unsigned)field);
    if (news) {
        out[at++] = '-';
        out[at++] = 'n';
    }
    out[at] = '\0';
}
