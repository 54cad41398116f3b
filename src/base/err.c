/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

const char *jt_err_str(enum jt_err err)
{
    switch (err) {
    case JT_OK: return "success";
    case JT_ERR_NOMEM: return "out of memory";
    case JT_ERR_INVALID: return "malformed input";
    case JT_ERR_LIMIT: return "limit exceeded";
    case JT_ERR_NOT_FOUND: return "not found";
    case JT_ERR_CONFLICT: return "conflict with the present state";
    case JT_ERR_DENIED: return "denied";
    case JT_ERR_DECRYPT: return "cannot be decrypted";
    case JT_ERR_STALE: return "key state has moved on";
    case JT_ERR_UNAVAILABLE: return "unavailable";
    case JT_ERR_IO: return "system call failed";
    case JT_ERR_CRYPTO: return "cryptographic library failed";
    case JT_ERR_PROTOCOL: return "peer broke the protocol";
    }
    return "unknown error";
}
