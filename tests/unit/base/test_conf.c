/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/conf.h: a misspelt option never silently keeps its default, and the documentation is the
 * table.
 */
#include "base/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char message[300];

/* Loads `text` as a configuration file. */
static enum jt_err load(const char *text, struct jt_conf *conf)
{
    char path[] = "/tmp/jeton-test-conf-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    message[0] = '\0';
    enum jt_err err = jt_conf_load(path, conf, message, sizeof message);
    unlink(path);
    return err;
}

static void assert_refused(const char *text, const char *expected_message_part)
{
    struct jt_conf conf;
    assert_int_equal(load(text, &conf), JT_ERR_INVALID);
    if (strstr(message, expected_message_part) == NULL) {
        fail_msg("message \"%s\" lacks \"%s\"", message, expected_message_part);
    }
    assert_null(conf.environment);
}

static void an_empty_file_gives_the_defaults(void **state)
{
    (void)state;
    struct jt_conf conf;
    assert_int_equal(load("", &conf), JT_OK);
    assert_string_equal(conf.environment, "production");
    assert_false(jt_conf_is_development(&conf));
    assert_string_equal(conf.front_listen, "127.0.0.1");
    assert_string_equal(conf.keeper_front_user, "");
    assert_int_equal(conf.front_port, 8080);
    assert_int_equal(conf.front_max_items, 10000);
    assert_int_equal(conf.retirement_batch, 500);
    jt_conf_clear(&conf);
    jt_conf_clear(&conf);
}

static void values_comments_and_spaces(void **state)
{
    (void)state;
    struct jt_conf conf;
    assert_int_equal(load("# comment\n; another\n\n[jeton]\nenvironment=development\r\n[front]\n  "
                          "port =  0 ; the kernel's\n"
                          "[database]\nconninfo = host=/tmp/x dbname='a b' # kept\n",
                          &conf),
                     JT_OK);
    assert_true(jt_conf_is_development(&conf));
    assert_int_equal(conf.front_port, 0);
    assert_string_equal(conf.database_conninfo, "host=/tmp/x dbname='a b' # kept");
    jt_conf_clear(&conf);
}

static void mistakes_are_named_with_their_line(void **state)
{
    (void)state;
    assert_refused("[front]\nprot = 1\n", ":2: no option prot in section [front]");
    assert_refused("[frnot]\n", ":1: no section [frnot]");
    assert_refused("[keeper]\nport = 1\n", ":2: no option port in section [keeper]");
    assert_refused("port = 1\n", ":1: no option port in section []");
    assert_refused("[front]\nport = 1\nport = 2\n", ":3: port in [front] is set twice");
    assert_refused("[front]\nport = 1\n[front]\nport = 1\n", ":4: port in [front] is set twice");
    assert_refused("[database]\nconninfo = a\n  b\n",
                   ":3: conninfo in [database] is set twice, or is followed by an indented");
    assert_refused("[front]\n\nport\n", ":3: not of the form name = value");
    assert_refused("[front\n", ":1: not of the form");
    assert_refused("[front]\nnode = n\xc3\xb6"
                   "de\n",
                   "node in [front] must be of letters, digits, dots, dashes and underscores");
    assert_refused("[front]\nnode = a b\n",
                   "node in [front] must be of letters, digits, dots, dashes and underscores");
    assert_refused("[jeton]\nenvironment = test\n",
                   "environment in [jeton] must be development or production");
}

static void numbers_are_whole_and_in_bounds(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "x", "1x", "1.5", "-1", "65536", "99999999999999999999999", "0x10"
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[100];
        snprintf(text, sizeof text, "[front]\nport = %s\n", bad[i]);
        assert_refused(text, ":2: port in [front] must be a whole number from 0 to 65535");
    }
}

static void texts_have_bounds_too(void **state)
{
    (void)state;
    char text[200], node[65];
    memset(node, 'n', 64);
    node[64] = '\0';
    snprintf(text, sizeof text, "[front]\nnode = %s\n", node);
    assert_refused(text, ":2: node in [front] must be of 1 to 63 bytes");
    assert_refused("[keeper]\nsocket =\n", ":2: socket in [keeper] must be of 1 to 107 bytes");
}

/*
 * libinih would read the rest of a long line as a line of its own: a cut value, or a comment that
 * comes to life.
 */
static void a_line_too_long_for_the_parser_is_an_error(void **state)
{
    (void)state;
    char text[400] = "[front]\n#";
    memset(text + strlen(text), 'x', 198);
    strncat(text, "port = 1\n", 10);
    assert_refused(text, ":2: line is longer than 198 bytes");
    struct jt_conf conf;
    char fits[400] = "[database]\nconninfo = ";
    memset(fits + strlen(fits), 'x', 198 - strlen("conninfo = "));
    strncat(fits, "\n", 2);
    assert_int_equal(load(fits, &conf), JT_OK);
    assert_int_equal(strlen(conf.database_conninfo), 198 - strlen("conninfo = "));
    jt_conf_clear(&conf);
}

static void a_file_that_cannot_be_read_is_no_empty_file(void **state)
{
    (void)state;
    struct jt_conf conf;
    assert_int_equal(jt_conf_load("/nonexistent/jeton.conf", &conf, message, sizeof message),
                     JT_ERR_NO_FILE);
    assert_non_null(strstr(message, "/nonexistent/jeton.conf: No such file"));
    assert_int_equal(jt_conf_load("/tmp", &conf, message, sizeof message), JT_ERR_INVALID);
    assert_non_null(strstr(message, "/tmp:0: cannot be read: Is a directory"));
}

static char *sample(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    jt_conf_write_sample(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/*
 * Uncommenting every option of the sample gives the defaults again: names, values and sections in
 * it are right.
 */
static void the_sample_is_a_valid_file_of_defaults(void **state)
{
    (void)state;
    struct jt_conf conf, defaults;
    char *text = sample();
    assert_int_equal(load(text, &conf), JT_OK);
    jt_conf_clear(&conf);
    char *uncommented = calloc(1, strlen(text) + 1), *to = uncommented;
    assert_non_null(uncommented);
    for (const char *p = text; *p != '\0'; p++) {
        bool option = *p == '#' && p[1] != ' ' && (p == text || p[-1] == '\n');
        if (!option) {
            *to++ = *p;
        }
    }
    assert_int_equal(load(uncommented, &conf), JT_OK);
    assert_int_equal(load("", &defaults), JT_OK);
    assert_string_equal(conf.keeper_socket, defaults.keeper_socket);
    assert_string_equal(conf.database_conninfo, defaults.database_conninfo);
    assert_int_equal(conf.front_max_body, defaults.front_max_body);
    jt_conf_clear(&conf);
    jt_conf_clear(&defaults);
    free(uncommented);
    free(text);
}

static void docs_configuration_md_holds_the_sample(void **state)
{
    (void)state;
    static char page[20000];
    FILE *f = fopen(TOP_SRCDIR "/docs/configuration.md", "re");
    assert_non_null(f);
    size_t n = fread(page, 1, sizeof page - 1, f);
    page[n] = '\0';
    fclose(f);
    char *text = sample();
    char *block = strstr(page, "```ini\n");
    assert_non_null(block);
    block += strlen("```ini\n");
    char *end = strstr(block, "```\n");
    assert_non_null(end);
    *end = '\0';
    /* out of step: paste the output of `jeton config` into the page */
    assert_string_equal(block, text);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_gives_the_defaults),
        cmocka_unit_test(values_comments_and_spaces),
        cmocka_unit_test(mistakes_are_named_with_their_line),
        cmocka_unit_test(numbers_are_whole_and_in_bounds),
        cmocka_unit_test(texts_have_bounds_too),
        cmocka_unit_test(a_line_too_long_for_the_parser_is_an_error),
        cmocka_unit_test(a_file_that_cannot_be_read_is_no_empty_file),
        cmocka_unit_test(the_sample_is_a_valid_file_of_defaults),
        cmocka_unit_test(docs_configuration_md_holds_the_sample),
    };
    return cmocka_run_group_tests_name("base/conf", tests, NULL, NULL);
}
