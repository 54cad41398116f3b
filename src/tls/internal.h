/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/tls. */
#ifndef JETON_TLS_INTERNAL_H
#define JETON_TLS_INTERNAL_H

#include "tls/server.h"

#include <openssl/ssl.h>

/* A connection under what is served now; NULL: out of memory. Any thread. */
SSL *jt_tls_server_accept(struct jt_tls_server *server);

#endif
