/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static X509 *certificate_of(EVP_PKEY *key, const char *name)
{
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);
    assert_int_equal(X509_set_version(x, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 86400));
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                                (const unsigned char *)name, -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(x, subject), 1);
    assert_int_equal(X509_set_pubkey(x, key), 1);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

static void put_files(struct files *f, const char *name, EVP_PKEY *key)
{
    X509 *certificate = certificate_of(key, name);
    (void)unlink(f->certificate);
    (void)unlink(f->key);
    FILE *out = fopen(f->certificate, "we");
    assert_true(out != NULL && PEM_write_X509(out, certificate) == 1 && fclose(out) == 0);
    mode_t old = umask(077);
    out = fopen(f->key, "we");
    umask(old);
    assert_true(out != NULL && PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                fclose(out) == 0);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void files_replace(struct files *f, const char *name)
{
    put_files(f, name, EVP_EC_gen("P-256"));
}

void files_make_with(struct files *f, const char *name, EVP_PKEY *key)
{
    snprintf(f->directory, sizeof f->directory, "/tmp/jeton-tls-test-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->certificate, sizeof f->certificate, "%s/cert.pem", f->directory);
    snprintf(f->key, sizeof f->key, "%s/key.pem", f->directory);
    put_files(f, name, key);
}

void files_make(struct files *f, const char *name)
{
    files_make_with(f, name, EVP_EC_gen("P-256"));
}

void files_remove(struct files *f)
{
    (void)unlink(f->certificate);
    (void)unlink(f->key);
    assert_int_equal(rmdir(f->directory), 0);
}

struct jt_tls_files files_of(const struct files *f, enum jt_tls_clients clients)
{
    return (
        struct jt_tls_files){ .certificate = f->certificate, .key = f->key, .clients = clients };
}

void pair_open(struct pair *p, struct jt_tls_server *server, int max_version, const struct files *f)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fds), 0);
    p->server = jt_tls_session_new(server, p->fds[0]);
    assert_non_null(p->server);
    p->ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(p->ctx, 0); /* so that it offers what the server must refuse */
    assert_int_equal(SSL_CTX_set_max_proto_version(p->ctx, max_version), 1);
    if (f != NULL) {
        assert_int_equal(SSL_CTX_use_certificate_file(p->ctx, f->certificate, SSL_FILETYPE_PEM), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(p->ctx, f->key, SSL_FILETYPE_PEM), 1);
    }
    p->client = SSL_new(p->ctx);
    assert_int_equal(SSL_set_fd(p->client, p->fds[1]), 1);
    SSL_set_connect_state(p->client);
}

int pair_shake(struct pair *p)
{
    char room[JT_TLS_RECORD_MAX];
    for (int i = 0; i < 100; i++) {
        (void)SSL_do_handshake(p->client);
        ssize_t n = jt_tls_read(p->server, room, sizeof room);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            return n == 0 ? ECONNRESET : errno;
        }
        if (jt_tls_established(p->server) && SSL_is_init_finished(p->client)) {
            return 0;
        }
    }
    return EAGAIN;
}

void pair_close(struct pair *p)
{
    SSL_free(p->client);
    SSL_CTX_free(p->ctx);
    jt_tls_session_free(p->server);
    close(p->fds[0]);
    close(p->fds[1]);
    ERR_clear_error();
}

void pair_name(const struct pair *p, char out[64])
{
    X509 *shown = SSL_get0_peer_certificate(p->client);
    assert_non_null(shown);
    assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, out, 64) >
                0);
}
