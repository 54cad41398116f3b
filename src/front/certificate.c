/* SPDX-License-Identifier: Apache-2.0 */
#include "front/certificate.h"

#include "base/clock.h"
#include "base/log.h"
#include "vault/duty.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_EVERY_MS 2000
#define DAY_S         (24 * 60 * 60)
#define WARN_DAYS     30

struct jt_certificate_duty {
    struct jt_tls_server *server;
    struct jt_duty *duty;
    atomic_bool asked; /* to read the files, changed or not */
    int64_t warn_ms;   /* no warning before */
};

static int days_left(const struct jt_certificate_duty *c)
{
    int64_t left_s = jt_tls_server_expires(c->server) - (int64_t)time(NULL);
    return (int)(left_s / DAY_S) - (left_s < 0);
}

static void warn(struct jt_certificate_duty *c)
{
    int days = days_left(c);
    if (days >= WARN_DAYS || jt_clock_ms() < c->warn_ms) {
        return;
    }
    c->warn_ms = jt_clock_ms() + (int64_t)DAY_S * 1000;
    if (days < 0) {
        jt_log(JT_LOG_ERROR, "the TLS certificate has ended: clients refuse it");
    } else {
        jt_log(JT_LOG_WARNING, "the TLS certificate ends in %d days", days);
    }
}

static struct jt_again look(void *arg)
{
    struct jt_certificate_duty *c = arg;
    struct jt_fault fault = { .err = JT_OK };
    bool asked = atomic_exchange(&c->asked, false), changed = false;
    enum jt_err err = jt_tls_server_reload(c->server, asked, &changed, &fault);
    if (err != JT_OK) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_ERROR, "the TLS certificate stays as it is: %s",
               jt_fault_line(&fault, err, line));
    } else if (changed) {
        jt_log(JT_LOG_INFO, "a TLS certificate was taken up, which ends in %d days", days_left(c));
        c->warn_ms = 0;
    }
    warn(c);
    return (struct jt_again){ .ms = LOOK_EVERY_MS, .on_news = true };
}

enum jt_err jt_certificate_duty_start(struct jt_tls_server *server,
                                      struct jt_certificate_duty **out)
{
    struct jt_certificate_duty *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return JT_ERR_NOMEM;
    }
    c->server = server;
    enum jt_err err = jt_duty_start(look, c, &c->duty);
    if (err != JT_OK) {
        free(c);
        return err;
    }
    *out = c;
    return JT_OK;
}

void jt_certificate_duty_reload(struct jt_certificate_duty *c)
{
    if (c != NULL) {
        atomic_store(&c->asked, true);
        jt_duty_nudge(c->duty);
    }
}

void jt_certificate_duty_stop(struct jt_certificate_duty *c)
{
    if (c != NULL) {
        jt_duty_stop(c->duty);
        free(c);
    }
}
