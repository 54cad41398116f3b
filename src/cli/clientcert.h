/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's certificate as an operator names it, by its digest or by a PEM file that holds it, and
 * as the API wants it: SHA-256 of the DER in lower-case hexadecimal digits.
 */
#ifndef JETON_CLI_CLIENTCERT_H
#define JETON_CLI_CLIENTCERT_H

#include "base/err.h"
#include "model/client_terms.h"

#define JT_CLIENTCERT_TEXT (JT_CERT_DIGEST_LEN * 2 + 1)

/*
 * `word`: 64 hexadecimal digits of either case, with or without colons between the bytes as
 * `openssl x509 -fingerprint` writes them; else the name of a file. JT_ERR_NO_FILE, JT_ERR_IO,
 * JT_ERR_LIMIT; JT_ERR_INVALID: there is no certificate in it. Of several the first one counts,
 * which is the client's own; whether it is well-formed is not looked at.
 */
enum jt_err jt_clientcert_digest(const char *word, char out[static JT_CLIENTCERT_TEXT]) JT_CHECKED;

#endif
