/* SPDX-License-Identifier: Apache-2.0 */
/* base/conf.h: a misspelt option never silently keeps its default. */
#include "base/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct things {
    char *name, *color, *path, *word;
    long n;
};

static const char *check_color(const char *value)
{
    return strcmp(value, "red") == 0 || strcmp(value, "blue") == 0 ? NULL : "must be red or blue";
}

#define AT(member) offsetof(struct things, member)

static const struct jt_conf_option first_options[] = {
    { "name", JT_CONF_TEXT, AT(name), "n", 1, 63, "What it is called.", NULL },
    { "n", JT_CONF_NUMBER, AT(n), "80", 0, 65535, "How many.", NULL },
    { "word", JT_CONF_HIDDEN, AT(word), "", 0, 40, "What nobody is shown.", NULL },
};
static const struct jt_conf_option second_options[] = {
    { "color", JT_CONF_TEXT, AT(color), "red", 1, 20, "What it looks like.", check_color },
    { "path", JT_CONF_TEXT, AT(path), "", 0, JT_CONF_MAX_TEXT,
      "Where it is. This is a sentence that does not fit on one line and so must go on in the "
      "next.",
      NULL },
};
static const struct jt_conf_table first = { "first", "The first.", first_options, 3 };
static const struct jt_conf_table second = { "second", "The second.", second_options, 2 };
static const struct jt_conf_table *const tables[] = { &first, &second };

static char message[300];

/* Loads `text` as a configuration file. */
static enum jt_err load(const char *text, struct things *out)
{
    char path[] = "/tmp/jeton-test-conf-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    message[0] = '\0';
    *out = (struct things){ 0 };
    enum jt_err err = jt_conf_read(path, tables, 2, out, message, sizeof message);
    unlink(path);
    return err;
}

static void clear(struct things *things)
{
    jt_conf_free_texts(tables, 2, things);
    assert_null(things->name);
}

static void assert_refused(const char *text, const char *expected_message_part)
{
    struct things things;
    assert_int_equal(load(text, &things), JT_ERR_INVALID);
    if (strstr(message, expected_message_part) == NULL) {
        fail_msg("message \"%s\" lacks \"%s\"", message, expected_message_part);
    }
    assert_null(things.name);
    assert_null(things.path);
}

static void an_empty_file_gives_the_defaults(void **state)
{
    (void)state;
    struct things things;
    assert_int_equal(load("", &things), JT_OK);
    assert_string_equal(things.name, "n");
    assert_string_equal(things.color, "red");
    assert_string_equal(things.path, "");
    assert_int_equal(things.n, 80);
    clear(&things);
    clear(&things);
}

static void values_comments_and_spaces(void **state)
{
    (void)state;
    struct things things;
    assert_int_equal(load("# comment\n; another\n\n[second]\ncolor=blue\r\n[first]\n  "
                          "n =  0 ; none\n"
                          "[second]\npath = host=/tmp/x dbname='a b' # kept\n",
                          &things),
                     JT_OK);
    assert_string_equal(things.color, "blue");
    assert_int_equal(things.n, 0);
    assert_string_equal(things.path, "host=/tmp/x dbname='a b' # kept");
    clear(&things);
}

static void mistakes_are_named_with_their_line(void **state)
{
    (void)state;
    assert_refused("[first]\nnmae = 1\n", ":2: unknown option nmae in section [first]");
    assert_refused("[frist]\n", ":1: unknown section [frist]");
    assert_refused("[second]\nn = 1\n", ":2: unknown option n in section [second]");
    assert_refused("n = 1\n", ":1: unknown option n in section []");
    assert_refused("[first]\nn = 1\nn = 2\n", ":3: n in [first] is set twice");
    assert_refused("[first]\nn = 1\n[first]\nn = 1\n", ":4: n in [first] is set twice");
    assert_refused("[second]\npath = a\n  b\n",
                   ":3: path in [second] is set twice, or is followed by an indented");
    assert_refused("[first]\n\nn\n", ":3: not of the form name = value");
    assert_refused("[first\n", ":1: not of the form");
}

static void an_option_has_a_check_of_its_own(void **state)
{
    (void)state;
    assert_refused("[second]\ncolor = green\n[first]\n",
                   ":2: color in [second] must be red or blue");
}

static void numbers_are_whole_and_in_bounds(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "x", "1x", "1.5", "-1", "65536", "99999999999999999999999", "0x10"
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[100];
        snprintf(text, sizeof text, "[first]\nn = %s\n", bad[i]);
        assert_refused(text, ":2: n in [first] must be a whole number from 0 to 65535");
    }
}

static void texts_have_bounds_too(void **state)
{
    (void)state;
    char text[200], name[65];
    memset(name, 'n', 64);
    name[64] = '\0';
    snprintf(text, sizeof text, "[first]\nname = %s\n", name);
    assert_refused(text, ":2: name in [first] must be of 1 to 63 bytes");
    assert_refused("[first]\nname =\n", ":2: name in [first] must be of 1 to 63 bytes");
}

/*
 * libinih would read the rest of a long line as a line of its own: a cut value, or a comment that
 * comes to life.
 */
static void a_line_too_long_for_the_parser_is_an_error(void **state)
{
    (void)state;
    char text[JT_CONF_MAX_LINE + 50] = "[first]\n#";
    memset(text + strlen(text), 'x', JT_CONF_MAX_LINE);
    strncat(text, "n = 1\n", 10);
    assert_refused(text, ":2: line is longer than 4096 bytes");
    struct things things;
    const char *head = "[second]\npath = ";
    size_t longest = JT_CONF_MAX_LINE - strlen("path = ");
    char fits[JT_CONF_MAX_LINE + 50];
    snprintf(fits, sizeof fits, "%s", head);
    memset(fits + strlen(head), 'x', longest);
    snprintf(fits + strlen(head) + longest, 2, "\n");
    assert_int_equal(load(fits, &things), JT_OK);
    assert_int_equal(strlen(things.path), longest);
    clear(&things);
}

static void a_file_that_cannot_be_read_is_no_empty_file(void **state)
{
    (void)state;
    struct things things = { 0 };
    assert_int_equal(
        jt_conf_read("/nonexistent/jeton.conf", tables, 2, &things, message, sizeof message),
        JT_ERR_NO_FILE);
    assert_non_null(strstr(message, "/nonexistent/jeton.conf: No such file"));
    assert_int_equal(jt_conf_read("/tmp", tables, 2, &things, message, sizeof message),
                     JT_ERR_INVALID);
    assert_non_null(strstr(message, "/tmp:0: cannot be read: Is a directory"));
}

static void the_sample_shows_every_option_at_its_default(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    jt_conf_write_sample(tables, 2, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(
        text,
        "[first]\n"
        "# What it is called.\n"
        "#name = n\n"
        "# How many. From 0 to 65535.\n"
        "#n = 80\n"
        "# What nobody is shown.\n"
        "#word =\n"
        "\n"
        "[second]\n"
        "# What it looks like.\n"
        "#color = red\n"
        "# Where it is. This is a sentence that does not fit on one line and so must go on in "
        "the next.\n"
        "#path =\n");
    free(text);
}

/* --- over the file --- */

static void one_option_is_set_over_what_was_read(void **state)
{
    (void)state;
    struct things things;
    static const struct {
        const char *assignment, *told;
    } wrong[] = {
        { "", "not of the form" },           { "first.n", "not of the form" },
        { "n=1", "not of the form" },        { "first n=1", "not of the form" },
        { ".n=1", "not of the form" },       { "first.m=1", "unknown option m in section [first]" },
        { "third.n=1", "unknown option n" }, { "first.n=x", "whole number from 0 to 65535" },
        { "first.name=", "of 1 to 63" },     { "second.color=green", "must be red or blue" },
    };
    assert_int_equal(load("[first]\nname = file\n", &things), JT_OK);
    assert_int_equal(jt_conf_set(tables, 2, &things, "first.n=7", message, sizeof message), JT_OK);
    assert_int_equal(jt_conf_set(tables, 2, &things, "second.path=a=b. c", message, sizeof message),
                     JT_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(
            jt_conf_set(tables, 2, &things, wrong[i].assignment, message, sizeof message),
            JT_ERR_INVALID);
        assert_non_null(strstr(message, wrong[i].told));
    }
    assert_int_equal(things.n, 7);
    assert_string_equal(things.path, "a=b. c");
    assert_string_equal(things.name, "file");
    assert_string_equal(things.color, "red");
    clear(&things);
}

static void the_environment_names_each_option_in_capitals(void **state)
{
    (void)state;
    struct things things;
    static const char *const good[] = { "HOME=/", "PRE_FIRST_NAME=env", "PRE_SECOND_PATH=",
                                        "PRE=x",  "PRFIRST_N=1",        NULL };
    static const char *const bad[][3] = { { "PRE_FIRST_M=secret", NULL },
                                          { "PRE_FIRST_NAMES=secret", NULL },
                                          { "PRE_first_name=secret", NULL },
                                          { "PRE_=secret", NULL },
                                          { "PRE_FIRST_N=1", "PRE_FIRST_N=secret", NULL } };
    assert_int_equal(load("[first]\nname = file\nn = 5\n[second]\npath = p\n", &things), JT_OK);
    assert_int_equal(jt_conf_set_from(tables, 2, &things, "PRE_", good, message, sizeof message),
                     JT_OK);
    assert_string_equal(things.name, "env");
    assert_string_equal(things.path, "");
    assert_int_equal(things.n, 5);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(
            jt_conf_set_from(tables, 2, &things, "PRE_", bad[i], message, sizeof message),
            JT_ERR_INVALID);
        assert_int_equal(strncmp(message, "PRE_", 4), 0);
        assert_null(strstr(message, "secret"));
    }
    clear(&things);
}

static void what_holds_is_written_so_that_it_can_be_read(void **state)
{
    (void)state;
    struct things things;
    char *text = NULL;
    size_t len = 0;
    assert_int_equal(
        load("[first]\nn = 7\nword = hush\n[second]\npath = a b\ncolor = red\n", &things), JT_OK);
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    jt_conf_write_values(tables, 2, &things, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "[first]\n"
                              "#name = n\n"
                              "n = 7\n"
                              "# word is set, and not shown: it may hold a secret\n"
                              "\n"
                              "[second]\n"
                              "#color = red\n"
                              "path = a b\n");
    clear(&things);
    assert_int_equal(load(text, &things), JT_OK);
    assert_int_equal(things.n, 7);
    assert_string_equal(things.path, "a b");
    clear(&things);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_gives_the_defaults),
        cmocka_unit_test(values_comments_and_spaces),
        cmocka_unit_test(mistakes_are_named_with_their_line),
        cmocka_unit_test(an_option_has_a_check_of_its_own),
        cmocka_unit_test(numbers_are_whole_and_in_bounds),
        cmocka_unit_test(texts_have_bounds_too),
        cmocka_unit_test(a_line_too_long_for_the_parser_is_an_error),
        cmocka_unit_test(a_file_that_cannot_be_read_is_no_empty_file),
        cmocka_unit_test(the_sample_shows_every_option_at_its_default),
        cmocka_unit_test(one_option_is_set_over_what_was_read),
        cmocka_unit_test(the_environment_names_each_option_in_capitals),
        cmocka_unit_test(what_holds_is_written_so_that_it_can_be_read),
    };
    return cmocka_run_group_tests_name("base/conf", tests, NULL, NULL);
}
