/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as text: base32, hexadecimal, base64, tokens, API keys. Every input is taken as bytes and
 * as text. Bytes come back from their text. Text that was taken is the one text of its bytes
 * (hexadecimal: but for the case of its letters); what was refused leaves zeros. A text that ends
 * early is not read beyond its end.
 */
#include "fuzz.h"

#include "base/base32.h"
#include "base/base64.h"
#include "base/hex.h"
#include "pan/token.h"
#include "vault/credential.h"

#include <strings.h>

#define MAX_LEN 1024

static void bytes_as_base32(const uint8_t *bytes, size_t len)
{
    char text[JT_BASE32_LEN(MAX_LEN) + 1];
    uint8_t back[MAX_LEN];
    jt_base32_encode(bytes, len, text);
    MUST(strlen(text) == JT_BASE32_LEN(len));
    MUST(jt_base32_decode(text, len, back) == JT_OK && fuzz_same(back, len, bytes, len));
    if (len > 0) {
        char *short_text = fuzz_copy(text, strlen(text));
        short_text[strlen(text) - 1] = '\0'; /* nothing behind it may be touched */
        MUST(jt_base32_decode(short_text, len, back) == JT_ERR_INVALID && fuzz_zero(back, len));
        free(short_text);
    }
}

static void text_as_base32(const char *text, size_t text_len)
{
    size_t len = text_len * 5 / 8; /* the most bytes of which so many characters may be the text */
    char again[JT_BASE32_LEN(MAX_LEN) + 1];
    uint8_t *bytes = fuzz_copy(text, len);
    if (JT_BASE32_LEN(len) == text_len) {
        if (jt_base32_decode(text, len, bytes) == JT_OK) {
            jt_base32_encode(bytes, len, again);
            MUST(fuzz_same(again, strlen(again), text, text_len));
        } else {
            MUST(fuzz_zero(bytes, len));
        }
    }
    free(bytes);
}

static void bytes_as_hex(const uint8_t *bytes, size_t len)
{
    char text[2 * MAX_LEN + 1];
    uint8_t back[MAX_LEN];
    jt_hex_encode(bytes, len, text);
    MUST(strlen(text) == 2 * len);
    MUST(jt_hex_decode(text, len, back) == JT_OK && fuzz_same(back, len, bytes, len));
}

static void text_as_hex(const char *text, size_t text_len)
{
    size_t len = text_len / 2;
    char again[MAX_LEN + 1];
    uint8_t *bytes = fuzz_copy(text, len);
    if (jt_hex_decode(text, len, bytes) == JT_OK) {
        jt_hex_encode(bytes, len, again);
        MUST(strncasecmp(again, text, 2 * len) == 0);
    } else {
        MUST(fuzz_zero(bytes, len));
    }
    free(bytes);
}

/* There is no decoder in the product: this one is written from RFC 4648 section 4. */
static void bytes_as_base64(const uint8_t *bytes, size_t len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[JT_BASE64_LEN(MAX_LEN) + 1];
    jt_base64_encode(bytes, len, text);
    MUST(strlen(text) == JT_BASE64_LEN(len));
    size_t n_pad = (3 - len % 3) % 3, at = 0;
    for (size_t i = 0; i < strlen(text); i += 4) {
        uint32_t v = 0;
        for (size_t j = 0; j < 4; j++) {
            bool pad = i + j >= strlen(text) - n_pad;
            const char *digit = strchr(alphabet, text[i + j]);
            MUST(pad ? text[i + j] == '=' : digit != NULL);
            v = v << 6 | (pad ? 0 : (uint32_t)(digit - alphabet));
        }
        for (int shift = 16; shift >= 0; shift -= 8, at++) {
            MUST((uint8_t)(v >> shift) == (at < len ? bytes[at] : 0));
        }
    }
}

static void as_token(const char *text, size_t len)
{
    uint8_t token[JT_TOKEN_LEN];
    char again[JT_TOKEN_TEXT_LEN + 1];
    memset(token, 0xff, sizeof token);
    if (jt_token_parse(text, len, token) == JT_OK) {
        jt_token_format(token, again);
        MUST(fuzz_same(again, strlen(again), text, len));
    } else {
        MUST(fuzz_zero(token, sizeof token));
    }
    if (len >= JT_TOKEN_LEN) {
        uint8_t back[JT_TOKEN_LEN];
        jt_token_format((const uint8_t *)text, again);
        MUST(jt_token_parse(again, strlen(again), back) == JT_OK);
        MUST(memcmp(back, text, sizeof back) == 0);
    }
}

static void as_credential(const char *text, size_t len)
{
    struct jt_credential credential;
    char again[JT_API_KEY_MAX + 1];
    char *line = malloc(len + 1);
    MUST(line != NULL);
    memcpy(line, text, len);
    line[len] = '\0';
    if (jt_credential_parse(line, &credential) == JT_OK) {
        MUST(jt_client_id_valid(credential.id));
        jt_credential_format(&credential, again);
        MUST(strcmp(again, line) == 0);
    } else {
        MUST(fuzz_zero(&credential, sizeof credential));
    }
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len > MAX_LEN) {
        return -1;
    }
    char *text = fuzz_copy(data, len);
    bytes_as_base32(data, len);
    bytes_as_hex(data, len);
    bytes_as_base64(data, len);
    text_as_base32(text, len);
    text_as_hex(text, len);
    as_token(text, len);
    as_credential(text, len);
    free(text);
    return 0;
}
