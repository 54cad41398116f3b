/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/client: a client, and one request of it. */
#ifndef JETON_CLIENT_INTERNAL_H
#define JETON_CLIENT_INTERNAL_H

#include "jeton/client.h"

#include <curl/curl.h>

#include <stdbool.h>
#include <stdint.h>

/* Bytes that are wiped before they are freed. */
struct jeton_buffer {
    char *data; /* with a NUL behind `len` bytes, once there are any */
    size_t len, cap;
    bool failed; /* memory ran out, or it became too large */
};

void jeton_buffer_put(struct jeton_buffer *b, const char *p, size_t len);
void jeton_buffer_text(struct jeton_buffer *b, const char *text);
void jeton_buffer_reset(struct jeton_buffer *b);
void jeton_buffer_clear(struct jeton_buffer *b);

struct jeton_client {
    char *url; /* without a slash at its end */
    char *ca_file, *cert_file, *cert_key_file;
    struct curl_slist *headers; /* one of them is the API key */
    char *name; /* in one of them, the hexadecimal digits of the Idempotency-Key; NULL: none */
    CURL *curl;
    long retry_for_ms;
    size_t batch;
    struct jeton_buffer request, reply;
    long http_status;                /* of the last request; 0: no answer came */
    int64_t retry_after_ms;          /* the server's wish; -1: none */
    char problem[JETON_PROBLEM_MAX]; /* of the last request as a whole; empty: none of Jeton's */
    char error[200];
};

/* Sets the error text; returns `status`. */
enum jeton_status jeton_fail(struct jeton_client *c, enum jeton_status status, const char *text);

/*
 * Posts client->request to `path`, and again while it may pass until `end_ms` of jeton_now_ms().
 * JETON_OK: client->reply is the body of a 200.
 */
enum jeton_status jeton_post(struct jeton_client *c, const char *path, int64_t end_ms);

/* Wipes and forgets the client in a process that has it by fork(2); its parent's goes on. */
void jeton_abandon(struct jeton_client *client);

/* Card numbers and the key must not cross a network in the clear. */
bool jeton_url_is_safe(const char *url);

/* Gives what is posted from here on another Idempotency-Key, where it has any. */
void jeton_name(struct jeton_client *c);

/* Whether what was answered with `status` may be repeated, as a rule. */
bool jeton_is_passing(long status);

/* Waits; false when that would be after `end_ms`. */
bool jeton_wait(int64_t ms, int64_t end_ms);

/* The last part of a problem's type, for `out` of JETON_PROBLEM_MAX; empty if it is none. */
void jeton_problem_name(const char *type, char *out);

int64_t jeton_now_ms(void);

#endif
