/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain comparator: the service that a good team would write in a day, to do what Jeton's two
 * busy routes do. bench/run drives it and Jeton in turn, on one database server and with one load
 * generator, so that each run shows what Jeton's design is worth. Not part of the product.
 *
 *   plain_service --conninfo STRING --key-file FILE --secret FILE --port-file FILE
 *                 [--threads N] [--pool N]
 *
 * It does the same work: libmicrohttpd and jansson; an API key compared as its SHA-256; digits and
 * Luhn checked; AES-256-GCM with a random nonce and the token as associated data; HMAC-SHA256 of
 * the card as its fingerprint, so that a card has one token for ever; one durable transaction
 * for each request, the audit row in it, and no card number leaves before that has committed. It
 * does not do what Jeton is for: the keys lie in the process that serves the network and cannot be
 * rolled.
 *
 * It takes no short cut that would make it slow: one statement and so one round trip for each
 * request, prepared, binary, batches as arrays, sorted so that requests do not deadlock; crypto
 * contexts are kept. Each request takes one of --pool workers (connection and contexts) for as long
 * as it talks to the database. --threads 0, the default, serves each connection by a thread of its
 * own, N serves all by N event loops. Tried on two processors, 4 to 64 workers and 8 to 64 loops:
 * loops are slower in batches and faster nowhere, because one that waits for a commit serves
 * nobody; 32 and 64 workers are alike, fewer are slower.
 */
#include "bench/plain.h"

#include "base/base32.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <jansson.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BODY_MAX       (2u << 20)
#define REPLY_MAX      (16u << 20)
#define MAX_ITEMS      10000
#define TOKEN_TEXT_LEN 30
#define DIGEST_LEN     32

static struct {
    const char *conninfo, *key_file, *secret_file, *port_file;
    unsigned threads, pool;
    uint8_t key_digest[DIGEST_LEN];
    uint8_t secret[PLAIN_SECRET_LEN];
} opt = { .pool = 32 };

void plain_die(const char *what, const char *why)
{
    fprintf(stderr, "plain_service: %s: %s\n", what, why);
    exit(1);
}

/* --- the body --- */

static bool pan_valid(const char *text, size_t len)
{
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        unsigned d = (unsigned)(text[i] - '0') * ((len - i) % 2 == 0 ? 2 : 1);
        sum += d > 9 ? d - 9 : d;
    }
    return len >= 12 && len <= PLAIN_PAN_MAX && sum % 10 == 0;
}

static void take_text(struct plain_request *r, struct plain_item *i, const json_t *value)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    i->status = 422;
    if (r->tokenize && text != NULL && pan_valid(text, len)) {
        memcpy(i->pan, text, len);
        i->pan_len = len;
        i->status = 200;
    } else if (!r->tokenize && len == TOKEN_TEXT_LEN && memcmp(text, "jtk_", 4) == 0 &&
               jt_base32_decode(text + 4, PLAIN_TOKEN_LEN, i->token) == JT_OK) {
        i->status = 200;
    }
}

/* The status of the whole request, 200 when its items can be worked on. */
static int take_items(struct plain_request *r)
{
    json_t *body =
        json_loadb((const char *)r->body.data, r->body.len, JSON_REJECT_DUPLICATES, NULL);
    const char *member = r->tokenize ? "pan" : "token";
    json_t *one = json_object_get(body, member), *many = json_object_get(body, "items");
    int status = 400;
    if (json_object_size(body) == 1 && (one != NULL || json_array_size(many) > 0)) {
        r->single = one != NULL;
        r->n = r->single ? 1 : json_array_size(many);
        status = r->n > MAX_ITEMS ? 413 : 200;
    }
    if (status == 200) {
        r->items = calloc(r->n, sizeof *r->items);
        r->distinct = calloc(r->n, sizeof(struct plain_item *));
        status = r->items == NULL || r->distinct == NULL ? 503 : 200;
    }
    for (size_t i = 0; i < r->n && status == 200; i++) {
        take_text(r, &r->items[i],
                  r->single ? one : json_object_get(json_array_get(many, i), member));
    }
    json_decref(body);
    return status;
}

/* --- HTTP --- */

static void write_value(const struct plain_request *r, const struct plain_item *i,
                        struct jt_buf *out)
{
    char text[TOKEN_TEXT_LEN + 1] = "jtk_";
    if (r->tokenize) {
        jt_base32_encode(i->token, PLAIN_TOKEN_LEN, text + 4);
        jt_buf_put(out, "\"token\":\"", 9);
        jt_buf_put(out, text, TOKEN_TEXT_LEN);
    } else {
        jt_buf_put(out, "\"pan\":\"", 7);
        jt_buf_put(out, i->pan, i->pan_len);
    }
    jt_buf_u8(out, '"');
}

/*
 * By hand and not through jansson, as Jeton does: nothing here needs escaping, and it is the faster
 * way.
 */
static void write_items(struct plain_request *r)
{
    struct jt_buf *out = &r->reply;
    jt_buf_put(out, "{\"results\":[", 12);
    for (size_t k = 0; k < r->n; k++) {
        char head[40];
        int len =
            snprintf(head, sizeof head, "%s{\"status\":%d", k == 0 ? "" : ",", r->items[k].status);
        jt_buf_put(out, head, (size_t)len);
        if (r->items[k].status == 200) {
            jt_buf_u8(out, ',');
            write_value(r, &r->items[k], out);
        }
        jt_buf_u8(out, '}');
    }
    jt_buf_put(out, "]}", 2);
}

static enum MHD_Result reply(struct MHD_Connection *c, struct plain_request *r, int status)
{
    static const char type[] = "application/json";
    if (status == 200 && r->single) {
        status = r->items[0].status;
    }
    if (status != 200) {
        char text[40];
        jt_buf_put(&r->reply, text, (size_t)snprintf(text, sizeof text, "{\"status\":%d}", status));
    } else if (r->single) {
        jt_buf_u8(&r->reply, '{');
        write_value(r, &r->items[0], &r->reply);
        jt_buf_u8(&r->reply, '}');
    } else {
        write_items(r);
    }
    if (jt_buf_status(&r->reply) != JT_OK) {
        return MHD_NO;
    }
    /* libmicrohttpd frees it. */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(r->reply.len, r->reply.data, MHD_RESPMEM_MUST_FREE);
    r->reply = (struct jt_buf){ 0 };
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    enum MHD_Result result = MHD_queue_response(c, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static bool authorized(struct MHD_Connection *c)
{
    static const char scheme[] = "Bearer ";
    const char *text =
        MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    uint8_t digest[DIGEST_LEN];
    if (text == NULL || strncmp(text, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    text += sizeof scheme - 1;
    return EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL) == 1 &&
           CRYPTO_memcmp(digest, opt.key_digest, sizeof digest) == 0;
}

static int work(struct MHD_Connection *c, struct plain_request *r, const char *url)
{
    r->tokenize = strcmp(url, "/v1/fields/pan/tokenize") == 0;
    if (!r->tokenize && strcmp(url, "/v1/fields/pan/detokenize") != 0) {
        return 404;
    }
    if (!authorized(c)) {
        return 401;
    }
    int status = jt_buf_status(&r->body) == JT_OK ? take_items(r) : 413;
    if (status == 200) {
        status = r->tokenize ? plain_tokenize(r) : plain_detokenize(r);
    }
    return status;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_len, void **state)
{
    struct plain_request *r = *state;
    (void)arg;
    (void)version;
    if (r == NULL) {
        *state = r = calloc(1, sizeof *r);
        if (r != NULL) {
            jt_buf_init(&r->body, BODY_MAX);
            jt_buf_init(&r->reply, REPLY_MAX);
        }
        return r == NULL ? MHD_NO : MHD_YES;
    }
    if (*data_len > 0) {
        jt_buf_put(&r->body, data, *data_len);
        *data_len = 0;
        return MHD_YES;
    }
    return reply(c, r, strcmp(method, MHD_HTTP_METHOD_POST) == 0 ? work(c, r, url) : 405);
}

static void on_end(void *arg, struct MHD_Connection *c, void **state,
                   enum MHD_RequestTerminationCode why)
{
    struct plain_request *r = *state;
    (void)arg;
    (void)c;
    (void)why;
    if (r == NULL) {
        return;
    }
    if (r->items != NULL) {
        OPENSSL_cleanse(r->items, r->n * sizeof *r->items);
    }
    free(r->items);
    free(r->distinct);
    jt_buf_clear(&r->body);
    jt_buf_clear(&r->reply);
    free(r);
    *state = NULL;
}

static struct MHD_Daemon *serve(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    unsigned how = opt.threads == 0 ? MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL_INTERNAL_THREAD
                                    : MHD_USE_EPOLL_INTERNAL_THREAD;
    struct MHD_Daemon *d =
        MHD_start_daemon(how | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, NULL,
                         MHD_OPTION_SOCK_ADDR, &a, MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL,
                         opt.threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END,
                         opt.threads, MHD_OPTION_END);
    const union MHD_DaemonInfo *bound =
        d == NULL ? NULL : MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT);
    FILE *f = bound == NULL ? NULL : fopen(opt.port_file, "we");
    if (f == NULL || fprintf(f, "%u\n", (unsigned)bound->port) < 0 || fclose(f) != 0) {
        plain_die(opt.port_file, "no port to serve on, or it could not be written there");
    }
    return d;
}

/* --- start --- */

static void read_key(void)
{
    char key[200];
    FILE *f = opt.key_file == NULL ? NULL : fopen(opt.key_file, "re");
    if (f == NULL || fscanf(f, "%199s", key) != 1 ||
        EVP_Digest(key, strlen(key), opt.key_digest, NULL, EVP_sha256(), NULL) != 1) {
        plain_die("--key-file", "cannot be read");
    }
    OPENSSL_cleanse(key, sizeof key);
    fclose(f);
}

/* The keys stay the same over a restart, or the cards of the table would be lost. */
static void read_or_make_secret(void)
{
    FILE *f = opt.secret_file == NULL ? NULL : fopen(opt.secret_file, "re");
    if (f != NULL && fread(opt.secret, 1, sizeof opt.secret, f) == sizeof opt.secret) {
        fclose(f);
        return;
    }
    umask(0077);
    f = f != NULL || opt.secret_file == NULL ? NULL : fopen(opt.secret_file, "wxe");
    if (f == NULL || RAND_bytes(opt.secret, sizeof opt.secret) != 1 ||
        fwrite(opt.secret, 1, sizeof opt.secret, f) != sizeof opt.secret || fclose(f) != 0) {
        plain_die("--secret", "cannot be read, and cannot be made");
    }
}

static void parse_options(int argc, char **argv)
{
    static const struct option options[] = {
        { "conninfo", required_argument, NULL, 'c' },
        { "key-file", required_argument, NULL, 'k' },
        { "secret", required_argument, NULL, 's' },
        { "port-file", required_argument, NULL, 'f' },
        { "threads", required_argument, NULL, 't' },
        { "pool", required_argument, NULL, 'p' },
        { 0 },
    };
    int o;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (o) {
        case 'c': opt.conninfo = optarg; break;
        case 'k': opt.key_file = optarg; break;
        case 's': opt.secret_file = optarg; break;
        case 'f': opt.port_file = optarg; break;
        case 't': opt.threads = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'p': opt.pool = (unsigned)strtoul(optarg, NULL, 10); break;
        default: exit(64);
        }
    }
    if (opt.conninfo == NULL || opt.port_file == NULL || opt.threads > 256 || opt.pool < 1 ||
        opt.pool > 1024) {
        plain_die("options", "--conninfo or --port-file is missing, or a number is out of bounds");
    }
}

int main(int argc, char **argv)
{
    sigset_t ends;
    int signal_number;
    parse_options(argc, argv);
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL); /* before there are threads, which inherit it */
    read_key();
    read_or_make_secret();
    plain_cards_start(opt.conninfo, opt.secret, opt.pool);
    struct MHD_Daemon *d = serve();
    sigwait(&ends, &signal_number);
    MHD_stop_daemon(d);
    return 0;
}
