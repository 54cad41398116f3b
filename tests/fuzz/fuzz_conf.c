/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file. What was taken keeps the promises of the table, and the same values,
 * written out and read again, are the same. A refusal says why in one line and leaves nothing.
 */
#include "fuzz.h"

#include "options/conf.h"

#define FED_PATH "fed.conf" /* no file: its contents come from `fed` */
#define MAX_FILE 16384

static struct jt_buf fed;

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

FILE *__wrap_fopen(const char *path, const char *mode)
{
    if (strcmp(path, FED_PATH) != 0) {
        return __real_fopen(path, mode);
    }
    return fmemopen(fed.data, fed.len, "r");
}

/* Without a space behind the equals sign: inih takes a semicolon behind a space for a comment. */
static void write_conf(const struct jt_conf *c, struct jt_buf *out)
{
    char text[8 * MAX_FILE];
    int n =
        snprintf(text, sizeof text,
                 "[jeton]\nenvironment=%s\n"
                 "[keeper]\ndirectory=%s\nsocket=%s\nfront_user=%s\n"
                 "[front]\nnode=%s\nlisten=%s\nport=%ld\nport_file=%s\nhosts=%s\n"
                 "max_connections=%ld\nper_address=%ld\nloops=%ld\nmax_body=%ld\n"
                 "max_items=%ld\n"
                 "[database]\nconninfo=%s\n"
                 "[retirement]\nrate=%ld\nbatch=%ld\n",
                 c->environment, c->keeper_directory, c->keeper_socket, c->keeper_front_user,
                 c->front_node, c->front_listen, c->front_port, c->front_port_file, c->front_hosts,
                 c->front_max_connections, c->front_per_address, c->front_loops, c->front_max_body,
                 c->front_max_items, c->database_conninfo, c->retirement_rate, c->retirement_batch);
    MUST(n > 0 && (size_t)n < sizeof text);
    jt_buf_put(out, text, (size_t)n);
}

static void check_values(const struct jt_conf *c)
{
    MUST(strcmp(c->environment, "production") == 0 || jt_conf_is_development(c));
    MUST(c->front_port >= 0 && c->front_port <= 65535);
    MUST(c->front_max_body >= 4096 && c->front_max_items >= 1 && c->front_loops <= 64);
    MUST(c->retirement_batch >= 1 && c->retirement_rate >= 0);
    MUST(strlen(c->keeper_socket) >= 1 && strlen(c->keeper_socket) <= 107);
    MUST(strlen(c->front_node) >= 1 && strlen(c->front_node) <= 63);
}

static void check_again(const struct jt_conf *c)
{
    struct jt_conf again;
    struct jt_buf first, second;
    char message[400] = "";
    jt_buf_init(&first, 8 * MAX_FILE);
    jt_buf_init(&second, 8 * MAX_FILE);
    write_conf(c, &first);
    jt_buf_reset(&fed);
    jt_buf_put(&fed, first.data, first.len);
    MUST(jt_conf_load(FED_PATH, &again, message, sizeof message) == JT_OK);
    write_conf(&again, &second);
    MUST(fuzz_same(first.data, first.len, second.data, second.len));
    jt_conf_clear(&again);
    jt_buf_clear(&first);
    jt_buf_clear(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct jt_conf conf;
    char message[400] = "";
    if (len > MAX_FILE) {
        return -1;
    }
    jt_buf_init(&fed, 8 * MAX_FILE);
    jt_buf_put(&fed, data, len);
    enum jt_err err = jt_conf_load(FED_PATH, &conf, message, sizeof message);
    if (err == JT_OK) {
        check_values(&conf);
        check_again(&conf);
        jt_conf_clear(&conf);
    } else {
        MUST(err == JT_ERR_INVALID && message[0] != '\0');
        MUST(strchr(message, '\n') == NULL);
    }
    MUST(fuzz_zero(&conf, sizeof conf));
    jt_buf_clear(&fed);
    return 0;
}
