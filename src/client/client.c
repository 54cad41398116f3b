/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing a client: its URL, its key, and a libcurl handle made ready for both. */
#include "client/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_MS    30000
#define DEFAULT_BATCH 1000
#define KEY_MAX       200

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

bool jeton_url_is_safe(const char *url)
{
    char *scheme = NULL, *host = NULL, *user = NULL;
    CURLU *parts = curl_url();
    bool safe =
        url != NULL && parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_NO_USER &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        (strcmp(scheme, "https") == 0 || (strcmp(scheme, "http") == 0 && is_loopback(host)));
    curl_free(user);
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return safe;
}

/* False: the file cannot be read, is not private, or holds no key. */
static bool read_key(const char *path, char out[KEY_MAX])
{
    struct stat st;
    FILE *f = path == NULL ? NULL : fopen(path, "re");
    bool good = f != NULL && fstat(fileno(f), &st) == 0 &&
                (st.st_mode & (S_IRWXG | S_IRWXO)) == 0 && fgets(out, KEY_MAX, f) != NULL;
    if (f != NULL) {
        fclose(f);
    }
    if (good) {
        out[strcspn(out, "\r\n")] = '\0';
    }
    return good;
}

static bool add_header(struct curl_slist **list, const char *header)
{
    struct curl_slist *longer = curl_slist_append(*list, header);
    if (longer != NULL) {
        *list = longer;
    }
    return longer != NULL;
}

static const char name_header[] = "Idempotency-Key: 00000000000000000000000000000000";

static enum jeton_status add_name(struct jeton_client *c)
{
    if (!add_header(&c->headers, name_header)) {
        return JETON_FAILED;
    }
    struct curl_slist *last = c->headers;
    while (last->next != NULL) {
        last = last->next;
    }
    c->name = strchr(last->data, '0'); /* libcurl reads it when a request is sent */
    return JETON_OK;
}

void jeton_name(struct jeton_client *c)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char random[16];
    if (c->name == NULL) {
        return;
    }
    size_t got = 0;
    while (got < sizeof random) {
        ssize_t n = getrandom(random + got, sizeof random - got, 0);
        got += n > 0 ? (size_t)n : 0;
    }
    random[6] = (random[6] & 0x0f) | 0x40; /* a UUID of version 4 (RFC 9562 section 5.4) */
    random[8] = (random[8] & 0x3f) | 0x80;
    for (size_t i = 0; i < sizeof random; i++) {
        c->name[2 * i] = digits[random[i] >> 4];
        c->name[2 * i + 1] = digits[random[i] & 15];
    }
}

static enum jeton_status add_headers(struct jeton_client *c, const struct jeton_options *options)
{
    char key[KEY_MAX] = "", header[KEY_MAX + 32];
    enum jeton_status status = JETON_OK;
    if (options->api_key != NULL ? strlen(options->api_key) >= sizeof key
                                 : !read_key(options->key_file, key)) {
        return JETON_INVALID;
    }
    snprintf(header, sizeof header, "Authorization: Bearer %s",
             options->api_key != NULL ? options->api_key : key);
    if (!add_header(&c->headers, header) ||
        !add_header(&c->headers, "Content-Type: application/json") ||
        !add_header(&c->headers, "Expect:")) { /* no waiting for 100 Continue */
        status = JETON_FAILED;
    }
    explicit_bzero(header, sizeof header);
    explicit_bzero(key, sizeof key);
    return status == JETON_OK && options->once != 0 ? add_name(c) : status;
}

/* libcurl's write callback; taking less than was offered ends the transfer. */
static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct jeton_buffer *reply = arg;
    jeton_buffer_put(reply, bytes, size * n);
    return reply->failed ? 0 : size * n;
}

/* Proxies of the environment, redirects and .netrc would carry the key elsewhere. */
static bool make_handle(struct jeton_client *c, long timeout_ms)
{
    c->curl = curl_easy_init();
    return c->curl != NULL &&
           curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->headers) == CURLE_OK &&
           curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           (c->ca_file == NULL ||
            curl_easy_setopt(c->curl, CURLOPT_CAINFO, c->ca_file) == CURLE_OK) &&
           (c->cert_file == NULL ||
            curl_easy_setopt(c->curl, CURLOPT_SSLCERT, c->cert_file) == CURLE_OK) &&
           (c->cert_key_file == NULL ||
            curl_easy_setopt(c->curl, CURLOPT_SSLKEY, c->cert_key_file) == CURLE_OK) &&
           curl_easy_setopt(c->curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(c->curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(c->curl, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK &&
           curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &c->reply) == CURLE_OK;
}

/* NULL is copied as NULL. False: out of memory. */
static bool copy(const char *text, char **out)
{
    *out = text == NULL ? NULL : strdup(text);
    return text == NULL || *out != NULL;
}

enum jeton_status jeton_open(const struct jeton_options *options, struct jeton_client **out)
{
    *out = NULL;
    if (!jeton_url_is_safe(options->url)) {
        return JETON_INVALID;
    }
    struct jeton_client *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return JETON_FAILED;
    }
    c->retry_for_ms = options->retry_for_ms == 0 ? DEFAULT_MS : options->retry_for_ms;
    c->batch = options->batch == 0 ? DEFAULT_BATCH : options->batch;
    bool copied = copy(options->url, &c->url) && copy(options->ca_file, &c->ca_file) &&
                  copy(options->cert_file, &c->cert_file) &&
                  copy(options->cert_key_file, &c->cert_key_file);
    enum jeton_status status = add_headers(c, options);
    if (status == JETON_OK &&
        (!copied || !make_handle(c, options->timeout_ms == 0 ? DEFAULT_MS : options->timeout_ms))) {
        status = JETON_FAILED;
    }
    if (status != JETON_OK) {
        jeton_close(c);
        return status;
    }
    for (size_t len = strlen(c->url); len > 0 && c->url[len - 1] == '/'; len--) {
        c->url[len - 1] = '\0';
    }
    *out = c;
    return JETON_OK;
}

void jeton_close(struct jeton_client *client)
{
    if (client == NULL) {
        return;
    }
    curl_easy_cleanup(client->curl);
    for (struct curl_slist *h = client->headers; h != NULL; h = h->next) {
        explicit_bzero(h->data, strlen(h->data));
    }
    curl_slist_free_all(client->headers);
    jeton_buffer_clear(&client->request);
    jeton_buffer_clear(&client->reply);
    free(client->url);
    free(client->ca_file);
    free(client->cert_file);
    free(client->cert_key_file);
    free(client);
}

/*
 * The connection is shared with the parent: closing it as usual would say farewell in the parent's
 * TLS session. With another file in its place nothing reaches the wire.
 */
void jeton_abandon(struct jeton_client *client)
{
    curl_socket_t shared = CURL_SOCKET_BAD;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (curl_easy_getinfo(client->curl, CURLINFO_ACTIVESOCKET, &shared) == CURLE_OK &&
        shared != CURL_SOCKET_BAD && nothing >= 0) {
        (void)dup2(nothing, shared);
    }
    if (nothing >= 0) {
        close(nothing);
    }
    jeton_close(client);
}

const char *jeton_error(const struct jeton_client *client)
{
    return client->error;
}

enum jeton_status jeton_fail(struct jeton_client *c, enum jeton_status status, const char *text)
{
    snprintf(c->error, sizeof c->error, "%s", text);
    return status;
}
