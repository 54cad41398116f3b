/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where jetond listens: the places of [front] listen and tls_listen, or the sockets that systemd
 * hands over (sd_listen_fds(3)), and one descriptor of each for every event loop.
 *
 * Plain HTTP is for this machine: a loopback address or a Unix socket, unless the configuration
 * says otherwise in so many words.
 */
#ifndef JETON_FRONT_LISTEN_H
#define JETON_FRONT_LISTEN_H

#include "base/unixsocket.h"
#include "http/door.h"

#include <netinet/in.h>
#include <stdbool.h>

union jt_place_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct jt_place {
    char text[128]; /* as it is told to people */
    bool tls;
    int port;                       /* of TCP; the one that the kernel chose once it is open */
    union jt_place_address address; /* family AF_UNSPEC: none, it is one of the next two */
    socklen_t address_len;
    struct jt_unix_socket socket; /* by name */
    int inherited;                /* from systemd; -1: not so */
};

struct jt_places {
    struct jt_place all[JT_DOOR_SOCKETS_MAX];
    size_t n;
};

/*
 * Adds the places of a comma-separated list: numeric addresses, each with its own port or with
 * `port` (192.0.2.1, 192.0.2.1:443, ::1, [::1]:443), or unix: and a path. `option` is its name, for
 * messages. `anywhere`: not only places of this machine. JT_ERR_INVALID.
 */
enum jt_err jt_places_add(struct jt_places *places, const char *option, const char *list, int port,
                          bool tls, bool anywhere, struct jt_fault *fault) JT_CHECKED;

/*
 * Adds a listening socket that was handed over, which speaks TLS if `tls`. It is closed with the
 * places.
 */
enum jt_err jt_places_inherit(struct jt_places *places, int fd, bool tls, bool anywhere,
                              struct jt_fault *fault) JT_CHECKED;

/* The path of a Unix socket by name, within the place; NULL: it is something else. */
const char *jt_place_path(const struct jt_place *place);

/*
 * Opens a place for `n` event loops, each with a descriptor of its own in `fds`, which the caller
 * closes. On failure all are closed: JT_ERR_IN_USE, JT_ERR_IO and those of base/unixsocket.h.
 */
enum jt_err jt_place_open(struct jt_place *place, int *fds, int n,
                          struct jt_fault *fault) JT_CHECKED;

/* Removes names of Unix sockets, and closes what was handed over. Harmless on zeroes. */
void jt_places_close(struct jt_places *places);

#endif
