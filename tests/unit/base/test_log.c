/* SPDX-License-Identifier: Apache-2.0 */
/* base/log.h: what reaches standard error. */
#include "base/log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2];
static int kept_stderr;

static int redirect(void **state)
{
    (void)state;
    jt_log_init("tester", JT_LOG_INFO);
    kept_stderr = dup(STDERR_FILENO);
    return pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO ? 0 : -1;
}

static int restore(void **state)
{
    (void)state;
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void read_line(char *out, size_t room)
{
    ssize_t n = read(ends[0], out, room - 1);
    assert_true(n > 0);
    out[n] = '\0';
}

static void a_line_has_time_level_process_and_message(void **state)
{
    (void)state;
    char line[1200];
    jt_log(JT_LOG_WARNING, "%d rows left", 7);
    read_line(line, sizeof line);
    assert_int_equal(line[10], 'T');
    assert_int_equal(line[19], 'Z');
    assert_string_equal(line + 20, " warning tester: 7 rows left\n");
}

static void lower_levels_are_not_written(void **state)
{
    (void)state;
    char line[1200];
    jt_log(JT_LOG_DEBUG, "not this");
    jt_log(JT_LOG_ERROR, "but this");
    read_line(line, sizeof line);
    assert_string_equal(line + 20, " error tester: but this\n");
}

static void input_cannot_forge_a_line(void **state)
{
    (void)state;
    char line[1200];
    jt_log(JT_LOG_INFO, "name %s", "x\n2026-01-01T00:00:00Z info\r\x1b[31m\x7f");
    read_line(line, sizeof line);
    assert_string_equal(line + 20, " info tester: name x?2026-01-01T00:00:00Z info??[31m?\n");
}

static void a_long_message_is_cut_and_still_ends_its_line(void **state)
{
    (void)state;
    char line[1200], message[2000];
    memset(message, 'm', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    jt_log(JT_LOG_INFO, "%s", message);
    read_line(line, sizeof line);
    assert_true(strlen(line) < 1000);
    assert_int_equal(line[strlen(line) - 1], '\n');
}

static void errno_survives(void **state)
{
    (void)state;
    char line[1200];
    close(STDERR_FILENO);
    errno = ENOSPC;
    jt_log(JT_LOG_ERROR, "into a closed descriptor");
    int after = errno;
    dup2(ends[1], STDERR_FILENO);
    assert_int_equal(after, ENOSPC);
    jt_log(JT_LOG_ERROR, "again");
    read_line(line, sizeof line);
}

static void a_line_as_json(void **state)
{
    (void)state;
    char line[4000];
    jt_log_set_format(JT_LOG_JSON);
    jt_log(JT_LOG_INFO, "a \"quote\", a \\, a\ttab, caf\xc3\xa9, \xff \xc0\xaf \xed\xa0\x80.");
    jt_log_set_format(JT_LOG_TEXT);
    read_line(line, sizeof line);
    assert_memory_equal(line, "{\"time\":\"", 9);
    assert_string_equal(
        line + 9 + 20,
        "\",\"level\":\"info\",\"process\":\"tester\",\"message\":\"a \\\"quote\\\", a "
        "\\\\, a?tab, caf\xc3\xa9, ? ?? ???.\"}\n");
}

static void values_beside_a_message(void **state)
{
    (void)state;
    char line[4000];
    const struct jt_log_pair pairs[] = { { "route", "/a/{b}", false }, { "status", "200", true } };
    jt_log_pairs(JT_LOG_INFO, "access", pairs, 2);
    read_line(line, sizeof line);
    assert_string_equal(line + 20, " info tester: access route=/a/{b} status=200\n");
    jt_log_set_format(JT_LOG_JSON);
    jt_log_pairs(JT_LOG_INFO, "access", pairs, 2);
    read_line(line, sizeof line);
    assert_non_null(strstr(line, "\"message\":\"access\",\"route\":\"/a/{b}\",\"status\":200}\n"));
    jt_log_set_format(JT_LOG_JOURNAL);
    jt_log_pairs(JT_LOG_ERROR, "access", pairs, 1);
    jt_log(JT_LOG_DEBUG, "not this");
    jt_log(JT_LOG_WARNING, "a\nb");
    jt_log_set_format(JT_LOG_TEXT);
    read_line(line, sizeof line);
    assert_string_equal(line, "<3>access route=/a/{b}\n<4>a?b\n");
}

/* Whatever is cut off, the line ends as one of its form. */
static void the_longest_message_is_still_one_line(void **state)
{
    (void)state;
    char line[4000], text[2000];
    memset(text, '"', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const struct jt_log_pair pairs[] = { { "a", text, false }, { "b", text, false } };
    for (int form = JT_LOG_TEXT; form <= JT_LOG_JOURNAL; form++) {
        jt_log_set_format((enum jt_log_format)form);
        jt_log(JT_LOG_INFO, "%s", text);
        read_line(line, sizeof line);
        size_t len = strlen(line);
        assert_true(len > 700 && len < 2000 && line[len - 1] == '\n');
        assert_true(form != JT_LOG_JSON || strcmp(line + len - 3, "\"}\n") == 0);
        jt_log_pairs(JT_LOG_INFO, "x", pairs, 1);
        read_line(line, sizeof line);
        assert_int_equal(line[strlen(line) - 1], '\n');
    }
    jt_log_set_format(JT_LOG_TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_time_level_process_and_message, redirect,
                                        restore),
        cmocka_unit_test_setup_teardown(lower_levels_are_not_written, redirect, restore),
        cmocka_unit_test_setup_teardown(input_cannot_forge_a_line, redirect, restore),
        cmocka_unit_test_setup_teardown(a_long_message_is_cut_and_still_ends_its_line, redirect,
                                        restore),
        cmocka_unit_test_setup_teardown(errno_survives, redirect, restore),
        cmocka_unit_test_setup_teardown(a_line_as_json, redirect, restore),
        cmocka_unit_test_setup_teardown(values_beside_a_message, redirect, restore),
        cmocka_unit_test_setup_teardown(the_longest_message_is_still_one_line, redirect, restore),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
