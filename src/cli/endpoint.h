/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server that a command talks to: its URL, the API key, and libcurl handles made ready for
 * both.
 *
 * Plain http is refused for anything but a loopback address: card numbers and the API key would
 * cross a network in the clear. Proxies from the environment, redirects and .netrc are never
 * followed, for the same reason.
 */
#ifndef JETON_CLI_ENDPOINT_H
#define JETON_CLI_ENDPOINT_H

#include "base/buf.h"
#include "cli/command.h"

#include <curl/curl.h>

#define JT_REPLY_MAX (16u << 20) /* bytes of one reply */

struct jt_endpoint {
    char *url;                             /* without a slash at its end */
    const char *ca_file;                   /* the command's; NULL: the system's */
    const char *cert_file, *cert_key_file; /* the command's; NULL: none, in cert_file */
    struct curl_slist *headers;
};

/*
 * What came back. Belongs to the handle's owner, outlives each transfer and is emptied before the
 * next.
 */
struct jt_reply {
    long status;        /* HTTP status; 0: none */
    long retry_after_s; /* the server's wish; -1: none */
    struct jt_buf body; /* wiped when cleared */
};

/* Reads URL and key file. JT_EXIT_OK, or JT_EXIT_CONFIG or JT_EXIT_USAGE after a message. */
int jt_endpoint_open(const struct jt_cli *cli, struct jt_endpoint *out);
void jt_endpoint_clear(struct jt_endpoint *endpoint);

/* Gives its requests one random Idempotency-Key. JT_EXIT_OK, or JT_EXIT_FAILED after a message. */
int jt_endpoint_name(struct jt_endpoint *endpoint);

/* Whether `url` may carry secrets: https, or http to a loopback address. */
bool jt_endpoint_url_is_safe(const char *url);

void jt_reply_init(struct jt_reply *reply);
void jt_reply_clear(struct jt_reply *reply);

/*
 * A handle for transfers of this endpoint that puts what comes back into `reply`; NULL: out of
 * memory. Free with curl_easy_cleanup.
 */
CURL *jt_endpoint_handle(const struct jt_endpoint *endpoint, struct jt_reply *reply);

/*
 * Prepares the handle's next transfer; `body` may be NULL and must live until the transfer ends.
 * Empties the reply.
 */
bool jt_endpoint_prepare(const struct jt_endpoint *endpoint, CURL *handle, struct jt_reply *reply,
                         const char *method, const char *path, const struct jt_buf *body);

/*
 * Gives the handle's transfers this Idempotency-Key from now on; NULL: none. `*own` is the handle's
 * list of headers, NULL at first: free it with jt_endpoint_unkey, after the handle. False: out of
 * memory.
 */
bool jt_endpoint_key(const struct jt_endpoint *endpoint, CURL *handle, const char *key,
                     struct curl_slist **own);
void jt_endpoint_unkey(struct curl_slist *own);

/* Whether a failed transfer may go better later, as against a certificate that is not trusted. */
bool jt_transfer_may_recover(CURLcode result);

/* Whether the request of a failed transfer may have reached the server. */
bool jt_transfer_may_have_arrived(CURLcode result);

/* After the transfer: fills status and retry_after_s. */
void jt_endpoint_finish(CURL *handle, struct jt_reply *reply);

/*
 * Whether the same request may be answered otherwise a little later: 429, 502, 503 and 504. A
 * problem of Jeton's own with 503 says so by Retry-After, and where it has none, it says that
 * somebody must see to something first.
 */
bool jt_reply_is_passing(const struct jt_reply *reply);

#endif
