/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All listening sockets of this process: those of the configuration, or instead of them those that
 * systemd hands over, where the one named "tls" (FileDescriptorName=) speaks TLS.
 */
#ifndef JETON_FRONT_SOCKETS_H
#define JETON_FRONT_SOCKETS_H

#include "front/listen.h"
#include "options/conf.h"
#include "vault/lanes.h"

struct jt_sockets {
    struct jt_places places;
    int fds[JT_LOOPS_MAX][JT_DOOR_SOCKETS_MAX];
};

/*
 * Opens them all for `n_loops` event loops. JT_ERR_INVALID: the configuration asks for none, for
 * TLS without certificate, or for plain HTTP on a network. On failure nothing is open.
 */
enum jt_err jt_sockets_open(const struct jt_conf *conf, int n_loops, struct jt_sockets *out,
                            struct jt_fault *fault) JT_CHECKED;

/* Those of one loop, which takes them over. `tls` is what is shown to clients. How many. */
size_t jt_sockets_of(const struct jt_sockets *sockets, int loop, struct jt_tls_server *tls,
                     struct jt_door_socket out[static JT_DOOR_SOCKETS_MAX]);

/* Closes those of the loops from `loop` on, which were not taken over. */
void jt_sockets_drop(const struct jt_sockets *sockets, int loop, int n_loops);

/* The TCP port of the first place that is plain, or speaks TLS; 0: there is none. */
int jt_sockets_port(const struct jt_sockets *sockets, bool tls);

/* Names and what was handed over; the loops' descriptors are theirs. Harmless on zeroes. */
void jt_sockets_close(struct jt_sockets *sockets);

#endif
