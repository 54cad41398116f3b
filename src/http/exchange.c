/* SPDX-License-Identifier: Apache-2.0 */
#include "http/exchange.h"

#include "base/secmem.h"
#include "http/conn.h"
#include "http/server.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWER_MAX (64u << 20)

void jt_exchange_open(struct jt_exchange *x, struct jt_conn *conn, size_t max_body)
{
    jt_charge_open(&x->charge, conn, max_body);
    x->server = jt_server_of(x->charge.door);
    x->certified = conn->stream.kind->peer(&conn->stream, &x->peer);
    jt_buf_init(&x->body, max_body);
    jt_buf_init(&x->answer.body, ANSWER_MAX);
}

void jt_exchange_clear(struct jt_exchange *x)
{
    jt_charge_release(&x->charge);
    jt_buf_clear(&x->body);
    jt_buf_clear(&x->answer.body);
}

void jt_exchange_admit(struct jt_exchange *x, const char *client)
{
    bool early = x->answer.status != 0;
    x->admitted = true;
    if (x->charge.conn == NULL) {
        x->server->ops->free(x);
    } else if (early) {
        jt_door_give_up_body(&x->charge);
        jt_server_answered(x->server, x);
    } else {
        jt_door_take_body(&x->charge, client);
    }
}

void jt_exchange_answered(struct jt_exchange *x)
{
    if (x->admitted) {
        jt_server_answered(x->server, x);
    }
}

struct jt_slice jt_exchange_address(const struct jt_exchange *x)
{
    const struct jt_account *address = x->charge.address;
    return (struct jt_slice){ address->name, address->name_len };
}

const uint8_t *jt_exchange_certificate(const struct jt_exchange *x)
{
    int64_t now_s = (int64_t)time(NULL);
    bool good = x->certified && x->peer.from_s <= now_s && now_s <= x->peer.until_s;
    return good ? x->peer.digest : NULL;
}

static void add_fields(const struct jt_http_answer *answer, struct MHD_Response *response)
{
    if (answer->media_type != NULL) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->media_type);
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
                            answer->cache_control == NULL ? "no-store" : answer->cache_control);
    if (answer->request_id[0] != '\0') {
        MHD_add_response_header(response, "X-Request-Id", answer->request_id);
    }
    if (answer->name != NULL) {
        MHD_add_response_header(response, answer->name, answer->value);
    }
    for (size_t i = 0; i < answer->n_more; i++) {
        MHD_add_response_header(response, answer->more[i].name, answer->more[i].value);
    }
}

bool jt_exchange_send(struct jt_exchange *x, struct MHD_Connection *connection)
{
    /*
     * Copied: the response may outlive the exchange. Both copies are wiped, this one when
     * libmicrohttpd frees it.
     */
    const struct jt_http_answer *answer = &x->answer;
    size_t len = answer->media_type == NULL ? 0 : answer->body.len + 1;
    char *copy = malloc(len + 1);
    if (copy == NULL) {
        return false;
    }
    if (len > 0) {
        memcpy(copy, answer->body.data, len - 1);
        copy[len - 1] = '\n'; /* for people with curl */
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback(len, copy, jt_wipe_free);
    if (response == NULL) {
        jt_wipe_free(copy);
        return false;
    }
    add_fields(answer, response);
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return result == MHD_YES;
}
