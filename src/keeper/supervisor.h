/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What systemd hears of a keeper: that it serves, and that it is alive (sd_notify(3),
 * systemd.service(5): Type=notify, WatchdogSec=). Its library is left out, because the keeper links
 * nothing but libcrypto and libseccomp; a datagram of a few letters is all it takes. The socket is
 * opened before the system call filter closes.
 */
#ifndef JETON_KEEPER_SUPERVISOR_H
#define JETON_KEEPER_SUPERVISOR_H

#include <stdint.h>

struct jt_supervisor {
    int fd;           /* -1: nobody listens */
    int64_t every_ms; /* it wants to hear something so often; 0: it does not */
    int64_t told_ms;
};

/* Finds it by NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. What cannot be reached is no error. */
void jt_supervisor_open(struct jt_supervisor *s);
void jt_supervisor_close(struct jt_supervisor *s);

void jt_supervisor_ready(struct jt_supervisor *s);
void jt_supervisor_stopping(struct jt_supervisor *s);
/* Called several times a second by what would stand still with the keeper. */
void jt_supervisor_alive(struct jt_supervisor *s, int64_t now_ms);

#endif
