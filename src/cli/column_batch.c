/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of rows of an application's table on their way through the server. */
#include "base/base64.h"
#include "base/secmem.h"
#include "cli/backoff.h"
#include "cli/cardlike.h"
#include "cli/column.h"
#include "cli/exit.h"
#include "cli/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TOLD_MAX 20 /* rows that are named; the rest are counted */

/* --- rows that are left --- */

static void count_reason(struct jt_column_job *job, const char *reason)
{
    size_t max = sizeof job->reasons / sizeof job->reasons[0];
    for (size_t i = 0; i < job->n_reasons; i++) {
        if (strcmp(job->reasons[i].name, reason) == 0) {
            job->reasons[i].n++;
            return;
        }
    }
    if (job->n_reasons < max) {
        (void)snprintf(job->reasons[job->n_reasons].name, sizeof job->reasons[0].name, "%.39s",
                       reason);
        jt_make_printable(job->reasons[job->n_reasons].name);
        job->reasons[job->n_reasons++].n = 1;
    } else {
        job->reasons[max - 1].n++;
    }
}

/* RFC 4180: quoted, with quotes doubled. One that could be a card number is left empty. */
static void list(struct jt_column_job *job, const char *key, const char *reason)
{
    struct jt_buf *out = &job->refused;
    jt_buf_u8(out, '"');
    for (; *key != '\0'; key++) {
        jt_buf_put(out, *key == '"' ? "\"\"" : key, *key == '"' ? 2 : 1);
    }
    jt_buf_put(out, "\",", 2);
    jt_buf_put(out, reason, strlen(reason));
    jt_buf_u8(out, '\n');
}

void jt_column_forget_refused(struct jt_column_job *job)
{
    job->n_refused = 0;
    job->n_reasons = 0;
    jt_buf_reset(&job->refused);
}

void jt_column_refuse(struct jt_column_job *job, const char *key, const char *reason)
{
    char shown[64];
    bool cardlike = jt_cardlike(key);
    job->n_refused++;
    count_reason(job, reason);
    list(job, cardlike ? "" : key, reason);
    if (job->n_told++ < TOLD_MAX) {
        (void)snprintf(shown, sizeof shown, "%.60s", key);
        jt_make_printable(shown);
        jt_complain("row %s is left: %.60s",
                    cardlike ? "(a key that could be a card number)" : shown, reason);
    }
}

static int write_list(struct jt_column_job *job, const char *path)
{
    struct jt_output out = { .fd = -1 };
    if (jt_buf_status(&job->refused) != JT_OK) {
        jt_complain("so many rows were left that their list has no room");
        return JT_EXIT_FAILED;
    }
    int code = jt_output_open(path, &out);
    if (code == JT_EXIT_OK) {
        code = jt_output_write(&out, &job->refused);
    }
    if (code == JT_EXIT_OK) {
        code = jt_output_commit(&out);
    }
    jt_output_abandon(&out);
    return code;
}

int jt_column_tell_refused(struct jt_column_job *job, const char *path)
{
    if (path != NULL && write_list(job, path) != JT_EXIT_OK) {
        return JT_EXIT_FAILED;
    }
    if (job->n_refused == 0) {
        return JT_EXIT_OK;
    }
    fprintf(stderr, "%" PRIu64 " rows were left as they are:\n", job->n_refused);
    for (size_t i = 0; i < job->n_reasons; i++) {
        fprintf(stderr, "  %-32s %12" PRIu64 "\n", job->reasons[i].name, job->reasons[i].n);
    }
    return JT_EXIT_OK;
}

/* --- a request --- */

static const char *verb_path(enum jt_column_verb verb)
{
    return verb == JT_COLUMN_ENCRYPT  ? "encrypt"
           : verb == JT_COLUMN_VERIFY ? "decrypt"
                                      : "reencrypt";
}

static json_t *base64_text(const uint8_t *bytes, size_t len)
{
    char text[JT_BASE64_LEN(JT_FOREIGN_ENVELOPE_MAX) + 1];
    jt_base64_encode(bytes, len, text);
    return json_string(text);
}

/* NULL: the row is not sent. *reason then says why, where it is for good. */
static json_t *item_of(enum jt_column_verb verb, const struct jt_foreign_row *r,
                       const char **reason)
{
    size_t key_len = strlen(r->key);
    json_t *row_id = json_string(r->key);
    *reason = NULL;
    if (key_len == 0 || key_len > JT_HELD_ROW_ID_MAX || row_id == NULL) {
        /* of what is verified it was told before */
        *reason = verb == JT_COLUMN_VERIFY ? NULL : "key-not-1-to-255-bytes-of-utf-8";
    } else if (verb == JT_COLUMN_ENCRYPT && r->value[0] == '\0') {
        *reason = "pan-empty-or-too-long";
    } else if (verb == JT_COLUMN_REENCRYPT && r->envelope_len == 0) {
        *reason = "envelope-malformed";
    } else if (verb != JT_COLUMN_VERIFY || r->fresh_len > 0) {
        return verb == JT_COLUMN_ENCRYPT  ? json_pack("{so,ss}", "row_id", row_id, "pan", r->value)
               : verb == JT_COLUMN_VERIFY ? json_pack("{so,so}", "row_id", row_id, "envelope",
                                                      base64_text(r->fresh, r->fresh_len))
                                          : json_pack("{so,so}", "row_id", row_id, "envelope",
                                                      base64_text(r->envelope, r->envelope_len));
    }
    json_decref(row_id);
    return NULL;
}

/* Digits only, without those zeros in front that a field's rules may add or take away. */
static void plain_digits(const char *text, char out[static JT_FOREIGN_VALUE_MAX + 1])
{
    size_t n = 0;
    for (; *text != '\0' && n < JT_FOREIGN_VALUE_MAX; text++) {
        if (*text >= '0' && *text <= '9' && (n > 0 || *text != '0')) {
            out[n++] = *text;
        }
    }
    out[n] = '\0';
}

static bool same_card(const char *a, const char *b)
{
    char x[JT_FOREIGN_VALUE_MAX + 1], y[JT_FOREIGN_VALUE_MAX + 1];
    plain_digits(a, x);
    plain_digits(b, y);
    bool same = x[0] != '\0' && strcmp(x, y) == 0;
    jt_wipe(x, sizeof x);
    jt_wipe(y, sizeof y);
    return same;
}

static bool take_envelope(const json_t *result, struct jt_foreign_row *r)
{
    const json_t *text = json_object_get(result, "envelope");
    size_t n = 0;
    bool good = json_is_string(text) &&
                jt_base64_decode(json_string_value(text), json_string_length(text), r->fresh,
                                 sizeof r->fresh, &n) == JT_OK &&
                n > 0;
    r->fresh_len = good ? (uint8_t)n : 0;
    return good;
}

/* One result. False: the server answers what cannot be. */
static bool take_result(struct jt_column_job *job, enum jt_column_verb verb, const json_t *result,
                        struct jt_foreign_row *r)
{
    json_int_t status = json_integer_value(json_object_get(result, "status"));
    if (status == 200 && verb == JT_COLUMN_VERIFY) {
        const char *pan = json_string_value(json_object_get(result, "pan"));
        return pan != NULL && same_card(pan, r->value);
    }
    if (status == 200) {
        bool current = verb == JT_COLUMN_REENCRYPT &&
                       !jt_reply_true(result, "stale"); /* somebody was here before */
        bool good = take_envelope(result, r);
        r->fresh_len = current ? 0 : r->fresh_len;
        return good;
    }
    const char *type = jt_reply_text(result, "type");
    const char *colon = strrchr(type, ':');
    const char *problem = colon == NULL ? type : colon + 1;
    r->fresh_len = 0;
    if (jt_item_is_passing((long)status, problem)) {
        job->n_later++;
    } else if (verb == JT_COLUMN_VERIFY) {
        return false; /* what was sealed a moment ago does not open */
    } else {
        jt_column_refuse(job, r->key, problem);
    }
    return true;
}

/* Lays the results over the rows that were sent, in their order. */
static int apply(struct jt_column_job *job, enum jt_column_verb verb, const json_t *reply,
                 const size_t *sent, size_t n_sent, struct jt_foreign_rows *rows)
{
    const json_t *results = json_object_get(reply, "results");
    if (json_array_size(results) != n_sent) {
        jt_complain("the server does not answer what was asked");
        return JT_EXIT_FAILED;
    }
    for (size_t i = 0; i < n_sent; i++) {
        if (!take_result(job, verb, json_array_get(results, i), &rows->all[sent[i]])) {
            jt_complain(verb == JT_COLUMN_VERIFY
                            ? "alarm: an envelope that was just made does not open to its card "
                              "number; nothing of this batch was written"
                            : "the server answers what cannot be");
            return JT_EXIT_FAILED;
        }
    }
    return JT_EXIT_OK;
}

static int send_items(struct jt_column_job *job, enum jt_column_verb verb, json_t *items,
                      const size_t *sent, size_t n_sent, struct jt_foreign_rows *rows)
{
    char path[JT_COLUMN_PATH];
    struct jt_answer answer;
    json_t *body = json_pack("{sO}", "items", items);
    (void)snprintf(path, sizeof path, "/v1/fields/%s/%s", job->field, verb_path(verb));
    int code = jt_rest_line_call(&job->line, "POST", path, body, &answer);
    json_decref(body);
    if (code == JT_EXIT_OK) {
        code = apply(job, verb, answer.json, sent, n_sent, rows);
    }
    jt_answer_clear(&answer);
    return code;
}

int jt_column_send(struct jt_column_job *job, enum jt_column_verb verb,
                   struct jt_foreign_rows *rows)
{
    size_t sent[JT_COLUMN_BATCH], n_sent = 0;
    json_t *items = json_array();
    for (size_t i = 0; i < rows->n && n_sent < JT_COLUMN_BATCH; i++) {
        const char *reason;
        json_t *item = item_of(verb, &rows->all[i], &reason);
        if (item != NULL && json_array_append_new(items, item) == 0) {
            sent[n_sent++] = i;
        } else if (reason != NULL) {
            jt_column_refuse(job, rows->all[i].key, reason);
        }
    }
    int code = n_sent == 0 ? JT_EXIT_OK : send_items(job, verb, items, sent, n_sent, rows);
    json_decref(items);
    return code;
}

int jt_column_try(struct jt_column_job *job, struct jt_foreign_rows *rows)
{
    int code = jt_column_send(job, JT_COLUMN_REENCRYPT, rows);
    for (size_t i = 0; i < rows->n; i++) {
        rows->all[i].fresh_len = 0;
    }
    return code;
}
