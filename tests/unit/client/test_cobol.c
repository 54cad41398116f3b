/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CALL "JETON" as a function: wrong calls, wrong settings, servers that are none, and whose the
 * connections are. With the real service and GnuCOBOL it is tried by tests/e2e/test_cobol.py.
 */
#include "client/cobolarea.h"
#include "jeton/client.h"
#include "tests/unit/client/answers.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE(n)   ((size_t)JETON_AREA_HEAD + (size_t)(n)*JETON_AREA_ENTRY)
#define CARD      "4111111111111111"
#define TOKEN     "jtk_0123456789abcdefghjkmnpqrs"
#define GOOD_BODY "{\"results\":[{\"status\":200,\"token\":\"" TOKEN "\"}]}"

/* What GnuCOBOL's run-time library knows: of one parameter, where it is and how large. */
static int known_params = -1, known_size;
static void *known_data;
int cob_get_num_params(void);
int cob_get_param_size(int n);
void *cob_get_param_data(int n);

int cob_get_num_params(void)
{
    return known_params;
}

int cob_get_param_size(int n)
{
    return n == 1 ? known_size : -1;
}

void *cob_get_param_data(int n)
{
    return n == 1 ? known_data : NULL;
}

static char key_file[] = "/tmp/jeton-test-key.XXXXXX";

static void put(unsigned char *p, uint32_t value)
{
    for (size_t i = 0; i < 4; i++) {
        p[3 - i] = (unsigned char)(value >> 8 * i);
    }
}

static int get(const unsigned char *p)
{
    return p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static unsigned char *make(const char *function, size_t n)
{
    unsigned char *area = malloc(SIZE(n));
    assert_non_null(area);
    memset(area, ' ', SIZE(n));
    put(area, 1);
    memcpy(area + 4, "JETON   ", 8);
    memcpy(area + 12, function, 4);
    memcpy(area + 16, "pan", 3);
    put(area + 80, (uint32_t)n);
    put(area + 84, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        memcpy(area + SIZE(i), CARD, 16);
        put(area + SIZE(i) + 32, 0);
        memset(area + SIZE(i) + 36, 'S', 32); /* stale */
    }
    return area;
}

static void text_is(const unsigned char *p, size_t size, const char *text)
{
    char want[200];
    assert_true(size < sizeof want && strlen(text) <= size);
    snprintf(want, sizeof want, "%-*s", (int)size, text);
    assert_memory_equal(p, want, size);
}

/* Calls it, looks at the code and the reason, and that no result and no card is in it. */
static void fails(unsigned char *area, size_t n, int code, const char *reason)
{
    static const char blank[] = "                                ";
    assert_int_equal(JETON(area), code);
    assert_int_equal(get(area + 88), code);
    text_is(area + 96, 40, reason);
    assert_int_not_equal(area[136], ' ');
    assert_null(memmem(area, JETON_AREA_HEAD, CARD, 16));
    for (size_t i = 0; i < n; i++) {
        assert_memory_equal(area + SIZE(i) + 36, blank, 32);
        assert_int_equal(get(area + SIZE(i) + 68), 0);
        assert_int_equal(get(area + SIZE(i) + 72), code);
        text_is(area + SIZE(i) + 80, 40, reason);
    }
}

static void fails_with(const char *function, int code, const char *reason)
{
    unsigned char *area = make(function, 2);
    fails(area, 2, code, reason);
    free(area);
}

static void serve_at(int port)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    assert_int_equal(setenv("JETON_URL", url, 1), 0);
}

static void close_client(void)
{
    unsigned char *area = make("CLOS", 1);
    assert_int_equal(JETON(area), 0);
    free(area);
}

static int each_begins(void **state)
{
    (void)state;
    known_params = -1;
    setenv("JETON_URL", "http://127.0.0.1:1", 1);
    setenv("JETON_KEY_FILE", key_file, 1);
    setenv("JETON_RETRY_FOR", "0", 1);
    return 0;
}

static int each_ends(void **state)
{
    (void)state;
    known_params = -1;
    close_client();
    return 0;
}

static void the_size_that_the_run_time_knows_counts(void **state)
{
    (void)state;
    setenv("JETON_URL", "ftp://nowhere", 1); /* a call that is right gets as far as that */
    for (size_t size = 0; size <= SIZE(2); size++) {
        unsigned char *whole = make("TOKN", 2), *area = malloc(size == 0 ? 1 : size);
        assert_non_null(area);
        memcpy(area, whole, size);
        known_params = 1;
        known_data = area;
        known_size = (int)size;
        int code = JETON(area);
        assert_int_equal(code, size < SIZE(2) ? 8 : 16);
        if (size < JETON_AREA_HEAD) {
            assert_memory_equal(area, whole, size);
        } else {
            assert_int_equal(get(area + 88), code);
            text_is(area + 96, 40, size < SIZE(2) ? "call-capacity" : "config-url");
        }
        free(area);
        free(whole);
    }
    unsigned char *area = make("TOKN", 1);
    known_params = 0; /* CALL "JETON" without parameters: what is there is anything */
    assert_int_equal(JETON(area), 8);
    known_params = 1;
    known_data = NULL; /* it is of another call */
    known_size = 5;
    assert_int_equal(JETON(area), 16);
    free(area);
}

static void an_area_without_a_version_has_its_code_where_its_size_is_known(void **state)
{
    (void)state;
    unsigned char *area = make("TOKN", 1), before[SIZE(1)];
    put(area, 0);
    memcpy(before, area, sizeof before);
    assert_int_equal(JETON(area), 8);
    assert_memory_equal(area, before, sizeof before);
    known_params = 1;
    known_data = area;
    known_size = (int)SIZE(1);
    assert_int_equal(JETON(area), 8);
    assert_int_equal(get(area + 88), 8);
    text_is(area + 96, 40, "call-version");
    assert_memory_equal(area + SIZE(0), before + SIZE(0), JETON_AREA_ENTRY);
    free(area);
    assert_int_equal(JETON(NULL), 8);
}

static void wrong_calls_blank_what_was_there(void **state)
{
    (void)state;
    fails_with("what", 8, "call-function");
    fails_with("    ", 8, "call-function");
    fails_with("tokn", 8, "call-function");
    unsigned char *area = make("TOKN", 2);
    put(area + 84, 3);
    fails(area, 2, 8, "call-count");
    put(area + 84, 2);
    put(area + SIZE(1) + 32, 33);
    fails(area, 2, 8, "call-length");
    put(area + SIZE(1) + 32, 0);
    memset(area + 16, ' ', 64);
    fails(area, 2, 8, "call-field");
    free(area);
}

static void settings_that_cannot_be_used_say_which(void **state)
{
    (void)state;
    static const char *const retries[] = { "x", "-1", "86401", "1s" };
    for (size_t i = 0; i < sizeof retries / sizeof retries[0]; i++) {
        setenv("JETON_RETRY_FOR", retries[i], 1);
        fails_with("TOKN", 16, "config-retry");
    }
    setenv("JETON_RETRY_FOR", "0", 1);
    setenv("JETON_KEY_FILE", "/nonexistent/key", 1);
    fails_with("DETK", 16, "config-key");
    unsetenv("JETON_KEY_FILE");
    fails_with("DETK", 16, "config-key");
    assert_int_equal(chmod(key_file, 0644), 0);
    setenv("JETON_KEY_FILE", key_file, 1);
    fails_with("MASK", 16, "config-key");
    assert_int_equal(chmod(key_file, 0600), 0);
    setenv("JETON_URL", "http://192.0.2.1", 1);
    fails_with("TOKN", 16, "config-url");
}

static void nobody_listens(void **state)
{
    (void)state;
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int held = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* held, and nobody listens */
    assert_int_equal(bind(held, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(held, (struct sockaddr *)&at, &len), 0);
    serve_at(ntohs(at.sin_port));
    fails_with("TOKN", 16, "no-answer");
    close(held);
}

static void what_is_no_answer_of_jeton_is_refused(void **state)
{
    (void)state;
    static const struct {
        int status, code;
        const char *body, *reason;
    } cases[] = {
        { 200, 16, "", "bad-answer" },
        { 200, 16, "<html>" CARD "</html>", "bad-answer" },
        { 200, 16, "{\"results\":[]}", "bad-answer" },
        { 200, 16, "{\"results\":[{\"status\":200},{\"status\":200}]}", "bad-answer" },
        { 200, 16, "{\"results\":[{\"status\":200,\"token\":\"x y\"},{}]}", "bad-answer" },
        { 200, 16,
          "{\"results\":[{\"status\":200,\"token\":\"abcdefghijklmnopqrstuvwxyz0123456\"},"
          "{\"status\":200,\"token\":\"" TOKEN "\"}]}",
          "bad-answer" },
        { 404, 16, "no such page " CARD, "bad-answer" },
        { 403, 16, "", "bad-answer" },
        { 502, 16, "", "no-answer" },
        { 403, 12, "{\"type\":\"urn:jeton:problem:forbidden\",\"title\":\"" CARD "\"}",
          "forbidden" },
        { 403, 12, "{\"type\":\"urn:jeton:problem:" CARD "\",\"title\":\"\"}", "no-problem" },
        { 404, 12, "{\"type\":\"urn:jeton:problem:field-unknown\"}", "field-unknown" },
        { 500, 16, "{\"type\":\"urn:jeton:problem:internal\"}", "internal" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct answers *server = answers_begin(cases[i].status, cases[i].body);
        serve_at(answers_port(server));
        fails_with("TOKN", cases[i].code, cases[i].reason);
        close_client();
        answers_end(server);
    }
}

static void a_value_leaves_as_a_card_or_as_nothing(void **state)
{
    (void)state;
    static const struct {
        char bytes[33]; /* padded with NULs */
        const char *body;
    } cases[] = {
        { CARD "                ", "{\"items\":[{\"pan\":\"" CARD "\"}]}" },
        { CARD "\"}],\"x\":[{       ", "{\"items\":[{\"pan\":\"?\"}]}" },
        { "4111\0"
          "11111111111             ",
          "{\"items\":[{\"pan\":\"?\"}]}" },
        { "99999999999999999999999999999999",
          "{\"items\":[{\"pan\":\"99999999999999999999999999999999\"}]}" },
    };
    struct answers *server = answers_begin(200, GOOD_BODY);
    serve_at(answers_port(server));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char *area = make("TOKN", 1);
        char body[200];
        memcpy(area + SIZE(0), cases[i].bytes, 32);
        assert_int_equal(JETON(area), 0);
        text_is(area + SIZE(0) + 36, 32, TOKEN);
        assert_int_equal(get(area + SIZE(0) + 68), 30);
        answers_last(server, body, sizeof body);
        assert_string_equal(body, cases[i].body);
        free(area);
    }
    close_client();
    answers_end(server);
}

static void entries_beyond_the_count_are_not_sent(void **state)
{
    (void)state;
    unsigned char *area = make("TOKN", 3);
    char body[200];
    struct answers *server = answers_begin(200, GOOD_BODY);
    serve_at(answers_port(server));
    put(area + 84, 1);
    put(area + SIZE(2) + 32, 99); /* nor looked at */
    assert_int_equal(JETON(area), 0);
    text_is(area + SIZE(0) + 36, 32, TOKEN);
    text_is(area + SIZE(1) + 36, 32, "");
    answers_last(server, body, sizeof body);
    assert_string_equal(body, "{\"items\":[{\"pan\":\"" CARD "\"}]}");
    put(area + 84, 0);
    assert_int_equal(JETON(area), 0);
    assert_int_equal(answers_taken(server), 1);
    close_client();
    answers_end(server);
    free(area);
}

static void tokenizes(void)
{
    unsigned char *area = make("TOKN", 1);
    assert_int_equal(JETON(area), 0);
    text_is(area + SIZE(0) + 36, 32, TOKEN);
    free(area);
}

static void *a_thread(void *arg)
{
    (void)arg;
    tokenizes();
    tokenizes();
    return NULL;
}

static void a_thread_has_a_connection_until_it_ends(void **state)
{
    (void)state;
    struct answers *server = answers_begin(200, GOOD_BODY);
    pthread_t thread;
    serve_at(answers_port(server));
    tokenizes();
    assert_int_equal(pthread_create(&thread, NULL, a_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(answers_taken(server), 2);
    answers_wait_open(server, 1);
    tokenizes();
    assert_int_equal(answers_taken(server), 2);
    close_client();
    answers_wait_open(server, 0);
    answers_end(server);
}

static void a_child_has_a_connection_of_its_own(void **state)
{
    (void)state;
    struct answers *server = answers_begin(200, GOOD_BODY);
    int status;
    serve_at(answers_port(server));
    tokenizes();
    pid_t child = fork();
    if (child == 0) {
        unsigned char *area = make("TOKN", 1);
        int code = JETON(area);
        memcpy(area + 12, "CLOS", 4);
        _exit(code != 0 ? code : JETON(area));
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(answers_taken(server), 2);
    tokenizes();
    assert_int_equal(answers_taken(server), 2);
    close_client();
    answers_end(server);
}

static void opening_reads_the_settings_again(void **state)
{
    (void)state;
    struct answers *one = answers_begin(200, GOOD_BODY), *other = answers_begin(200, GOOD_BODY);
    unsigned char *area = make("OPEN", 1);
    serve_at(answers_port(one));
    assert_int_equal(JETON(area), 0);
    assert_int_equal(answers_taken(one), 0); /* nothing is sent yet */
    tokenizes();
    serve_at(answers_port(other));
    tokenizes();
    assert_int_equal(answers_taken(other), 0);
    assert_int_equal(JETON(area), 0);
    tokenizes();
    assert_int_equal(answers_taken(one), 1);
    assert_int_equal(answers_taken(other), 1);
    setenv("JETON_URL", "ftp://nowhere", 1);
    assert_int_equal(JETON(area), 16);
    text_is(area + 96, 40, "config-url");
    free(area);
    answers_end(one);
    answers_end(other);
}

static int all_begin(void **state)
{
    (void)state;
    static const char key[] = "jck_app_0000\n";
    int fd = mkstemp(key_file);
    return fd >= 0 && write(fd, key, sizeof key - 1) == sizeof key - 1 && close(fd) == 0 ? 0 : -1;
}

static int all_end(void **state)
{
    (void)state;
    return unlink(key_file);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, each_begins, each_ends)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(the_size_that_the_run_time_knows_counts),
        EACH(an_area_without_a_version_has_its_code_where_its_size_is_known),
        EACH(wrong_calls_blank_what_was_there),
        EACH(settings_that_cannot_be_used_say_which),
        EACH(nobody_listens),
        EACH(what_is_no_answer_of_jeton_is_refused),
        EACH(a_value_leaves_as_a_card_or_as_nothing),
        EACH(entries_beyond_the_count_are_not_sent),
        EACH(a_thread_has_a_connection_until_it_ends),
        EACH(a_child_has_a_connection_of_its_own),
        EACH(opening_reads_the_settings_again),
    };
    return cmocka_run_group_tests(tests, all_begin, all_end);
}
