/* SPDX-License-Identifier: Apache-2.0 */
#include "pan/token.h"

#include "base/base32.h"

#include <string.h>

#define PREFIX     "jtk_"
#define PREFIX_LEN (sizeof PREFIX - 1)

_Static_assert(PREFIX_LEN + JT_BASE32_LEN(JT_TOKEN_LEN) == JT_TOKEN_TEXT_LEN,
               "length of a token's text");

void jt_token_format(const uint8_t token[static JT_TOKEN_LEN],
                     char out[static JT_TOKEN_TEXT_LEN + 1])
{
    memcpy(out, PREFIX, PREFIX_LEN);
    jt_base32_encode(token, JT_TOKEN_LEN, out + PREFIX_LEN);
}

enum jt_err jt_token_parse(const char *text, size_t len, uint8_t out[static JT_TOKEN_LEN])
{
    if (len != JT_TOKEN_TEXT_LEN || memcmp(text, PREFIX, PREFIX_LEN) != 0) {
        memset(out, 0, JT_TOKEN_LEN);
        return JT_ERR_INVALID;
    }
    return jt_base32_decode(text + PREFIX_LEN, JT_TOKEN_LEN, out);
}
