/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets: loopback only until TLS is built; one for each event loop on one port
 * (SO_REUSEPORT).
 */
#ifndef JETON_FRONT_LISTEN_H
#define JETON_FRONT_LISTEN_H

#include "base/fault.h"

/*
 * Opens `n` sockets on `text` (numeric IPv4 or IPv6) and `port`; port 0 lets the kernel choose
 * one. *chosen receives the port. On failure all are closed: JT_ERR_INVALID (not a loopback
 * address), JT_ERR_IN_USE (the port is), JT_ERR_IO.
 */
enum jt_err jt_listen(const char *text, int port, int *fds, int n, int *chosen,
                      struct jt_fault *fault) JT_CHECKED;

#endif
