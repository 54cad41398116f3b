/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many cards per second does the REST API take and give back? A load generator on epoll: C
 * connections, each with one request under way, for a number of seconds. Prints one line: items/s,
 * requests/s and latencies.
 *
 *   bench_rest --port N --key-file FILE --mode tokenize|detokenize|livez|load [--field NAME]
 *              [--connections 64] [--batch 1] [--seconds 5] [--seed 1] [--cards N] [--items N]
 *              [--tokens FILE] [--keep-every K] [--tls] [--named] [--rate N]
 *
 * Card numbers are made up, Luhn-valid, 16 digits, drawn from a population of --cards (0, the
 * default: all new). Other seeds draw other cards.
 *
 * `load` is `tokenize` by number instead of by time: it ends after --items new cards, or, with
 * --cards, after each card of that population once; `tokenize --cards N` then meets known cards
 * only. With --tokens it appends one in --keep-every of the tokens it was given to FILE.
 *
 * `detokenize` reads tokens of FILE, drawn at random, when --tokens is given; else it first
 * tokenizes 20,000 cards and reads those.
 *
 * --rate sends so many requests a second over all connections, at even distances, whether those
 * before are answered or not, as far as there are connections; latencies count from the moment at
 * which a request was due. Without it each connection sends its next request as soon as it can.
 *
 * --tls speaks TLS, and believes any certificate. --named gives each request an Idempotency-Key of
 * its own.
 *
 * The API key is read from a file; nothing of a card is printed.
 */
#include "base/buf.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define MAX_CONNECTIONS 1024
#define RESPONSE_MAX    (8u << 20)
#define TOKEN_TEXT_MAX  30 /* an opaque one; numeric ones are as long as the card number */
#define N_TO_READ       20000
#define N_TOKENS_MAX    2000000

enum mode { TOKENIZE, DETOKENIZE, LIVEZ, LOAD };

static struct {
    int port, connections, batch;
    double seconds, rate;
    enum mode mode;
    const char *field;
    char key[200];
    uint64_t random, cards, items, keep_every;
    const char *tokens;
    bool tls, named;
} opt = {
    .connections = 64, .batch = 1, .seconds = 5, .field = "pan", .random = 1, .keep_every = 1
};

struct connection {
    int fd;
    SSL *tls; /* NULL: plain */
    struct jt_buf out, in;
    size_t sent;
    int64_t started_us;
    int n_items;
};

static struct connection connections[MAX_CONNECTIONS];
static uint64_t n_items, n_requests, n_errors;
static uint64_t n_asked;    /* items of `load` that have been put into a request */
static uint64_t n_answered; /* tokens that `load` was given */
static FILE *tokens_out;
static uint32_t *latencies_us;
static size_t n_latencies, latencies_cap;
static char (*tokens)[TOKEN_TEXT_MAX + 1];
static size_t n_tokens;

static void die(const char *what)
{
    fprintf(stderr, "bench_rest: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t next_random(void)
{
    /* splitmix64 */
    uint64_t z = (opt.random += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* The number of the next card; `load` takes those of a population in turn. */
static uint64_t next_card(enum mode mode)
{
    if (opt.cards == 0) {
        return next_random();
    }
    return (mode == LOAD ? n_asked : next_random()) % opt.cards * 7919 + 13;
}

static void make_pan(enum mode mode, char out[16])
{
    uint64_t n = next_card(mode);
    unsigned sum = 0;
    out[0] = '4';
    for (int i = 14; i >= 1; i--) {
        unsigned d = (unsigned)(n % 10);
        n /= 10;
        out[i] = (char)('0' + d);
    }
    for (int i = 0; i < 15; i++) {
        unsigned d = (unsigned)(out[i] - '0') * (i % 2 == 0 ? 2 : 1);
        sum += d > 9 ? d - 9 : d;
    }
    out[15] = (char)('0' + (10 - sum % 10) % 10);
}

static void put_text(struct jt_buf *b, const char *text)
{
    jt_buf_put(b, text, strlen(text));
}

static void put_item(struct jt_buf *b, enum mode mode)
{
    char pan[16];
    if (mode != DETOKENIZE) {
        make_pan(mode, pan);
        n_asked++;
        put_text(b, "{\"pan\":\"");
        jt_buf_put(b, pan, sizeof pan);
    } else {
        put_text(b, "{\"token\":\"");
        put_text(b, tokens[next_random() % n_tokens]);
    }
    put_text(b, "\"}");
}

static void build_request(struct connection *c, enum mode mode, int batch)
{
    static struct jt_buf body = { .max = RESPONSE_MAX };
    char head[600];
    jt_buf_reset(&c->out);
    jt_buf_reset(&c->in);
    jt_buf_reset(&body);
    c->sent = 0;
    c->n_items = mode == LIVEZ ? 0 : batch;
    if (mode == LIVEZ) {
        put_text(&c->out, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
        return;
    }
    if (mode == LOAD && (uint64_t)batch > opt.items - n_asked) {
        c->n_items = batch = (int)(opt.items - n_asked);
    }
    if (batch == 1) {
        put_item(&body, mode);
    } else {
        put_text(&body, "{\"items\":[");
        for (int i = 0; i < batch; i++) {
            if (i > 0) {
                put_text(&body, ",");
            }
            put_item(&body, mode);
        }
        put_text(&body, "]}");
    }
    char name[80] = "";
    if (opt.named) {
        static uint64_t n_named;
        snprintf(name, sizeof name, "Idempotency-Key: k%d-%llu\r\n", (int)getpid(),
                 (unsigned long long)n_named++);
    }
    int n = snprintf(head, sizeof head,
                     "POST /v1/fields/%s/%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                     "%s\r\nContent-Type: application/json\r\n"
                     "%sContent-Length: %zu\r\n\r\n",
                     opt.field, mode == DETOKENIZE ? "detokenize" : "tokenize", opt.key, name,
                     body.len);
    jt_buf_put(&c->out, head, (size_t)n);
    jt_buf_put(&c->out, body.data, body.len);
}

/* Whose certificate it is does not matter here: what is measured is the work. */
static SSL *begin_tls(int fd)
{
    static SSL_CTX *ctx;
    if (ctx == NULL) {
        ctx = SSL_CTX_new(TLS_client_method());
    }
    SSL *tls = ctx == NULL ? NULL : SSL_new(ctx);
    if (tls == NULL || SSL_set_fd(tls, fd) != 1 || SSL_connect(tls) != 1) {
        die("TLS");
    }
    return tls;
}

static void connect_to(struct connection *c, int epoll_fd)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)opt.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof a) != 0) {
        die("connect");
    }
    c->tls = opt.tls ? begin_tls(c->fd) : NULL;
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 ||
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) {
        die("connect");
    }
    jt_buf_init(&c->out, RESPONSE_MAX);
    jt_buf_init(&c->in, RESPONSE_MAX);
    struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e) != 0) {
        die("epoll_ctl");
    }
}

/* As send(2) and recv(2), with TLS if the connection has it. */
static ssize_t of_tls(const struct connection *c, int result)
{
    if (result > 0) {
        return result;
    }
    int why = SSL_get_error(c->tls, result);
    errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return -1;
}

static ssize_t give(const struct connection *c, const void *p, size_t len)
{
    return c->tls == NULL ? send(c->fd, p, len, MSG_NOSIGNAL)
                          : of_tls(c, SSL_write(c->tls, p, (int)len));
}

static ssize_t take(const struct connection *c, void *p, size_t len)
{
    return c->tls == NULL ? recv(c->fd, p, len, 0) : of_tls(c, SSL_read(c->tls, p, (int)len));
}

static void send_more(struct connection *c)
{
    while (c->sent < c->out.len) {
        ssize_t n = give(c, c->out.data + c->sent, c->out.len - c->sent);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0) {
            die("send");
        }
        c->sent += (size_t)n;
    }
}

/*
 * Bytes of the whole response when it is complete, else 0; `body` receives where its body starts.
 */
static size_t response_len(const struct connection *c, size_t *body)
{
    const char *data = (const char *)c->in.data;
    const char *end = c->in.len < 4 ? NULL : memmem(data, c->in.len, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }
    static const char name[] = "\r\nContent-Length: ";
    const char *length = memmem(data, (size_t)(end - data), name, sizeof name - 1);
    *body = (size_t)(end - data) + 4;
    size_t whole = *body + (length == NULL ? 0 : strtoul(length + sizeof name - 1, NULL, 10));
    return c->in.len >= whole ? whole : 0;
}

static void note_tokens(const struct connection *c, size_t body, size_t whole)
{
    const char *p = (const char *)c->in.data + body, *end = (const char *)c->in.data + whole;
    static const char before[] = "\"token\":\"";
    while ((p = memmem(p, (size_t)(end - p), before, sizeof before - 1)) != NULL) {
        p += sizeof before - 1;
        const char *quote = memchr(p, '"', (size_t)(end - p));
        if (quote == NULL || quote - p > TOKEN_TEXT_MAX) {
            return;
        }
        if (tokens_out == NULL && n_tokens < N_TO_READ) {
            memcpy(tokens[n_tokens], p, (size_t)(quote - p));
            tokens[n_tokens++][quote - p] = '\0';
        } else if (tokens_out != NULL && n_answered++ % opt.keep_every == 0) {
            fprintf(tokens_out, "%.*s\n", (int)(quote - p), p);
        }
        p = quote;
    }
}

/* Whether the response has come in whole. */
static bool receive(struct connection *c, bool keep_tokens)
{
    for (;;) {
        uint8_t chunk[65536];
        ssize_t n = take(c, chunk, sizeof chunk);
        if (n < 0 && errno == EAGAIN) {
            return false;
        }
        if (n <= 0) {
            die("the server closed a connection");
        }
        jt_buf_put(&c->in, chunk, (size_t)n);
        size_t body = 0, whole = response_len(c, &body);
        if (whole == 0) {
            continue;
        }
        bool good = memcmp(c->in.data, "HTTP/1.1 200", 12) == 0;
        n_errors += !good;
        n_items += good ? (uint64_t)c->n_items : 0;
        n_requests++;
        if (n_latencies < latencies_cap) {
            latencies_us[n_latencies++] = (uint32_t)(jt_clock_us() - c->started_us);
        }
        if (keep_tokens) {
            note_tokens(c, body, whole);
        }
        return true;
    }
}

/* Whether another request is to be sent. */
static bool more(enum mode mode, bool collect, int64_t end)
{
    if (n_errors >= 1000) {
        return false;
    }
    if (mode == LOAD) {
        return n_asked < opt.items;
    }
    return collect ? n_tokens < N_TO_READ : jt_clock_us() < end;
}

/* Connections without a request, and when the next one is due: with --rate only. */
static struct connection *idle[MAX_CONNECTIONS];
static int n_idle;
static int64_t due_us;

static void begin(struct connection *c, enum mode mode, int batch, int64_t since_us)
{
    build_request(c, mode, batch);
    c->started_us = since_us;
    send_more(c);
}

/* Sends what is due. Returns how many requests that are. */
static int begin_due(enum mode mode, int batch, bool collect, int64_t end)
{
    int n = 0;
    while (n_idle > 0 && jt_clock_us() >= due_us && more(mode, collect, end)) {
        begin(idle[--n_idle], mode, batch, due_us);
        due_us += (int64_t)(1e6 / opt.rate);
        n++;
    }
    return n;
}

static int wait_for_events(int epoll_fd, struct epoll_event events[256])
{
    int64_t us = n_idle > 0 ? due_us - jt_clock_us() : 1000000;
    us = us < 0 ? 0 : us > 1000000 ? 1000000 : us;
    const struct timespec timeout = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };
    return epoll_pwait2(epoll_fd, events, 256, &timeout, NULL);
}

static double run(enum mode mode, int batch, double seconds, bool collect)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int64_t start = jt_clock_us(), end = start + (int64_t)(seconds * 1e6);
    int under_way = 0;
    n_idle = 0;
    due_us = start;
    n_asked = 0;
    n_items = n_requests = n_errors = n_latencies = 0;
    for (int i = 0; i < opt.connections; i++) {
        connect_to(&connections[i], epoll_fd);
        if (opt.rate > 0) {
            idle[n_idle++] = &connections[i];
        } else if (more(mode, collect, end)) {
            under_way++;
            begin(&connections[i], mode, batch, jt_clock_us());
        }
    }
    while (under_way > 0 || (n_idle > 0 && more(mode, collect, end))) {
        struct epoll_event events[256];
        under_way += begin_due(mode, batch, collect, end);
        int n = wait_for_events(epoll_fd, events);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            send_more(c);
            if (!receive(c, collect || tokens_out != NULL)) {
                continue;
            }
            if (opt.rate > 0) {
                idle[n_idle++] = c;
                under_way--;
            } else if (more(mode, collect, end)) {
                begin(c, mode, batch, jt_clock_us());
            } else {
                under_way--;
            }
        }
    }
    double took = (double)(jt_clock_us() - start) / 1e6;
    for (int i = 0; i < opt.connections; i++) {
        SSL_free(connections[i].tls);
        close(connections[i].fd);
        jt_buf_clear(&connections[i].in);
        jt_buf_clear(&connections[i].out);
    }
    close(epoll_fd);
    return took;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double percentile_ms(double p)
{
    return n_latencies == 0 ? 0 : latencies_us[(size_t)((double)(n_latencies - 1) * p)] / 1000.0;
}

static void read_key(const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL || fscanf(f, "%199s", opt.key) != 1) {
        die(path);
    }
    fclose(f);
}

static void read_tokens(void)
{
    char line[TOKEN_TEXT_MAX + 2];
    FILE *f = fopen(opt.tokens, "re");
    if (f == NULL) {
        die(opt.tokens);
    }
    while (n_tokens < N_TOKENS_MAX && fgets(line, sizeof line, f) != NULL) {
        size_t len = strcspn(line, "\n");
        if (len > 0 && len <= TOKEN_TEXT_MAX) {
            memcpy(tokens[n_tokens], line, len);
            tokens[n_tokens++][len] = '\0';
        }
    }
    fclose(f);
    if (n_tokens == 0) {
        errno = ENODATA;
        die(opt.tokens);
    }
}

static enum mode parse_mode(const char *name)
{
    if (strcmp(name, "tokenize") == 0) {
        return TOKENIZE;
    }
    if (strcmp(name, "detokenize") == 0) {
        return DETOKENIZE;
    }
    if (strcmp(name, "livez") == 0) {
        return LIVEZ;
    }
    if (strcmp(name, "load") == 0) {
        return LOAD;
    }
    fprintf(stderr, "bench_rest: no mode %s\n", name);
    exit(64);
}

static void parse_options(int argc, char **argv)
{
    static const struct option options[] = {
        { "port", required_argument, NULL, 'p' },
        { "key-file", required_argument, NULL, 'k' },
        { "field", required_argument, NULL, 'f' },
        { "mode", required_argument, NULL, 'm' },
        { "batch", required_argument, NULL, 'b' },
        { "connections", required_argument, NULL, 'c' },
        { "seconds", required_argument, NULL, 's' },
        { "seed", required_argument, NULL, 'r' },
        { "cards", required_argument, NULL, 'n' },
        { "items", required_argument, NULL, 'i' },
        { "tokens", required_argument, NULL, 't' },
        { "keep-every", required_argument, NULL, 'e' },
        { "tls", no_argument, NULL, 'T' },
        { "named", no_argument, NULL, 'N' },
        { "rate", required_argument, NULL, 'R' },
        { 0 },
    };
    int o;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (o) {
        case 'p': opt.port = atoi(optarg); break;
        case 'k': read_key(optarg); break;
        case 'f': opt.field = optarg; break;
        case 'm': opt.mode = parse_mode(optarg); break;
        case 'b': opt.batch = atoi(optarg); break;
        case 'c': opt.connections = atoi(optarg); break;
        case 's': opt.seconds = atof(optarg); break;
        case 'r': opt.random = strtoull(optarg, NULL, 10); break;
        case 'n': opt.cards = strtoull(optarg, NULL, 10); break;
        case 'i': opt.items = strtoull(optarg, NULL, 10); break;
        case 't': opt.tokens = optarg; break;
        case 'e': opt.keep_every = strtoull(optarg, NULL, 10); break;
        case 'T': opt.tls = true; break;
        case 'N': opt.named = true; break;
        case 'R': opt.rate = strtod(optarg, NULL); break;
        default: exit(64);
        }
    }
    if (opt.mode == LOAD && opt.items == 0) {
        opt.items = opt.cards;
    }
    if (opt.keep_every == 0 || (opt.mode == LOAD && opt.items == 0)) {
        fprintf(stderr, "bench_rest: --items or --keep-every is missing or 0\n");
        exit(64);
    }
    if (opt.port <= 0 || opt.batch < 1 || opt.connections < 1 ||
        opt.connections > MAX_CONNECTIONS) {
        fprintf(stderr,
                "bench_rest: --port, --batch or --connections is missing or out of bounds\n");
        exit(64);
    }
}

int main(int argc, char **argv)
{
    static const char *const names[] = { "tokenize", "detokenize", "livez", "load" };
    parse_options(argc, argv);
    latencies_cap = 4000000;
    latencies_us = malloc(latencies_cap * sizeof *latencies_us);
    tokens = malloc(N_TOKENS_MAX * sizeof *tokens);
    if (latencies_us == NULL || tokens == NULL) {
        die("malloc");
    }
    if (opt.mode == DETOKENIZE && opt.tokens != NULL) {
        read_tokens();
    } else if (opt.mode == DETOKENIZE) {
        run(TOKENIZE, 500, 0, true);
    } else if (opt.mode == LOAD && opt.tokens != NULL) {
        tokens_out = fopen(opt.tokens, "ae");
        if (tokens_out == NULL) {
            die(opt.tokens);
        }
    }
    double took = run(opt.mode, opt.batch, opt.seconds, false);
    if (tokens_out != NULL && fclose(tokens_out) != 0) {
        die(opt.tokens);
    }
    qsort(latencies_us, n_latencies, sizeof *latencies_us, by_value);
    printf("%s connections=%d batch=%d seconds=%.1f items/s=%.0f requests/s=%.0f errors=%llu "
           "p50_ms=%.2f p99_ms=%.2f max_ms=%.2f\n",
           names[opt.mode], opt.connections, opt.batch, took, (double)n_items / took,
           (double)n_requests / took, (unsigned long long)n_errors, percentile_ms(0.5),
           percentile_ms(0.99), percentile_ms(1));
    return n_errors == 0 ? 0 : 1;
}
