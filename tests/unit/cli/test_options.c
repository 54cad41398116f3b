/* SPDX-License-Identifier: Apache-2.0 */
/* cli/options.h */
#include "cli/exit.h"
#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct jt_cli cli;
static bool flag;
static long number;
static const char *text;
static const char *arguments[2];
static struct jt_parse parse_state;

static const struct jt_command command = { "keys test", "NUMBER", "For tests.",
                                           JT_TAKES_REST | JT_TAKES_JSON, NULL };

/* Parses the words up to NULL after resetting everything. */
static int parse(const char *first, ...)
{
    char *argv[20];
    int argc = 0;
    va_list words;
    va_start(words, first);
    for (const char *word = first; word != NULL; word = va_arg(words, const char *)) {
        argv[argc++] = (char *)(uintptr_t)word;
    }
    va_end(words);
    static const struct jt_option options[] = {
        JT_FLAG("flag", &flag, "a flag"),
        JT_NUMBER("number", "N", &number, 1, 100, "a number"),
        JT_TEXT("text", "TEXT", &text, "a text"),
    };
    cli = (struct jt_cli){ .retry_for_s = -1 };
    flag = false;
    number = 7;
    text = NULL;
    parse_state = (struct jt_parse){ options, 3, arguments, 1, 2, 0 };
    return jt_options_parse(&command, &cli, &parse_state, argc, argv);
}

static void options_and_arguments_mix(void **state)
{
    (void)state;
    assert_int_equal(parse("--flag", "one", "--number", "100", "--text=a=b", "--json", "--url", "u",
                           "two", NULL),
                     JT_GO_ON);
    assert_true(flag && cli.json);
    assert_int_equal(number, 100);
    assert_string_equal(text, "a=b");
    assert_string_equal(cli.url, "u");
    assert_int_equal(parse_state.n_arguments, 2);
    assert_string_equal(arguments[1], "two");
    assert_int_equal(parse("one", NULL), JT_GO_ON);
    assert_int_equal(number, 7);
    assert_int_equal(parse("--", "--flag", NULL), JT_GO_ON);
    assert_false(flag);
    assert_string_equal(arguments[0], "--flag");
    assert_int_equal(parse("-", "--text", "--flag", NULL), JT_GO_ON);
    assert_string_equal(text, "--flag");
}

static void mistakes_are_usage(void **state)
{
    (void)state;
    assert_int_equal(parse(NULL, NULL), JT_EXIT_USAGE);
    assert_int_equal(parse("1", "2", "3", NULL), JT_EXIT_USAGE);
    assert_int_equal(parse("1", "--fla", NULL), JT_EXIT_USAGE);
    assert_int_equal(parse("1", "--flags", NULL), JT_EXIT_USAGE);
    assert_int_equal(parse("1", "--flag=yes", NULL), JT_EXIT_USAGE);
    assert_int_equal(parse("1", "-f", NULL), JT_EXIT_USAGE);
    assert_int_equal(parse("1", "--text", NULL), JT_EXIT_USAGE);
    /* this command takes no configuration */
    assert_int_equal(parse("1", "--config", "f", NULL), JT_EXIT_USAGE);
    static const char *const bad[] = { "",    "0",  "101", "-1",
                                       "+1",  " 1", "1x",  "99999999999999999999",
                                       "0x10" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(parse("1", "--number", bad[i], NULL), JT_EXIT_USAGE);
    }
}

static void help_ends_the_command(void **state)
{
    (void)state;
    assert_int_equal(parse("--help", "--nonsense", NULL), JT_EXIT_OK);
    assert_int_equal(parse("1", "-h", NULL), JT_EXIT_OK);
}

static void shared_options_stand_before_the_command_too(void **state)
{
    (void)state;
    char config[] = "--config", file[] = "f", json[] = "--json", status[] = "status",
         url[] = "--url";
    char *argv[] = { config, file, json, status, url };
    int next = -1;
    cli = (struct jt_cli){ 0 };
    assert_int_equal(jt_options_parse_shared(&cli, 5, argv, &next), JT_GO_ON);
    assert_int_equal(next, 3);
    assert_string_equal(cli.config, "f");
    assert_true(cli.json);
    char *unknown[] = { (char[]){ "--verbose" } };
    assert_int_equal(jt_options_parse_shared(&cli, 1, unknown, &next), JT_EXIT_USAGE);
    char *help[] = { (char[]){ "--help" } };
    assert_int_equal(jt_options_parse_shared(&cli, 1, help, &next), JT_GO_ON);
    assert_int_equal(next, 0);
}

/* Each option is in the text that --help prints: they come from one table. */
static void help_names_every_option(void **state)
{
    (void)state;
    char *printed = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&printed, &len);
    assert_non_null(out);
    jt_options_print(parse_state.options, parse_state.n_options, out);
    jt_options_print_shared(JT_TAKES_CONFIG | JT_TAKES_REST | JT_TAKES_JSON, out);
    fclose(out);
    static const char *const names[] = {
        "--flag ",   "--number N ",     "--text TEXT ",        "--config FILE",
        "--url URL", "--key-file FILE", "--retry-for SECONDS", "--json "
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_non_null(strstr(printed, names[i]));
    }
    free(printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_arguments_mix),
        cmocka_unit_test(mistakes_are_usage),
        cmocka_unit_test(help_ends_the_command),
        cmocka_unit_test(shared_options_stand_before_the_command_too),
        cmocka_unit_test(help_names_every_option),
    };
    return cmocka_run_group_tests_name("cli/options", tests, NULL, NULL);
}
