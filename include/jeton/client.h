/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libjeton: a client of Jeton's REST API in C. Link with -ljeton, or with what
 * pkg-config --libs jeton says; with the static library, pkg-config --static --libs jeton.
 *
 * A client keeps one connection and uses it again. It is for one thread at a time: make one for
 * each. Requests that may pass are repeated for so long as `retry_for_ms` says: connections that
 * break, and statuses 429, 502, 503 and 504, as the server's Retry-After wants it. Within a batch
 * only the items that were not answered are sent again; one with the problem "guess-brake" was,
 * since that lasts until the next day (UTC). Repeating is safe: where equal cards share a token, a
 * card that was stored already gives the same token again. In a field that was made without that, a
 * request whose answer was lost may leave a second token for its cards, unless `once` is set.
 *
 * Card numbers and the API key are wiped from the library's own buffers; those of libcurl and
 * jansson, and the caller's, are not its own. No error text holds one of them.
 */
#ifndef JETON_CLIENT_H
#define JETON_CLIENT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct jeton_client;

/* How a call ended. */
enum jeton_status {
    JETON_OK = 0,
    JETON_INVALID,     /* an argument, the URL or the key file is wrong */
    JETON_DENIED,      /* no valid API key, or it does not permit this: 401, 403 */
    JETON_REFUSED,     /* the server refused the request: any other status below 500 */
    JETON_UNAVAILABLE, /* it may pass, and did not within retry_for_ms */
    JETON_FAILED,      /* the server or its database is at fault, or memory ran out here */
};

struct jeton_options {
    const char *url;           /* https, or http to a loopback address */
    const char *api_key;       /* NULL: key_file */
    const char *key_file;      /* one line, readable by its owner only */
    const char *ca_file;       /* PEM certificates to trust; NULL: the system's */
    const char *cert_file;     /* PEM certificate to show to the server; NULL: none */
    const char *cert_key_file; /* its private key; NULL: in cert_file */
    long timeout_ms;           /* of one request; 0: 30000 */
    long retry_for_ms;         /* 0: 30000; negative: nothing is repeated */
    size_t batch;              /* items in one request; 0: 1000 */
    /*
     * Not 0: each batch has an Idempotency-Key and is done once, whatever became of its answers.
     * That costs the server two more transactions: see docs/api.md.
     */
    int once;
};

#define JETON_VALUE_MAX   48 /* with its NUL: tokens have 30 characters, card numbers 19 */
#define JETON_PROBLEM_MAX 48

struct jeton_item {
    const char *in;                  /* card number or token, the caller's */
    char out[JETON_VALUE_MAX];       /* token or card number; empty where there is none */
    int status;                      /* HTTP's for this item: 200, or why `out` is empty */
    char problem[JETON_PROBLEM_MAX]; /* as in "token-unknown"; empty with 200 */
};

/*
 * Nothing is sent yet. The options are copied. On failure *out is NULL. Call curl_global_init
 * before, where several threads begin at once.
 */
enum jeton_status jeton_open(const struct jeton_options *options, struct jeton_client **out);

/* Wipes the key. NULL is accepted. */
void jeton_close(struct jeton_client *client);

/*
 * A token for each card number, or a card number for each token. JETON_OK: every item was answered,
 * good or bad, as its status says. Else the items that were not have status 0.
 */
enum jeton_status jeton_tokenize(struct jeton_client *client, const char *field,
                                 struct jeton_item *items, size_t n);
enum jeton_status jeton_detokenize(struct jeton_client *client, const char *field,
                                   struct jeton_item *items, size_t n);

/*
 * A masked card number for each token: the first six digits (eight, if the field says so) and the
 * last four. The server makes the mask, whatever else the client may read: no whole number is sent.
 * The permission is `read-masked` or `detokenize`.
 */
enum jeton_status jeton_mask(struct jeton_client *client, const char *field,
                             struct jeton_item *items, size_t n);

/* Wipes what the items received. */
void jeton_wipe(struct jeton_item *items, size_t n);

/* Why the last call did not end with JETON_OK, for a log; lives until the next call. */
const char *jeton_error(const struct jeton_client *client);

/*
 * The same for COBOL: CALL "JETON" USING JETON-AREA, which the copybooks JETON.cpy and JETONTAB.cpy
 * lay out (docs/cobol.md). It keeps a client for each thread. The result is the return code: 0, 4,
 * 8, 12 or 16.
 */
int JETON(void *area);

#ifdef __cplusplus
}
#endif

#endif
