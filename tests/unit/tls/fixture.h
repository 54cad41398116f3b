/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made on the spot, and a client that is OpenSSL's own. */
#ifndef JETON_TESTS_UNIT_TLS_FIXTURE_H
#define JETON_TESTS_UNIT_TLS_FIXTURE_H

#include "tls/server.h"
#include "tls/session.h"

#include <openssl/ssl.h>

struct files {
    char directory[40], certificate[60], key[60];
};

/* A fresh directory with a certificate of `name` and its key. */
void files_make(struct files *f, const char *name);
/* The same with that key, which becomes its own. */
void files_make_with(struct files *f, const char *name, EVP_PKEY *key);
/* Another certificate and key in the same files. */
void files_replace(struct files *f, const char *name);
void files_remove(struct files *f);

struct jt_tls_files files_of(const struct files *f, enum jt_tls_clients clients);

/* Both ends of a connection, in one thread. */
struct pair {
    int fds[2]; /* 0: the server's */
    struct jt_tls_session *server;
    SSL_CTX *ctx;
    SSL *client;
};

/* Nothing is sent yet. `max_version`: the client's, or 0. With `f`, it shows that certificate. */
void pair_open(struct pair *p, struct jt_tls_server *server, int max_version,
               const struct files *f);
/* Both ends step until the handshake has ended; the server's last errno, 0: it is done. */
int pair_shake(struct pair *p);
void pair_close(struct pair *p);

/* The name in the certificate that the client was shown. */
void pair_name(const struct pair *p, char out[64]);

#endif
