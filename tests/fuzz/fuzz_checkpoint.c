/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints of file jobs. An input is one without its last line: the digest is made here, since
 * whoever alters a checkpoint can make it too.
 *
 * What is taken encodes to the same bytes, and what a job makes of it stands its numbers: its
 * report, its keys, its next note. A refusal leaves nothing. The same without a digest, or with a
 * wrong one, is refused.
 */
#include "fuzz.h"

#include "base/hex.h"
#include "batch/checkpoint.h"
#include "batch/report.h"
#include "crypto/digest.h"

#define MAX_INPUT 65536

static void append_digest(struct jt_buf *text)
{
    uint8_t digest[JT_SHA256_LEN];
    char hex[2 * JT_SHA256_LEN + 1];
    MUST(jt_sha256(text->data, text->len, digest) == JT_OK);
    jt_hex_encode(digest, sizeof digest, hex);
    jt_buf_put(text, "end ", 4);
    jt_buf_put(text, hex, strlen(hex));
    jt_buf_u8(text, '\n');
}

/* Lines and pages are as long as a printer has them, whatever the numbers. */
static void check_report(const struct jt_checkpoint *job)
{
    const char *fields[JT_RECORD_MAX_VALUES];
    struct jt_buf messages, out;
    jt_buf_init(&messages, 1);
    jt_buf_init(&out, JT_REPORT_MAX);
    for (size_t i = 0; i < JT_RECORD_MAX_VALUES; i++) {
        fields[i] = "cards";
    }
    const struct jt_report_facts facts = { .verb = "tokenize",
                                           .version = "1",
                                           .job = job,
                                           .fields = fields,
                                           .values_in = "card numbers",
                                           .values_out = "tokens",
                                           .makes_tokens = true,
                                           .messages = &messages,
                                           .began_s = job->began_s,
                                           .ended_s = job->written_s,
                                           .run_ms = job->elapsed_ms,
                                           .n_run_records = job->tally.n_read };
    MUST(jt_report_render(&facts, &out) == JT_OK);
    size_t column = 0, line = 0;
    for (size_t i = 0; i < out.len; i++) {
        column = out.data[i] == '\n' || out.data[i] == '\f' ? 0 : column + 1;
        line = out.data[i] == '\f' ? 0 : line + (out.data[i] == '\n');
        MUST(column <= JT_REPORT_WIDTH && line <= JT_REPORT_PAGE_LINES);
    }
    jt_buf_clear(&messages);
    jt_buf_clear(&out);
}

static void check_taken(struct jt_checkpoint *job, const struct jt_buf *parameters,
                        const struct jt_buf *text)
{
    struct jt_buf again, others;
    char key[JT_JOB_KEY_LEN + 1], name[20];
    jt_buf_init(&again, JT_CHECKPOINT_MAX);
    jt_buf_init(&others, 1000);
    MUST(jt_checkpoint_encode(job, parameters, &again) == JT_OK);
    MUST(fuzz_same(again.data, again.len, text->data, text->len));
    jt_parameter_put(&others, "command", "tokenize");
    MUST(!jt_parameters_differ(parameters, parameters, name, sizeof name));
    MUST(jt_parameters_differ(parameters, &others, name, sizeof name) !=
         fuzz_same(parameters->data, parameters->len, others.data, others.len));
    check_report(job);
    jt_checkpoint_key(job, job->n_portions, 0, job->n_portions % 2 == 1, key);
    MUST(strspn(key, "abcdefghijklmnop-") <= JT_JOB_KEY_LEN && key[strlen(job->job)] == '-');
    jt_checkpoint_note(job, true, 1);
    check_report(job);
    jt_buf_clear(&again);
    jt_buf_clear(&others);
}

static void try_one(const struct jt_buf *text, bool may_be_good)
{
    struct jt_checkpoint job;
    struct jt_buf parameters;
    jt_buf_init(&parameters, JT_CHECKPOINT_MAX);
    char *copy = fuzz_copy(text->data, text->len);
    enum jt_err err = jt_checkpoint_decode(copy, text->len, &job, &parameters);
    MUST(err == JT_ERR_INVALID || (err == JT_OK && may_be_good));
    if (err == JT_OK) {
        check_taken(&job, &parameters, text);
    } else {
        MUST(fuzz_zero(&job, sizeof job));
    }
    jt_buf_clear(&parameters);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct jt_buf text;
    if (len > MAX_INPUT) {
        return -1;
    }
    jt_buf_init(&text, 2 * MAX_INPUT);
    jt_buf_put(&text, data, len);
    try_one(&text, true); /* it may have its digest */
    append_digest(&text);
    try_one(&text, true);
    text.data[text.len - 2] ^= 1;
    try_one(&text, false);
    jt_buf_clear(&text);
    return 0;
}
