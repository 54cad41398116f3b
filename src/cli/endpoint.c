/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/endpoint.h"

#include "base/hex.h"
#include "base/random.h"
#include "base/secmem.h"
#include "cli/backoff.h"
#include "cli/exit.h"
#include "cli/keyfile.h"
#include "cli/options.h"
#include "jeton/version.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

bool jt_endpoint_url_is_safe(const char *url)
{
    char *scheme = NULL, *host = NULL, *user = NULL;
    CURLU *parts = curl_url();
    bool safe =
        parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
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

/* Adds a header; the list is the caller's still when it fails. */
static bool add_header(struct curl_slist **list, const char *header)
{
    struct curl_slist *longer = curl_slist_append(*list, header);
    if (longer == NULL) {
        return false;
    }
    *list = longer;
    return true;
}

static int add_headers(const struct jt_cli *cli, struct jt_endpoint *endpoint)
{
    char key[JT_API_KEY_MAX + 1];
    int code = jt_keyfile_read(cli->key_file, key);
    if (code != JT_EXIT_OK) {
        return code;
    }
    char header[32 + JT_API_KEY_MAX];
    snprintf(header, sizeof header, "Authorization: Bearer %s", key);
    bool added = add_header(&endpoint->headers, header) &&
                 add_header(&endpoint->headers, "Content-Type: application/json") &&
                 add_header(&endpoint->headers, "Expect:"); /* no waiting for 100 Continue */
    jt_wipe(header, sizeof header);
    jt_wipe(key, sizeof key);
    if (!added) {
        jt_complain("out of memory");
        return JT_EXIT_FAILED;
    }
    return JT_EXIT_OK;
}

int jt_endpoint_open(const struct jt_cli *cli, struct jt_endpoint *out)
{
    *out = (struct jt_endpoint){ 0 };
    if (!jt_endpoint_url_is_safe(cli->url)) {
        /* It is not repeated: it may hold a password. */
        return jt_usage_error(NULL, "--url (JETON_URL) must be https, or http to a loopback "
                                    "address, and name no user");
    }
    if (cli->key_file == NULL) {
        jt_complain("no API key: give --key-file FILE or set JETON_KEY_FILE");
        return JT_EXIT_CONFIG;
    }
    out->ca_file = cli->ca_file;
    out->cert_file = cli->cert_file;
    out->cert_key_file = cli->cert_key_file;
    out->url = strdup(cli->url);
    if (out->url == NULL) {
        jt_complain("out of memory");
        return JT_EXIT_FAILED;
    }
    for (size_t len = strlen(out->url); len > 0 && out->url[len - 1] == '/'; len--) {
        out->url[len - 1] = '\0';
    }
    int code = add_headers(cli, out);
    if (code != JT_EXIT_OK) {
        jt_endpoint_clear(out);
    }
    return code;
}

int jt_endpoint_name(struct jt_endpoint *endpoint)
{
    static const char name[] = "Idempotency-Key: ";
    uint8_t random[16];
    char header[sizeof name + 2 * sizeof random];
    jt_random_fill(random, sizeof random);
    random[6] = (random[6] & 0x0f) | 0x40; /* a UUID of version 4 (RFC 9562 section 5.4) */
    random[8] = (random[8] & 0x3f) | 0x80;
    memcpy(header, name, sizeof name);
    jt_hex_encode(random, sizeof random, header + sizeof name - 1);
    if (!add_header(&endpoint->headers, header)) {
        jt_complain("out of memory");
        return JT_EXIT_FAILED;
    }
    return JT_EXIT_OK;
}

void jt_endpoint_unkey(struct curl_slist *own)
{
    for (struct curl_slist *h = own; h != NULL; h = h->next) {
        jt_wipe(h->data, strlen(h->data)); /* one of them is the API key */
    }
    curl_slist_free_all(own);
}

bool jt_endpoint_key(const struct jt_endpoint *endpoint, CURL *handle, const char *key,
                     struct curl_slist **own)
{
    char header[100];
    struct curl_slist *list = NULL;
    bool fine = true;
    for (const struct curl_slist *h = endpoint->headers; h != NULL && fine; h = h->next) {
        fine = add_header(&list, h->data);
    }
    if (fine && key != NULL) {
        snprintf(header, sizeof header, "Idempotency-Key: %s", key);
        fine = add_header(&list, header);
    }
    fine = fine && curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list) == CURLE_OK;
    jt_endpoint_unkey(fine ? *own : list);
    if (fine) {
        *own = list;
    }
    return fine;
}

void jt_endpoint_clear(struct jt_endpoint *endpoint)
{
    jt_endpoint_unkey(endpoint->headers);
    free(endpoint->url);
    *endpoint = (struct jt_endpoint){ 0 };
}

void jt_reply_init(struct jt_reply *reply)
{
    *reply = (struct jt_reply){ .retry_after_s = -1 };
    jt_buf_init(&reply->body, JT_REPLY_MAX);
}

void jt_reply_clear(struct jt_reply *reply)
{
    jt_buf_clear(&reply->body);
    reply->status = 0;
}

/* libcurl's write callback; taking less than was offered ends the transfer. */
static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct jt_reply *reply = arg;
    jt_buf_put(&reply->body, bytes, size * n);
    return jt_buf_status(&reply->body) == JT_OK ? size * n : 0;
}

/* libcurl looks for the key in the certificate's file where no other is named. */
static bool show_certificate(const struct jt_endpoint *endpoint, CURL *h)
{
    return endpoint->cert_file == NULL ||
           (curl_easy_setopt(h, CURLOPT_SSLCERT, endpoint->cert_file) == CURLE_OK &&
            (endpoint->cert_key_file == NULL ||
             curl_easy_setopt(h, CURLOPT_SSLKEY, endpoint->cert_key_file) == CURLE_OK));
}

CURL *jt_endpoint_handle(const struct jt_endpoint *endpoint, struct jt_reply *reply)
{
    CURL *h = curl_easy_init();
    if (h == NULL) {
        return NULL;
    }
    if (curl_easy_setopt(h, CURLOPT_HTTPHEADER, endpoint->headers) != CURLE_OK ||
        curl_easy_setopt(h, CURLOPT_USERAGENT, "jeton/" JETON_VERSION) != CURLE_OK ||
        curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
        (endpoint->ca_file != NULL &&
         curl_easy_setopt(h, CURLOPT_CAINFO, endpoint->ca_file) != CURLE_OK) ||
        !show_certificate(endpoint, h) || curl_easy_setopt(h, CURLOPT_PROXY, "") != CURLE_OK ||
        curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK ||
        curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) != CURLE_OK ||
        curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, 5L) != CURLE_OK ||
        curl_easy_setopt(h, CURLOPT_TIMEOUT, 60L) != CURLE_OK ||
        curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK ||
        curl_easy_setopt(h, CURLOPT_WRITEDATA, reply) != CURLE_OK) {
        curl_easy_cleanup(h);
        return NULL;
    }
    return h;
}

bool jt_endpoint_prepare(const struct jt_endpoint *endpoint, CURL *handle, struct jt_reply *reply,
                         const char *method, const char *path, const struct jt_buf *body)
{
    char url[2000];
    int n = snprintf(url, sizeof url, "%s%s", endpoint->url, path);
    jt_buf_reset(&reply->body);
    reply->status = 0;
    reply->retry_after_s = -1;
    if (n < 0 || (size_t)n >= sizeof url ||
        curl_easy_setopt(handle, CURLOPT_URL, url) != CURLE_OK) {
        return false;
    }
    if (strcmp(method, "GET") == 0) {
        return curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, NULL) == CURLE_OK &&
               curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    }
    const char *other = strcmp(method, "POST") == 0 ? NULL : method; /* sent as POST is, renamed */
    /* libcurl keeps the pointer and does not copy what it points to. */
    return curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, other) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_POSTFIELDS,
                            body != NULL && body->len > 0 ? (const char *)body->data : "") ==
               CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, body != NULL ? (long)body->len : 0L) ==
               CURLE_OK;
}

bool jt_transfer_may_have_arrived(CURLcode result)
{
    switch (result) {
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_WRITE_ERROR: return true;
    default: return false;
    }
}

bool jt_transfer_may_recover(CURLcode result)
{
    return result == CURLE_COULDNT_CONNECT || result == CURLE_COULDNT_RESOLVE_HOST ||
           result == CURLE_SSL_CONNECT_ERROR ||
           (jt_transfer_may_have_arrived(result) && result != CURLE_WRITE_ERROR);
}

void jt_endpoint_finish(CURL *handle, struct jt_reply *reply)
{
    curl_off_t retry_after = 0;
    if (curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &reply->status) != CURLE_OK) {
        reply->status = 0;
    }
    bool given = curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK &&
                 retry_after > 0;
    reply->retry_after_s = given ? (retry_after > 3600 ? 3600 : (long)retry_after) : -1;
}

bool jt_reply_is_passing(const struct jt_reply *reply)
{
    static const char problem[] = "urn:jeton:problem:";
    bool ours = reply->body.len > 0 &&
                memmem(reply->body.data, reply->body.len, problem, sizeof problem - 1) != NULL;
    return jt_status_is_passing(reply->status) &&
           !(reply->status == 503 && ours && reply->retry_after_s < 0);
}
