/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate that this process shows: taken up again when its files change (they are looked
 * at every other second) and on SIGHUP, without a restart and without a connection lost. What
 * cannot be used is told in the log once, and the one before is served on. The log also warns, once
 * a day, of one that ends within thirty days.
 */
#ifndef JETON_FRONT_CERTIFICATE_H
#define JETON_FRONT_CERTIFICATE_H

#include "tls/server.h"

struct jt_certificate_duty;

/* `server` outlives it. JT_ERR_NOMEM. */
enum jt_err jt_certificate_duty_start(struct jt_tls_server *server,
                                      struct jt_certificate_duty **out) JT_CHECKED;

/* Reads the files now, changed or not. NULL is accepted, as by the next. */
void jt_certificate_duty_reload(struct jt_certificate_duty *c);

void jt_certificate_duty_stop(struct jt_certificate_duty *c);

#endif
