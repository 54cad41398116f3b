/* SPDX-License-Identifier: Apache-2.0 */
#include "front/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG   1024
#define UNIX_MODE 0660 /* who may connect is who its directory and group let in */

static const char unix_prefix[] = "unix:";

/* --- reading the configuration --- */

/* "[::1]:443", "192.0.2.1:443" or either without port. False: neither. */
static bool split_port(char *text, char **host, int *port)
{
    char *colon = strrchr(text, ':'), *end;
    *host = text;
    if (text[0] == '[') {
        char *bracket = strchr(text, ']');
        if (bracket == NULL || (bracket[1] != '\0' && bracket[1] != ':')) {
            return false;
        }
        *host = text + 1;
        *bracket = '\0';
        colon = bracket[1] == ':' ? bracket + 1 : NULL;
    } else if (colon != NULL && strchr(text, ':') != colon) {
        colon = NULL; /* IPv6 without brackets has no port */
    }
    if (colon == NULL) {
        return true;
    }
    *colon = '\0';
    long number = strtol(colon + 1, &end, 10);
    *port = (int)number;
    return colon[1] >= '0' && colon[1] <= '9' && *end == '\0' && number >= 0 && number <= 65535;
}

static bool parse_address(const char *host, int port, struct jt_place *out)
{
    union jt_place_address *a = &out->address;
    out->port = port;
    if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
        a->v4.sin_family = AF_INET;
        a->v4.sin_port = htons((uint16_t)port);
        out->address_len = sizeof a->v4;
        return true;
    }
    if (inet_pton(AF_INET6, host, &a->v6.sin6_addr) == 1) {
        a->v6.sin6_family = AF_INET6;
        a->v6.sin6_port = htons((uint16_t)port);
        out->address_len = sizeof a->v6;
        return true;
    }
    return false;
}

static bool is_of_this_machine(const union jt_place_address *a)
{
    switch (a->any.sa_family) {
    case AF_INET: return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
    case AF_INET6: return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
    default: return true;
    }
}

static enum jt_err refuse_plain(const struct jt_place *place, struct jt_fault *fault)
{
    return jt_fault_set(fault, JT_ERR_INVALID,
                        "%s: without TLS only a loopback address or a Unix socket is served, "
                        "unless plain_on_networks says yes",
                        place->text);
}

const char *jt_place_path(const struct jt_place *place)
{
    size_t len = sizeof unix_prefix - 1;
    return strncmp(place->text, unix_prefix, len) == 0 ? place->text + len : NULL;
}

static enum jt_err add_one(struct jt_places *places, const char *option, const char *text, int port,
                           bool tls, bool anywhere, struct jt_fault *fault)
{
    char copy[sizeof places->all[0].text], *host;
    if (places->n == JT_DOOR_SOCKETS_MAX) {
        return jt_fault_set(fault, JT_ERR_INVALID, "%s: there are more than %d places", option,
                            JT_DOOR_SOCKETS_MAX);
    }
    struct jt_place *place = &places->all[places->n];
    *place = (struct jt_place){ .tls = tls, .socket = { .fd = -1, .dir_fd = -1 }, .inherited = -1 };
    snprintf(place->text, sizeof place->text, "%s", text);
    snprintf(copy, sizeof copy, "%s", text);
    bool by_name = jt_place_path(place) != NULL;
    if (!by_name && (!split_port(copy, &host, &port) || !parse_address(host, port, place))) {
        return jt_fault_set(fault, JT_ERR_INVALID,
                            "%s: %s is no numeric address, with or without port, nor unix: and a "
                            "path",
                            option, text);
    }
    if (!tls && !anywhere && !is_of_this_machine(&place->address)) {
        return refuse_plain(place, fault);
    }
    places->n++;
    return JT_OK;
}

enum jt_err jt_places_add(struct jt_places *places, const char *option, const char *list, int port,
                          bool tls, bool anywhere, struct jt_fault *fault)
{
    while (*list != '\0') {
        char text[sizeof places->all[0].text];
        size_t len = strcspn(list, ",");
        const char *next = list + len + (list[len] == ',');
        for (; len > 0 && *list == ' '; len--) {
            list++;
        }
        for (; len > 0 && list[len - 1] == ' '; len--) {
        }
        if (len == 0 || len >= sizeof text) {
            return jt_fault_set(fault, JT_ERR_INVALID, "%s: an entry is empty or too long", option);
        }
        memcpy(text, list, len);
        text[len] = '\0';
        enum jt_err err = add_one(places, option, text, port, tls, anywhere, fault);
        if (err != JT_OK) {
            return err;
        }
        list = next;
    }
    return JT_OK;
}

/* --- sockets that were handed over --- */

static int flag_of(int fd, int option)
{
    int value = 0;
    socklen_t len = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

enum jt_err jt_places_inherit(struct jt_places *places, int fd, bool tls, bool anywhere,
                              struct jt_fault *fault)
{
    if (places->n == JT_DOOR_SOCKETS_MAX) {
        return jt_fault_set(fault, JT_ERR_INVALID, "more than %d sockets were handed over",
                            JT_DOOR_SOCKETS_MAX);
    }
    struct jt_place *place = &places->all[places->n++];
    *place = (struct jt_place){ .tls = tls, .socket = { .fd = -1, .dir_fd = -1 }, .inherited = fd };
    snprintf(place->text, sizeof place->text, "descriptor %d", fd);
    place->address_len = sizeof place->address;
    if (flag_of(fd, SO_TYPE) != SOCK_STREAM || flag_of(fd, SO_ACCEPTCONN) != 1 ||
        getsockname(fd, &place->address.any, &place->address_len) != 0 ||
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
        return jt_fault_set(fault, JT_ERR_INVALID, "%s was handed over and is no listening socket",
                            place->text);
    }
    if (!tls && !anywhere && !is_of_this_machine(&place->address)) {
        return refuse_plain(place, fault);
    }
    return JT_OK;
}

enum jt_err jt_places_stay_home(const struct jt_places *places, struct jt_fault *fault)
{
    for (size_t i = 0; i < places->n; i++) {
        if (!is_of_this_machine(&places->all[i].address)) {
            return jt_fault_set(fault, JT_ERR_INVALID,
                                "%s: with environment = development only a loopback address or a "
                                "Unix socket is served",
                                places->all[i].text);
        }
    }
    return JT_OK;
}

/* --- opening --- */

static int open_socket(const struct jt_place *place, bool share)
{
    const union jt_place_address *address = &place->address;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
        (address->any.sa_family != AF_INET6 ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) == 0) &&
        (!share || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0) &&
        bind(fd, &address->any, place->address_len) == 0) {
        return fd;
    }
    int saved = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = saved;
    return -1;
}

/*
 * A port that another process of this user shares out (SO_REUSEPORT) would be shared with it in
 * silence, and half of the requests would go there: a bind without sharing meets it. The socket is
 * let go again before the shared ones are opened.
 */
static bool is_free(const struct jt_place *place)
{
    int fd = open_socket(place, false);
    bool free_now = fd >= 0 && listen(fd, 1) == 0;
    int saved = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = saved;
    return free_now;
}

/* A socket of the kernel's choice has its port from here on; false: it cannot be told. */
static bool note_port(struct jt_place *place, int fd)
{
    socklen_t len = sizeof place->address;
    if (getsockname(fd, &place->address.any, &len) != 0) {
        return false;
    }
    place->port = ntohs(place->address.any.sa_family == AF_INET6 ? place->address.v6.sin6_port
                                                                 : place->address.v4.sin_port);
    return true;
}

static int open_shared(struct jt_place *place, int *fds, int n)
{
    int opened = 0;
    bool good = place->port == 0 || is_free(place);
    while (good && opened < n) {
        fds[opened] = open_socket(place, true);
        good = fds[opened] >= 0;
        opened += good;
        good = good && (opened > 1 || note_port(place, fds[0]));
        good = good && listen(fds[opened - 1], BACKLOG) == 0;
    }
    return opened;
}

/* All loops accept from one queue: of such a socket there is only one. */
static int open_copies(int fd, int *fds, int n)
{
    int opened = 0;
    while (opened < n && (fds[opened] = fcntl(fd, F_DUPFD_CLOEXEC, 0)) >= 0) {
        opened++;
    }
    return opened;
}

enum jt_err jt_place_open(struct jt_place *place, int *fds, int n, struct jt_fault *fault)
{
    int opened;
    if (place->inherited >= 0) {
        opened = open_copies(place->inherited, fds, n);
    } else if (place->address_len == 0) {
        enum jt_err err = jt_unix_socket_listen(&place->socket, jt_place_path(place), UNIX_MODE,
                                                getegid(), BACKLOG, fault);
        if (err != JT_OK) {
            return err;
        }
        opened = open_copies(place->socket.fd, fds, n);
    } else {
        opened = open_shared(place, fds, n);
    }
    if (opened == n && (n == 0 || flag_of(fds[n - 1], SO_ACCEPTCONN) == 1)) {
        return JT_OK;
    }
    int saved = errno;
    while (opened > 0) {
        close(fds[--opened]);
    }
    return jt_fault_set(fault, saved == EADDRINUSE ? JT_ERR_IN_USE : JT_ERR_IO,
                        "cannot listen on %s port %d: %s", place->text, place->port,
                        strerror(saved));
}

void jt_places_close(struct jt_places *places)
{
    for (size_t i = 0; i < places->n; i++) {
        jt_unix_socket_close(&places->all[i].socket);
        if (places->all[i].inherited >= 0) {
            close(places->all[i].inherited);
        }
    }
    places->n = 0;
}
