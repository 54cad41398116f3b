/* SPDX-License-Identifier: Apache-2.0 */
#include "api/login.h"

#include "api/api.h"
#include "api/budget.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/notice.h"
#include "base/secmem.h"
#include "vault/lockout.h"

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

/* Answers 401; `cause` is for the audit trail and the log alone. */
static void refuse(struct jt_request *r, struct jt_notice *notice, const char *cause, bool known)
{
    char source[JT_NETWORK_TEXT_MAX + 1], line[sizeof source + JT_REQUEST_ID_TEXT + 16];
    jt_source_address(&r->source, source);
    atomic_fetch_add(&r->api->doors->logins_refused, 1);
    (void)snprintf(line, sizeof line, "%s, request %s", source, r->http.answer.request_id);
    jt_notice(notice, line);
    jt_request_note_login(r, JT_PROBLEM_UNAUTHORIZED, cause, known);
    jt_request_answer_problem(r, JT_PROBLEM_UNAUTHORIZED);
}

void jt_login_refuse(struct jt_request *r)
{
    static struct jt_notice refused = { .what = "logins were refused" };
    refuse(r, &refused, jt_problem_name(JT_PROBLEM_UNAUTHORIZED), false);
}

/* Answers that the client is kept out for so long still; counted like any refusal. */
static void refuse_locked(struct jt_request *r, int64_t left_ms)
{
    atomic_fetch_add(&r->api->doors->logins_refused, 1);
    jt_request_note_login(r, JT_PROBLEM_LOCKED_OUT, jt_problem_name(JT_PROBLEM_LOCKED_OUT), false);
    jt_request_answer_problem(r, JT_PROBLEM_LOCKED_OUT);
    jt_request_retry_after(r, (left_ms + 999) / 1000);
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

/*
 * Whether the client is kept out from there, and the request answered. It is asked before a keeper
 * is, and again when a keeper has answered: of many keys that are tried at one time, no more than
 * ten tell anything.
 */
static bool is_locked_out(struct jt_request *r)
{
    int64_t left_ms =
        jt_lockout_left_ms(r->api->vault->lockout, r->credential.id, &r->source, jt_clock_ms());
    if (left_ms > 0) {
        refuse_locked(r, left_ms);
    }
    return left_ms > 0;
}

/*
 * A key that was none of its client's, or came without the client's certificate. To who sends it
 * both are the same, the lock-out included, so that a stolen key is not told from a made-up one.
 */
static void refuse_key(struct jt_request *r, enum jt_err err)
{
    static struct jt_notice uncertified = {
        .what = "good keys came without the certificate that their client must show"
    };
    jt_lockout_failed(r->api->vault->lockout, r->credential.id, &r->source, jt_clock_ms());
    if (err == JT_ERR_NO_CERTIFICATE) {
        atomic_fetch_add(&r->api->doors->logins_without_certificate, 1);
        refuse(r, &uncertified, "client-certificate", true);
    } else {
        jt_login_refuse(r);
    }
}

/* A good key of a client that may come from here, and so; what it may in the field of the path. */
static enum jt_err take_access(struct jt_request *r, const struct jt_access *access)
{
    if (!jt_access_is_from(access, &r->source)) {
        return JT_ERR_BAD_CREDENTIAL; /* as if the key were wrong: it may be stolen */
    }
    if (!jt_access_is_with(access, jt_exchange_certificate(&r->http))) {
        return JT_ERR_NO_CERTIFICATE;
    }
    r->may = jt_may_in(&access->may, r->params.field);
    r->bounded = jt_access_bounded(access);
    return JT_OK;
}

static void on_client(void *arg, enum jt_err err, const struct jt_access *access)
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
    if (err == JT_OK) {
        err = take_access(r, access);
    }
    bool refused = err == JT_ERR_BAD_CREDENTIAL || err == JT_ERR_NO_CERTIFICATE;
    if ((err == JT_OK || refused) && is_locked_out(r)) {
        /* it is answered */
    } else if (refused) {
        refuse_key(r, err);
    } else if (err != JT_OK || api->closed) {
        jt_request_answer_err(r, api->closed ? JT_ERR_STOPPING : err);
    } else if ((r->may & r->route->permission) == 0) {
        jt_request_note_refusal(r, r->credential.id, JT_PROBLEM_FORBIDDEN);
        jt_request_answer_problem(r, JT_PROBLEM_FORBIDDEN);
    } else {
        memcpy(r->client, r->credential.id, sizeof r->client);
        jt_budget_find(r, access);
    }
    jt_exchange_admit(&r->http, r->client[0] == '\0' ? NULL : r->client);
    if (later) {
        ask_next(logins);
    }
}

void jt_login_ask(struct jt_request *r)
{
    struct jt_logins *logins = &r->api->logins;
    if (is_locked_out(r)) {
        jt_exchange_admit(&r->http, NULL);
        return;
    }
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
