/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the door answers by itself: one well-formed response, and the connection ends after it. What
 * it says is the owner's.
 */
#include "http/conn.h"

#include <stdio.h>
#include <time.h>

static struct jt_notice malformed = { .what = "requests with a malformed head were refused" };
static struct jt_notice plain = { .what = "plain HTTP was spoken to a TLS port" };
static struct jt_notice timed_out = { .what = "requests that did not arrive in time were refused" };

static const char *phrase(int status)
{
    switch (status) {
    case 400: return "Bad Request";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Internal Server Error";
    }
}

static void count_refusal(struct jt_conn *c, enum jt_refusal why)
{
    struct jt_door_shared *shared = c->door->shared;
    char peer[JT_PEER_TEXT];
    jt_account_peer(c->address, peer);
    switch (why) {
    case JT_REFUSE_PLAIN:
        atomic_fetch_add(&shared->tls_failures, 1);
        jt_notice(&plain, peer);
        break;
    case JT_REFUSE_BUDGET: /* told where the account is known */
    case JT_REFUSE_MEMORY:
    case JT_REFUSE_BODY_LARGE:
    case JT_REFUSE_BROKEN: break;
    case JT_REFUSE_TIMEOUT:
        atomic_fetch_add(&shared->requests_timed_out, 1);
        jt_notice(&timed_out, peer);
        break;
    default: atomic_fetch_add(&shared->requests_malformed, 1); jt_notice(&malformed, peer);
    }
}

void jt_conn_refuse(struct jt_conn *c, enum jt_refusal why)
{
    count_refusal(c, why);
    if (c->reply_begun) {
        /* half an answer is out: only the end of the connection tells that it is none */
        jt_conn_close(c);
        return;
    }
    jt_conn_forget(c);
    struct jt_http_answer answer = { .status = 0 };
    jt_buf_init(&answer.body, 4096);
    c->door->ops->refuse(c->door->arg, why, &answer);
    jt_buf_u8(&answer.body, '\n'); /* as after every answer */
    char date[40], head[400];
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    /* RFC 9110 section 5.6.7; the locale is C */
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    bool more = answer.name != NULL;
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: close\r\n%s%s%s%s"
                     "X-Request-Id: %s\r\nContent-Type: %s\r\n"
                     "Cache-Control: no-store\r\nContent-Length: %zu\r\n\r\n",
                     answer.status, phrase(answer.status), date, more ? answer.name : "",
                     more ? ": " : "", more ? answer.value : "", more ? "\r\n" : "",
                     answer.request_id, answer.media_type, answer.body.len);
    c->closing = true;
    c->state = JT_CONN_ANSWERING;
    jt_conn_set_deadline(c);
    jt_conn_move(c, &c->door->busy);
    struct iovec parts[] = { { head, (size_t)n },
                             { answer.body.data, c->to_head ? 0 : answer.body.len } };
    if (jt_buf_status(&answer.body) != JT_OK || (size_t)n >= sizeof head) {
        jt_conn_close(c);
    } else if (jt_conn_write(c, parts, 2)) {
        jt_conn_answered(c);
    }
    jt_buf_clear(&answer.body);
}
