/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process shows to clients that speak TLS: a certificate with its chain, and the private
 * key. They come from two PEM files and are taken up again when the files change; connections keep
 * what they began with.
 *
 * TLS 1.2 with forward secrecy and authenticated encryption, or TLS 1.3 (RFC 8446). No compression
 * and no renegotiation. Sessions are resumed by tickets whose keys live in this process's memory
 * and are made anew with each certificate.
 *
 * The one folder beside src/crypto that knows OpenSSL: the protocol is here, the ciphers of stored
 * data are there.
 */
#ifndef JETON_TLS_SERVER_H
#define JETON_TLS_SERVER_H

#include "base/fault.h"

#include <stdbool.h>
#include <stdint.h>

struct jt_tls_server;

/*
 * Whether clients are asked for a certificate of their own. That its key is theirs is proven in the
 * handshake (RFC 8446 section 4.4.3); what it opens is decided by its digest, later on.
 */
enum jt_tls_clients {
    JT_TLS_CLIENTS_UNASKED,
    JT_TLS_CLIENTS_ASKED,    /* and may have none */
    JT_TLS_CLIENTS_REQUIRED, /* without one there is no connection */
};

struct jt_tls_files {
    const char *certificate; /* PEM, the server's own first, then its chain */
    const char *key;         /* PEM, without passphrase, not readable by others */
    enum jt_tls_clients clients;
    const char *client_ca; /* PEM; a client's certificate must lead there; NULL: any is taken */
};

/*
 * Reads the files, whose names must live as long. JT_ERR_NO_FILE, JT_ERR_FILE_UNSAFE,
 * JT_ERR_TLS_FILES (what they hold cannot be used), JT_ERR_NOMEM; the fault names the file.
 */
enum jt_err jt_tls_server_new(const struct jt_tls_files *files, struct jt_fault *fault,
                              struct jt_tls_server **out) JT_CHECKED;
/* After all sessions. NULL is accepted. */
void jt_tls_server_free(struct jt_tls_server *server);

/*
 * Reads the files again if they are other ones than at the last try (or always, if `anyway`).
 * *changed says whether new ones are served from now on. On failure what was served still is. Any
 * thread.
 */
enum jt_err jt_tls_server_reload(struct jt_tls_server *server, bool anyway, bool *changed,
                                 struct jt_fault *fault) JT_CHECKED;

/* When the certificate that is served ends, in seconds since 1970. Any thread. */
int64_t jt_tls_server_expires(struct jt_tls_server *server);

#endif
