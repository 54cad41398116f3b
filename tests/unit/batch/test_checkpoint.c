/* SPDX-License-Identifier: Apache-2.0 */
/* batch/checkpoint.h: what is written is read again, and nothing else is. */
#include "base/hex.h"
#include "batch/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_checkpoint job;
static struct jt_buf asked, text;

/* A checkpoint in which every number is another one. */
static int set_up(void **state)
{
    (void)state;
    jt_buf_init(&asked, 10000);
    jt_buf_init(&text, JT_CHECKPOINT_MAX);
    jt_parameter_put(&asked, "command", "tokenize");
    jt_parameter_put(&asked, "place", "a column\nwith 100% \xc3\xa9");
    jt_parameter_put(&asked, "left-out", NULL);
    jt_checkpoint_begin(&job, 1000);
    uint64_t n = 7;
    job.written_s = n++;
    job.unsettled_s = n++;
    job.ahead = n++;
    job.elapsed_ms = n++;
    job.input_end = n++;
    job.n_portions = n++;
    job.n_retries = n++;
    job.n_checkpoints = n++;
    job.n_restarts = n++;
    job.out_len = n++;
    job.rejects_len = UINT64_MAX;
    memset(job.input_digest, 0x5a, sizeof job.input_digest);
    job.tally = (struct jt_tally){
        .n_read = n++, .n_written = n++, .n_passed = n++, .n_rejected = n++, .n_other = n++
    };
    job.tally.reasons[JT_MSG_BLANK] = n++;
    job.tally.reasons[JT_MSG_PAN_BAD_LUHN] = n++;
    job.tally.n_fields = 2;
    job.tally.fields[0] = (struct jt_tally_field){ 1, 2, 3, 4, 5, 6, 7, 15, 16, 17, 0, 0, 0 };
    job.tally.fields[1] =
        (struct jt_tally_field){ 8, 9, 10, 11, 12, 13, 14, 18, 19, 20, JT_NEWS_ASKED, 21, 22 };
    job.n_doubtful = 23;
    for (uint64_t i = 0; i < JT_CHECKPOINT_LOG + 3; i++) {
        job.tally.n_read = 100 + i;
        jt_checkpoint_note(&job, i % 5 == 0, 2000 + i);
    }
    assert_int_equal(jt_checkpoint_encode(&job, &asked, &text), JT_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    jt_buf_clear(&asked);
    jt_buf_clear(&text);
    return 0;
}

static enum jt_err decode(const void *data, size_t len)
{
    struct jt_checkpoint got;
    struct jt_buf parameters;
    jt_buf_init(&parameters, 10000);
    enum jt_err err = jt_checkpoint_decode(data, len, &got, &parameters);
    jt_buf_clear(&parameters);
    return err;
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    struct jt_checkpoint got;
    struct jt_buf parameters, again;
    char name[20];
    jt_buf_init(&parameters, 10000);
    jt_buf_init(&again, JT_CHECKPOINT_MAX);
    assert_int_equal(jt_checkpoint_decode(text.data, text.len, &got, &parameters), JT_OK);
    assert_false(jt_parameters_differ(&parameters, &asked, name, sizeof name));
    assert_memory_equal(&got.tally, &job.tally, sizeof got.tally);
    assert_memory_equal(got.log, job.log, sizeof got.log);
    assert_int_equal(jt_checkpoint_encode(&got, &parameters, &again), JT_OK);
    assert_int_equal(again.len, text.len);
    assert_memory_equal(again.data, text.data, text.len);
    jt_buf_clear(&parameters);
    jt_buf_clear(&again);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    char *copy = malloc(text.len + 1);
    assert_non_null(copy);
    for (size_t i = 0; i < text.len; i++) { /* every byte that changes, and every cut */
        memcpy(copy, text.data, text.len);
        copy[i] = (char)(copy[i] ^ 1);
        assert_int_equal(decode(copy, text.len), JT_ERR_INVALID);
        assert_int_equal(decode(text.data, i), JT_ERR_INVALID);
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\n';
    assert_int_equal(decode(copy, text.len + 1), JT_ERR_INVALID);
    free(copy);
}

/* The same with a digest that is right. */
static void lines_are_those_that_are_written(void **state)
{
    (void)state;
    static const struct {
        const char *line, *instead;
    } wrong[] = {
        { "jeton checkpoint 2", "jeton checkpoint 3" },
        { "jeton checkpoint 2", "jeton checkpoint 1" },
        { "doubtful 23\n", "" },
        { " 1 21 22\n", " 3 21 22\n" }, /* of the news there are three kinds */
        { " 21 22\n", " 21\n" },
        { "state running", "state done" },
        { "rejects 18446744073709551615", "rejects 18446744073709551616" },
        { "input 11", "input -1" },
        { "input 11", "input 11 1" },
        { "input 11", "input " },
        { "input 11", "input 1a" },
        { "reason JET2201W", "reason JET9999W" },
        { "field 1 8", "field 2 8" },
        { "field 1 8 ", "field 1 " },
        { "notes 43", "notes 39" },
        { "input 11\n", "input 011\n" },
        { "field 1 8 ", "field 1 08 " },
        { "reason JET2201W ", "reason JET2201W 7\nreason JET2201W " },
        { "note 2003 ", "note 02003 " },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t digest[JT_SHA256_LEN];
        char changed[8000];
        size_t body = text.len - strlen("end \n") - 2 * JT_SHA256_LEN;
        const char *at = memmem(text.data, body, wrong[i].line, strlen(wrong[i].line));
        assert_non_null(at);
        size_t before = (size_t)(at - (const char *)text.data);
        size_t behind = before + strlen(wrong[i].line);
        int len = snprintf(changed, sizeof changed, "%.*s%s%.*s", (int)before, text.data,
                           wrong[i].instead, (int)(body - behind), text.data + behind);
        assert_int_equal(jt_sha256(changed, (size_t)len, digest), JT_OK);
        char hex[2 * JT_SHA256_LEN + 1];
        jt_hex_encode(digest, sizeof digest, hex);
        size_t total = (size_t)len;
        total += (size_t)snprintf(changed + total, sizeof changed - total, "end %s", hex);
        changed[total++] = '\n';
        assert_int_equal(decode(changed, total), JT_ERR_INVALID);
    }
}

static void what_differs_is_named(void **state)
{
    (void)state;
    struct jt_buf other;
    char name[20] = "";
    jt_buf_init(&other, 1000);
    jt_parameter_put(&other, "command", "tokenize");
    assert_true(jt_parameters_differ(&asked, &other, name, sizeof name));
    assert_string_equal(name, "place");
    assert_true(jt_parameters_differ(&other, &asked, name, sizeof name));
    assert_string_equal(name, "place");
    jt_parameter_put(&other, "place", NULL);
    assert_true(jt_parameters_differ(&asked, &other, name, sizeof name));
    assert_string_equal(name, "place");
    jt_buf_reset(&other);
    jt_parameter_put(&other, "command", "mask");
    assert_true(jt_parameters_differ(&asked, &other, name, sizeof name));
    assert_string_equal(name, "command");
    jt_buf_clear(&other);
}

/* What the service refuses as a key: docs/api.md. */
static void a_key_has_no_digits(void **state)
{
    (void)state;
    char key[JT_JOB_KEY_LEN + 1], other[JT_JOB_KEY_LEN + 1];
    jt_checkpoint_key(&job, UINT64_C(111111111111111), 31, false, key);
    assert_int_equal(strlen(key), JT_JOB_ID_LEN + 1 + 16 + 1 + 2);
    assert_int_equal(strcspn(key, "0123456789\"\\ "), strlen(key));
    jt_checkpoint_key(&job, UINT64_C(111111111111111), 15, false, other);
    assert_string_not_equal(key, other);
    jt_checkpoint_key(&job, UINT64_C(111111111111112), 31, false, other);
    assert_string_not_equal(key, other);
    /* Where it asks which are new the body is another one. */
    jt_checkpoint_key(&job, UINT64_C(111111111111111), 31, true, other);
    assert_string_not_equal(key, other);
    assert_int_equal(strcspn(other, "0123456789\"\\ "), strlen(other));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read_again),
        TEST(anything_else_is_refused),
        TEST(lines_are_those_that_are_written),
        TEST(what_differs_is_named),
        TEST(a_key_has_no_digits),
    };
    return cmocka_run_group_tests_name("batch/checkpoint", tests, NULL, NULL);
}
