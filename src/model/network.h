/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses and networks of clients, IPv4 (RFC 4632) and IPv6 (RFC 4291 section 2.3). An IPv4
 * address that came in an IPv6 socket (::ffff:0:0/96) is that IPv4 address.
 */
#ifndef JETON_MODEL_NETWORK_H
#define JETON_MODEL_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JT_NETWORK_TEXT_MAX 43 /* 39 of an IPv6 address, a slash, 3 digits */

enum { JT_IPV4 = 4, JT_IPV6 = 6 };

struct jt_network {
    uint8_t family;      /* JT_IPV4, JT_IPV6 */
    uint8_t bits;        /* of the prefix: at most 32 or 128; of one address all of them */
    uint8_t address[16]; /* the first 4 or all; zeroes behind the prefix */
};

/* Where somebody comes from; family 0: not from a network (a Unix socket). */
struct jt_source {
    uint8_t family;
    uint8_t address[16];
};

/* Bytes of an address; 0 for what is no family. */
size_t jt_network_address_len(uint8_t family);

/* Whether it is a network, with nothing behind its prefix. */
bool jt_network_valid(const struct jt_network *n);

/* "10.0.0.0/8", "2001:db8::/32", or one address. False: it is none, or has bits behind its prefix.
 */
bool jt_network_parse(const char *text, struct jt_network *out);

/* Always with the prefix length. */
void jt_network_format(const struct jt_network *n, char out[static JT_NETWORK_TEXT_MAX + 1]);

/* The source of an address as it stands in a socket's name: 4 or 16 bytes; any other is family 0.
 */
struct jt_source jt_source_of(const void *address, size_t len);

bool jt_network_has(const struct jt_network *n, const struct jt_source *source);

/*
 * What counts as one place: an IPv4 address, the first 64 bits of an IPv6 address. A home has as
 * many IPv6 addresses as it likes, and one network of 64 bits.
 */
struct jt_source jt_source_place(const struct jt_source *source);

/* The address alone; "local". */
void jt_source_address(const struct jt_source *source, char out[static JT_NETWORK_TEXT_MAX + 1]);

/* Of a place: "192.0.2.7", "2001:db8::/64", "local". */
void jt_source_format(const struct jt_source *place, char out[static JT_NETWORK_TEXT_MAX + 1]);

/* The inverse; false: it is none. */
bool jt_source_parse(const char *text, struct jt_source *out);

#endif
