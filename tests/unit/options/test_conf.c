/* SPDX-License-Identifier: Apache-2.0 */
/* options/conf.h: the joined tables, what they refuse, and the page that documents them. */
#include "options/conf.h"

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

/* Every process reads the options of all, so that it finds a misspelt one wherever it stands. */
static void the_options_of_all_sections_are_known(void **state)
{
    (void)state;
    struct jt_conf conf;
    assert_int_equal(load("[jeton]\nenvironment = development\n[keeper]\nsocket = /s\n"
                          "[front]\nport = 0\n[database]\nconninfo = a b\n[retirement]\nrate = 7\n",
                          &conf),
                     JT_OK);
    assert_true(jt_conf_is_development(&conf));
    assert_string_equal(conf.keeper_socket, "/s");
    assert_int_equal(conf.front_port, 0);
    assert_string_equal(conf.database_conninfo, "a b");
    assert_int_equal(conf.retirement_rate, 7);
    jt_conf_clear(&conf);
    assert_refused("[keeper]\nport = 1\n", ":2: unknown option port in section [keeper]");
    assert_refused("[keper]\n", ":1: unknown section [keper]");
}

static void values_that_no_process_could_use_are_refused(void **state)
{
    (void)state;
    assert_refused(
        "[front]\nnode = n\xc3\xb6"
        "de\n",
        ":2: node in [front] must consist of letters, digits, dots, dashes and underscores");
    assert_refused(
        "[front]\nnode = a b\n",
        ":2: node in [front] must consist of letters, digits, dots, dashes and underscores");
    assert_refused("[jeton]\nenvironment = test\n",
                   ":2: environment in [jeton] must be development or production");
    assert_refused("[keeper]\nsocket =\n", ":2: socket in [keeper] must be of 1 to 107 bytes");
}

static char *printed_by(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    print(out);
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
    char *text = printed_by(jt_conf_print);
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

static void read_page(const char *path, char *page, size_t room)
{
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t n = fread(page, 1, room - 1, f);
    page[n] = '\0';
    fclose(f);
}

/* Out of step: paste the output of `jeton config` into the page. */
static void docs_configuration_md_holds_the_sample(void **state)
{
    (void)state;
    static char page[20000];
    read_page(TOP_SRCDIR "/docs/configuration.md", page, sizeof page);
    char *text = printed_by(jt_conf_print);
    char *block = strstr(page, "```ini\n");
    assert_non_null(block);
    block += strlen("```ini\n");
    char *end = strstr(block, "```\n");
    assert_non_null(end);
    *end = '\0';
    assert_string_equal(block, text);
    free(text);
}

/* Out of step: jeton config --manual >man/jeton.conf.5. */
static void man_jeton_conf_5_is_what_is_printed(void **state)
{
    (void)state;
    static char page[20000];
    read_page(TOP_SRCDIR "/man/jeton.conf.5", page, sizeof page);
    char *text = printed_by(jt_conf_print_manual);
    assert_string_equal(page, text);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_gives_the_defaults),
        cmocka_unit_test(the_options_of_all_sections_are_known),
        cmocka_unit_test(values_that_no_process_could_use_are_refused),
        cmocka_unit_test(the_sample_is_a_valid_file_of_defaults),
        cmocka_unit_test(docs_configuration_md_holds_the_sample),
        cmocka_unit_test(man_jeton_conf_5_is_what_is_printed),
    };
    return cmocka_run_group_tests_name("options/conf", tests, NULL, NULL);
}
