/* SPDX-License-Identifier: Apache-2.0 */
#include "model/network.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define PLACE_BITS 64 /* of an IPv6 address */

size_t jt_network_address_len(uint8_t family)
{
    return family == JT_IPV4 ? 4 : family == JT_IPV6 ? 16 : 0;
}

/* Whether the address has only zeroes from bit `bits` on. */
static bool ends_at(const uint8_t *address, size_t len, size_t bits)
{
    for (size_t i = bits; i < len * 8; i++) {
        if ((address[i / 8] >> (7 - i % 8) & 1) != 0) {
            return false;
        }
    }
    return true;
}

bool jt_network_valid(const struct jt_network *n)
{
    size_t len = jt_network_address_len(n->family);
    return len > 0 && n->bits <= len * 8 && ends_at(n->address, sizeof n->address, n->bits);
}

/* 1 to 3 digits without a leading zero. */
static bool parse_bits(const char *text, size_t max, uint8_t *out)
{
    size_t n = strlen(text);
    unsigned value = 0;
    if (n == 0 || n > 3 || strspn(text, "0123456789") != n || (n > 1 && text[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    *out = (uint8_t)value;
    return value <= max;
}

bool jt_network_parse(const char *text, struct jt_network *out)
{
    char address[JT_NETWORK_TEXT_MAX + 1];
    size_t len = strcspn(text, "/");
    memset(out, 0, sizeof *out);
    if (len >= sizeof address) {
        return false;
    }
    memcpy(address, text, len);
    address[len] = '\0';
    out->family = strchr(address, ':') != NULL ? JT_IPV6 : JT_IPV4;
    size_t bits = jt_network_address_len(out->family) * 8;
    if (inet_pton(out->family == JT_IPV6 ? AF_INET6 : AF_INET, address, out->address) != 1) {
        return false;
    }
    out->bits = (uint8_t)bits;
    if (text[len] == '/' && !parse_bits(text + len + 1, bits, &out->bits)) {
        return false;
    }
    return jt_network_valid(out);
}

void jt_network_format(const struct jt_network *n, char out[static JT_NETWORK_TEXT_MAX + 1])
{
    char address[INET6_ADDRSTRLEN] = "";
    (void)inet_ntop(n->family == JT_IPV6 ? AF_INET6 : AF_INET, n->address, address, sizeof address);
    (void)snprintf(out, JT_NETWORK_TEXT_MAX + 1, "%.39s/%u", address, (unsigned)n->bits);
}

struct jt_source jt_source_of(const void *address, size_t len)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    struct jt_source source = { 0 };
    if (len == 16 && memcmp(address, mapped, sizeof mapped) == 0) {
        address = (const uint8_t *)address + sizeof mapped;
        len = 4;
    }
    if (len == 4 || len == 16) {
        source.family = len == 4 ? JT_IPV4 : JT_IPV6;
        memcpy(source.address, address, len);
    }
    return source;
}

bool jt_network_has(const struct jt_network *n, const struct jt_source *source)
{
    uint8_t masked[16];
    if (n->family != source->family) {
        return false;
    }
    for (size_t i = 0; i < sizeof masked; i++) {
        size_t kept = n->bits >= i * 8 + 8 ? 8 : n->bits > i * 8 ? n->bits - i * 8 : 0;
        masked[i] = (uint8_t)(source->address[i] & (0xff00u >> kept));
    }
    return memcmp(masked, n->address, sizeof masked) == 0;
}

struct jt_source jt_source_place(const struct jt_source *source)
{
    struct jt_source place = *source;
    if (place.family == JT_IPV6) {
        memset(place.address + PLACE_BITS / 8, 0, sizeof place.address - PLACE_BITS / 8);
    }
    return place;
}

void jt_source_address(const struct jt_source *source, char out[static JT_NETWORK_TEXT_MAX + 1])
{
    int family = source->family == JT_IPV6 ? AF_INET6 : AF_INET;
    if (source->family == 0 ||
        inet_ntop(family, source->address, out, JT_NETWORK_TEXT_MAX + 1) == NULL) {
        (void)snprintf(out, JT_NETWORK_TEXT_MAX + 1, "local");
    }
}

void jt_source_format(const struct jt_source *place, char out[static JT_NETWORK_TEXT_MAX + 1])
{
    struct jt_network n = { .family = place->family, .bits = PLACE_BITS };
    memcpy(n.address, place->address, sizeof n.address);
    if (place->family == JT_IPV6) {
        jt_network_format(&n, out);
    } else {
        jt_source_address(place, out);
    }
}

bool jt_source_parse(const char *text, struct jt_source *out)
{
    struct jt_network n;
    memset(out, 0, sizeof *out);
    if (strcmp(text, "local") == 0) {
        return true;
    }
    if (!jt_network_parse(text, &n) || n.bits != (n.family == JT_IPV4 ? 32 : PLACE_BITS)) {
        return false;
    }
    out->family = n.family;
    memcpy(out->address, n.address, sizeof out->address);
    return true;
}
