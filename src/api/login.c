/* SPDX-License-Identifier: Apache-2.0 */
#include "api/login.h"

#include "api/api.h"
#include "api/request.h"
#include "base/notice.h"
#include "base/secmem.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum jt_err jt_login_read(struct jt_slice authorization, struct jt_credential *out)
{
    static const char scheme[] = "Bearer ";
    char text[JT_API_KEY_MAX + 1];
    size_t skip = sizeof scheme - 1;
    /* RFC 9110 section 11.4: one space or more */
    while (skip < authorization.len && authorization.p[skip] == ' ') {
        skip++;
    }
    if (authorization.p == NULL || authorization.len < skip ||
        authorization.len - skip >= sizeof text ||
        strncasecmp(authorization.p, scheme, sizeof scheme - 1) != 0) {
        return JT_ERR_BAD_CREDENTIAL;
    }
    memcpy(text, authorization.p + skip, authorization.len - skip);
    text[authorization.len - skip] = '\0';
    enum jt_err err = jt_credential_parse(text, out);
    jt_wipe(text, sizeof text);
    return err;
}

void jt_login_refuse(struct jt_request *r)
{
    static struct jt_notice refused = { .what = "logins were refused" };
    char peer[JT_PEER_TEXT], line[JT_PEER_TEXT + JT_REQUEST_ID_TEXT + 16];
    jt_exchange_peer(&r->http, peer);
    atomic_fetch_add(&r->api->doors->logins_refused, 1);
    (void)snprintf(line, sizeof line, "%s, request %s", peer, r->http.answer.request_id);
    jt_notice(&refused, line);
    jt_request_note_refusal(r, JT_AUDIT_LOGIN_REFUSED, r->credential.id, JT_PROBLEM_UNAUTHORIZED);
    jt_request_answer_problem(r, JT_PROBLEM_UNAUTHORIZED);
}

static void ask_next(struct jt_logins *logins);

/*
 * Strangers can ask for more look-ups of made-up keys than the workers take at a time. Whoever
 * comes then waits for a turn instead of being told that the service is away, so that they slow
 * each other down and do not turn away a client whose key is good.
 */
static void wait_to_ask(struct jt_request *r)
{
    struct jt_logins *logins = &r->api->logins;
    logins->put_off = true;
    r->next = NULL;
    *(logins->unasked == NULL ? &logins->unasked : &logins->unasked_last->next) = r;
    logins->unasked_last = r;
}

static void on_client(void *arg, enum jt_err err, uint32_t permissions)
{
    struct jt_request *r = arg;
    struct jt_api *api = r->api; /* which outlives the request */
    struct jt_logins *logins = &api->logins;
    bool later = !logins->asking;
    logins->n_asked--;
    if (err == JT_ERR_BUSY && !later && logins->n_asked > 0 && !api->closed) {
        wait_to_ask(r);
        return;
    }
    if (err == JT_ERR_BAD_CREDENTIAL) {
        jt_login_refuse(r);
    } else if (err != JT_OK || api->closed) {
        jt_request_answer_err(r, api->closed ? JT_ERR_STOPPING : err);
    } else if ((permissions & r->route->permission) == 0) {
        jt_request_note_refusal(r, JT_AUDIT_REFUSED, r->credential.id, JT_PROBLEM_FORBIDDEN);
        jt_request_answer_problem(r, JT_PROBLEM_FORBIDDEN);
    } else {
        memcpy(r->client, r->credential.id, sizeof r->client);
    }
    jt_exchange_admit(&r->http, r->client[0] == '\0' ? NULL : r->client);
    if (later) {
        ask_next(logins);
    }
}

void jt_login_ask(struct jt_request *r)
{
    struct jt_logins *logins = &r->api->logins;
    logins->n_asked++;
    logins->asking = true;
    logins->put_off = false;
    jt_directory_client(r->api->lanes->directory, &r->credential, on_client, r);
    logins->asking = false;
}

/*
 * After a look-up has ended: the next ones, until one is under way. While any waits, at least one
 * is.
 */
static void ask_next(struct jt_logins *logins)
{
    size_t n_asked = logins->n_asked;
    logins->put_off = false;
    while (logins->unasked != NULL && logins->n_asked == n_asked && !logins->put_off) {
        struct jt_request *r = logins->unasked;
        logins->unasked = r->next;
        if (r->http.charge.conn == NULL) {
            jt_request_free(r); /* the client is gone */
        } else {
            jt_login_ask(r);
        }
    }
}
