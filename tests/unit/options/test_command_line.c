/* SPDX-License-Identifier: Apache-2.0 */
/* options/command_line.h: both daemons take the same options, and say what is wrong first. */
#include "options/command_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_WORDS 8

static bool flag;
static const char *text;
static const struct jt_daemon_option own[] = {
    { "flag", NULL, "a flag", NULL, &flag },
    { "text", "TEXT", "a text", &text, NULL },
};
static const struct jt_daemon daemons[] = {
    { .name = "plain", .summary = "Serves." },
    { .name = "plain", .summary = "Serves.", .options = own, .n_options = 2 },
};
static struct jt_daemon_settings settings;
static char printed[2000];

/* Parses a line of words; what it prints on descriptor `fd` is in `printed`. */
static int parse(const struct jt_daemon *daemon, int fd, const char *line)
{
    static char copy[200]; /* the settings point into it */
    char *words[MAX_WORDS] = { copy }, *save = NULL;
    int n = 1;
    snprintf(copy, sizeof copy, "plain %s", line);
    (void)strtok_r(copy, " ", &save);
    for (char *word; n < MAX_WORDS && (word = strtok_r(NULL, " ", &save)) != NULL; n++) {
        words[n] = word;
    }
    char path[] = "/tmp/jeton-test-line-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    unlink(path);
    int kept = dup(fd);
    fflush(NULL);
    assert_true(dup2(file, fd) >= 0);
    int code = jt_command_line_parse(daemon, n, words, &settings);
    fflush(NULL);
    assert_true(dup2(kept, fd) >= 0);
    close(kept);
    ssize_t len = pread(file, printed, sizeof printed - 1, 0);
    close(file);
    assert_true(len >= 0);
    printed[len] = '\0';
    return code;
}

static void nothing_given_means_the_defaults(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(parse(&daemons[i], STDERR_FILENO, ""), JT_COMMAND_LINE_GOOD);
        assert_string_equal(settings.config, "/etc/jeton/jeton.conf");
        assert_int_equal(settings.log_level, JT_LOG_INFO);
    }
}

static void every_daemon_takes_the_shared_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(parse(&daemons[i], STDERR_FILENO, "--config a --log-level=debug"),
                         JT_COMMAND_LINE_GOOD);
        assert_string_equal(settings.config, "a");
        assert_int_equal(settings.log_level, JT_LOG_DEBUG);
        assert_int_equal(parse(&daemons[i], STDERR_FILENO, "--log-level error"),
                         JT_COMMAND_LINE_GOOD);
        assert_int_equal(settings.log_level, JT_LOG_ERROR);
        assert_int_equal(parse(&daemons[i], STDOUT_FILENO, "--version"), EX_OK);
        assert_int_equal(strncmp(printed, "plain 0.", 8), 0);
        assert_int_equal(parse(&daemons[i], STDOUT_FILENO, "-h"), EX_OK);
        assert_int_equal(parse(&daemons[i], STDOUT_FILENO, "--help"), EX_OK);
        assert_int_equal(strncmp(printed, "usage: plain [OPTIONS]\n\nServes.\n", 31), 0);
        for (const char *const *o =
                 (const char *const[]){ "config FILE", "log-level LEVEL", "log-format FORM",
                                        "set S.NAME=VALUE", "print-config", "version", "help",
                                        NULL };
             *o != NULL; o++) {
            assert_non_null(strstr(printed, *o));
        }
        assert_int_equal(strstr(printed, "--text TEXT") != NULL, i == 1);
    }
}

static void options_of_the_configuration_may_be_repeated(void **state)
{
    (void)state;
    assert_int_equal(parse(&daemons[0], STDERR_FILENO, "--set a.b=1 --set=c.d=2 --print-config"),
                     JT_COMMAND_LINE_GOOD);
    assert_int_equal(settings.n_sets, 2);
    assert_string_equal(settings.sets[0], "a.b=1");
    assert_string_equal(settings.sets[1], "c.d=2");
    assert_true(settings.print_config);
    assert_int_equal(parse(&daemons[0], STDERR_FILENO, ""), JT_COMMAND_LINE_GOOD);
    assert_int_equal(settings.n_sets, 0);
    assert_false(settings.print_config);
}

static void a_daemon_adds_its_own(void **state)
{
    (void)state;
    assert_int_equal(parse(&daemons[1], STDERR_FILENO, "--flag --text x --config=y"),
                     JT_COMMAND_LINE_GOOD);
    assert_true(flag);
    assert_string_equal(text, "x");
    assert_string_equal(settings.config, "y");
    assert_int_equal(parse(&daemons[0], STDERR_FILENO, "--flag"), EX_USAGE);
}

static void what_is_wrong_comes_first(void **state)
{
    (void)state;
    static const struct {
        const char *line, *told;
    } wrong[] = {
        { "--nonsense", "unknown option --nonsense" },
        { "--nonsense=1", "unknown option --nonsense" },
        { "-c x", "unknown option -c" },
        { "--", "unknown option --" },
        { "--conf x", "unknown option --conf" },
        { "extra", "unexpected argument extra" },
        { "--config", "--config needs a value" },
        { "--version=1", "--version takes no value" },
        { "--log-level loud", "--log-level must be error, warning, info or debug" },
        { "--log-format xml", "--log-format must be text, json or journal" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char expected[200];
        snprintf(expected, sizeof expected, "plain: %s (see plain --help)\n", wrong[i].told);
        assert_int_equal(parse(&daemons[1], STDERR_FILENO, wrong[i].line), EX_USAGE);
        assert_string_equal(printed, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_given_means_the_defaults),
        cmocka_unit_test(every_daemon_takes_the_shared_options),
        cmocka_unit_test(options_of_the_configuration_may_be_repeated),
        cmocka_unit_test(a_daemon_adds_its_own),
        cmocka_unit_test(what_is_wrong_comes_first),
    };
    return cmocka_run_group_tests_name("options/command_line", tests, NULL, NULL);
}
