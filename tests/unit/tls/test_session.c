/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS connection over a non-blocking socket: every byte once, whatever the socket takes. */
#include "fixture.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_LEN 300000

static struct files files;
static struct jt_tls_server *server;
static struct pair p;
static char sent[LONG_LEN], got[LONG_LEN + JT_TLS_RECORD_MAX];

static void open_server(enum jt_tls_clients clients, const char *ca)
{
    struct jt_fault fault = { .err = JT_OK };
    struct jt_tls_files paths = files_of(&files, clients);
    paths.client_ca = ca;
    assert_int_equal(jt_tls_server_new(&paths, &fault, &server), JT_OK);
}

static void open_another_server(enum jt_tls_clients clients, const char *ca)
{
    jt_tls_server_free(server);
    open_server(clients, ca);
}

static int set_up(void **state)
{
    (void)state;
    files_make(&files, "server");
    open_server(JT_TLS_CLIENTS_UNASKED, NULL);
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (char)(i * 31 + i / 251);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    jt_tls_server_free(server);
    files_remove(&files);
    return 0;
}

static void what_the_client_sends_comes_whole(void **state)
{
    (void)state;
    size_t n_sent = 0, n_got = 0;
    pair_open(&p, server, 0, NULL);
    assert_int_equal(pair_shake(&p), 0);
    while (n_got < LONG_LEN) {
        int n = SSL_write(p.client, sent + n_sent,
                          (int)(LONG_LEN - n_sent > 50000 ? 50000 : LONG_LEN - n_sent));
        n_sent += n > 0 ? (size_t)n : 0;
        ERR_clear_error();
        ssize_t m;
        while ((m = jt_tls_read(p.server, got + n_got, sizeof got - n_got)) > 0) {
            n_got += (size_t)m;
            if (n_got == LONG_LEN) {
                break;
            }
        }
        assert_true(m > 0 || errno == EAGAIN);
    }
    assert_memory_equal(sent, got, LONG_LEN);
    pair_close(&p);
}

/* As a connection does it: what is not taken is kept, and offered as one piece. */
static void what_is_written_in_parts_comes_whole(void **state)
{
    (void)state;
    size_t done = 0, n_got = 0;
    pair_open(&p, server, 0, NULL);
    assert_int_equal(pair_shake(&p), 0);
    int small = 4096;
    assert_int_equal(setsockopt(p.fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    struct iovec parts[] = {
        { sent, 10 }, { sent + 10, 0 }, { sent + 10, 7000 }, { sent + 7010, LONG_LEN - 7010 }
    };
    int n_parts = 4, n_blocked = 0;
    while (n_got < LONG_LEN) {
        ssize_t n = done < LONG_LEN ? jt_tls_write(p.server, parts, n_parts) : 0;
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            n_blocked++;
        }
        done += n > 0 ? (size_t)n : 0;
        parts[0] = (struct iovec){ sent + done, LONG_LEN - done };
        n_parts = 1;
        int m = SSL_read(p.client, got + n_got, (int)(sizeof got - n_got));
        n_got += m > 0 ? (size_t)m : 0;
        ERR_clear_error();
    }
    assert_true(n_blocked > 0);
    assert_memory_equal(sent, got, LONG_LEN);
    pair_close(&p);
}

static void an_end_is_an_end(void **state)
{
    (void)state;
    char room[JT_TLS_RECORD_MAX];
    pair_open(&p, server, 0, NULL);
    assert_int_equal(pair_shake(&p), 0);
    jt_tls_end(p.server);
    assert_int_equal(SSL_read(p.client, room, sizeof room), 0);
    assert_int_equal(SSL_get_shutdown(p.client) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    assert_int_equal(jt_tls_write(p.server, &(struct iovec){ room, 1 }, 1), -1);
    assert_int_equal(errno, EPROTO);
    pair_close(&p);
    pair_open(&p, server, 0, NULL);
    assert_int_equal(pair_shake(&p), 0);
    (void)SSL_shutdown(p.client);
    assert_int_equal(jt_tls_read(p.server, room, sizeof room), 0);
    pair_close(&p);
}

static void versions_before_1_2_are_refused(void **state)
{
    (void)state;
    static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION };
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        pair_open(&p, server, versions[i], NULL);
        assert_int_equal(pair_shake(&p), i < 2 ? EPROTO : 0);
        if (i >= 2) {
            assert_int_equal(SSL_version(p.client), versions[i]);
        } else {
            char why[JT_TLS_REASON_TEXT];
            jt_tls_reason(p.server, why);
            assert_string_equal(why, "unsupported protocol");
        }
        pair_close(&p);
    }
}

static void another_protocol_than_http_1_is_refused(void **state)
{
    (void)state;
    static const unsigned char only_2[] = "\x02h2", both[] = "\x02h2\x08http/1.1";
    pair_open(&p, server, 0, NULL);
    assert_int_equal(SSL_set_alpn_protos(p.client, only_2, sizeof only_2 - 1), 0);
    assert_int_equal(pair_shake(&p), EPROTO);
    pair_close(&p);
    pair_open(&p, server, 0, NULL);
    assert_int_equal(SSL_set_alpn_protos(p.client, both, sizeof both - 1), 0);
    assert_int_equal(pair_shake(&p), 0);
    const unsigned char *chosen;
    unsigned len;
    SSL_get0_alpn_selected(p.client, &chosen, &len);
    assert_int_equal(len, 8);
    assert_memory_equal(chosen, "http/1.1", 8);
    pair_close(&p);
}

static void plain_http_is_known_as_that_and_garbage_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int why;
    } all[] = { { "GET / HTTP/1.1\r\n\r\n", ENOMSG },
                { "POST /v1 HTTP/1.1\r\n\r\n", ENOMSG },
                { "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b", EPROTO } };
    char room[JT_TLS_RECORD_MAX];
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        pair_open(&p, server, 0, NULL);
        assert_true(write(p.fds[1], all[i].text, strlen(all[i].text)) > 0);
        assert_int_equal(jt_tls_read(p.server, room, sizeof room), -1);
        assert_int_equal(errno, all[i].why);
        ssize_t n = recv(p.fds[1], room, sizeof room, 0);
        assert_true(all[i].why == EPROTO || n < 0); /* no alert, which would not be HTTP */
        assert_int_equal(jt_tls_read(p.server, room, sizeof room), -1);
        assert_int_equal(errno, EPROTO);
        pair_close(&p);
    }
}

/* The digest that a connection of who has `own` (NULL: none) is known by; false: by none. */
static bool known_by(const struct files *own, uint8_t out[static JT_TLS_DIGEST_LEN])
{
    uint8_t expected[EVP_MAX_MD_SIZE];
    unsigned len;
    pair_open(&p, server, 0, own);
    assert_null(jt_tls_peer(p.server)); /* nothing is proven yet */
    assert_int_equal(pair_shake(&p), 0);
    const struct jt_tls_peer *peer = jt_tls_peer(p.server);
    if (peer != NULL) {
        assert_int_equal(X509_digest(SSL_get_certificate(p.client), EVP_sha256(), expected, &len),
                         1);
        assert_memory_equal(peer->digest, expected, sizeof peer->digest);
        assert_int_equal(peer->until_s - peer->from_s, 86400 + 60);
        assert_ptr_equal(jt_tls_peer(p.server), peer);
        memcpy(out, peer->digest, sizeof peer->digest);
    }
    pair_close(&p);
    return peer != NULL;
}

static void a_client_is_known_by_the_digest_of_its_certificate(void **state)
{
    (void)state;
    struct files own, other;
    uint8_t digest[JT_TLS_DIGEST_LEN], another[JT_TLS_DIGEST_LEN];
    files_make(&own, "client");
    files_make(&other, "client");         /* the same name */
    assert_false(known_by(&own, digest)); /* it was not asked */
    open_another_server(JT_TLS_CLIENTS_ASKED, NULL);
    assert_false(known_by(NULL, digest)); /* it has none, and may still speak */
    assert_true(known_by(&own, digest));
    assert_true(known_by(&other, another));
    assert_memory_not_equal(digest, another, sizeof digest);
    files_remove(&own);
    files_remove(&other);
}

static void who_must_have_a_certificate_does_not_get_in_without(void **state)
{
    (void)state;
    struct files own;
    uint8_t digest[JT_TLS_DIGEST_LEN];
    files_make(&own, "client");
    open_another_server(JT_TLS_CLIENTS_REQUIRED, NULL);
    pair_open(&p, server, 0, NULL);
    assert_int_equal(pair_shake(&p), EPROTO);
    assert_null(jt_tls_peer(p.server));
    pair_close(&p);
    assert_true(known_by(&own, digest));
    files_remove(&own);
}

static void where_an_authority_is_named_others_certificates_are_refused(void **state)
{
    (void)state;
    struct files trusted, stranger;
    uint8_t digest[JT_TLS_DIGEST_LEN];
    files_make(&trusted, "trusted");
    files_make(&stranger, "trusted");
    open_another_server(JT_TLS_CLIENTS_ASKED, trusted.certificate);
    assert_true(known_by(&trusted, digest));
    assert_false(known_by(NULL, digest));
    pair_open(&p, server, 0, &stranger);
    assert_int_equal(pair_shake(&p), EPROTO);
    assert_null(jt_tls_peer(p.server));
    pair_close(&p);
    struct jt_tls_files paths = files_of(&files, JT_TLS_CLIENTS_ASKED);
    struct jt_fault fault = { .err = JT_OK };
    struct jt_tls_server *none = NULL;
    paths.client_ca = trusted.key; /* no certificate is in it */
    assert_int_equal(jt_tls_server_new(&paths, &fault, &none), JT_ERR_TLS_FILES);
    files_remove(&trusted);
    files_remove(&stranger);
}

/* Of a key that can be computed from its certificate no possession is proven. */
static void a_certificate_with_a_weak_key_is_none(void **state)
{
    (void)state;
    struct files own;
    uint8_t digest[JT_TLS_DIGEST_LEN];
    files_make_with(&own, "weak", EVP_RSA_gen(1024));
    open_another_server(JT_TLS_CLIENTS_ASKED, NULL);
    assert_false(known_by(&own, digest));
    files_remove(&own);
}

static SSL_SESSION *ticket;

static int keep_ticket(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(ticket);
    ticket = session;
    return 1;
}

/* What a ticket brings back is who was there when it was given, not who could show a certificate.
 */
static void a_resumed_connection_is_known_as_before(void **state)
{
    (void)state;
    struct files own;
    char byte = 'x';
    struct iovec part = { &byte, 1 };
    files_make(&own, "client");
    open_another_server(JT_TLS_CLIENTS_ASKED, NULL);
    for (int with = 0; with < 2; with++) {
        pair_open(&p, server, 0, with ? &own : NULL);
        (void)SSL_CTX_set_session_cache_mode(p.ctx,
                                             SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(p.ctx, keep_ticket);
        assert_int_equal(pair_shake(&p), 0);
        assert_int_equal(jt_tls_write(p.server, &part, 1), 1);
        assert_int_equal(SSL_read(p.client, &byte, 1), 1); /* and the ticket before it */
        assert_non_null(ticket);
        assert_int_equal(SSL_shutdown(p.client), 0); /* else OpenSSL takes the ticket for bad */
        pair_close(&p);
        pair_open(&p, server, 0, with ? NULL : &own);
        assert_int_equal(SSL_set_session(p.client, ticket), 1);
        assert_int_equal(pair_shake(&p), 0);
        assert_true(SSL_session_reused(p.client));
        assert_true((jt_tls_peer(p.server) != NULL) == (with == 1));
        pair_close(&p);
    }
    SSL_SESSION_free(ticket);
    ticket = NULL;
    files_remove(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_client_sends_comes_whole),
        cmocka_unit_test(what_is_written_in_parts_comes_whole),
        cmocka_unit_test(an_end_is_an_end),
        cmocka_unit_test(versions_before_1_2_are_refused),
        cmocka_unit_test(another_protocol_than_http_1_is_refused),
        cmocka_unit_test(plain_http_is_known_as_that_and_garbage_is_not),
        cmocka_unit_test(a_client_is_known_by_the_digest_of_its_certificate),
        cmocka_unit_test(who_must_have_a_certificate_does_not_get_in_without),
        cmocka_unit_test(where_an_authority_is_named_others_certificates_are_refused),
        cmocka_unit_test(a_certificate_with_a_weak_key_is_none),
        cmocka_unit_test(a_resumed_connection_is_known_as_before),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
