/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/heads.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/syslog.h"
#include "store/starts.h"
#include "vault/duty.h"
#include "vault/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVERY_MS  60000
#define IN_A_LINE 6 /* a line of the log has room for so many */
#define LINE_MAX  800

struct jt_heads {
    struct jt_work_ctx ctx;
    struct jt_duty *duty;
    uint32_t start;
    uint64_t at_us;
    size_t n; /* chains that have come on since the last time */
    struct jt_audit_end ends[JT_AUDIT_ENDS_MAX];
    uint8_t running[JT_AUDIT_ENDS_MAX][JT_AUDIT_DIGEST_LEN];
    enum jt_err told_note;       /* what the log said last of noting */
    int told_errno;              /* and of the file */
    struct jt_syslog *collector; /* NULL: none is configured */
    bool told_collector;         /* the log said that it cannot be reached */
};

_Static_assert(LINE_MAX <= JT_SYSLOG_TEXT_MAX, "a line fits a message");

static void gather(struct jt_heads *h)
{
    struct jt_trail *trail = &h->ctx.vault->trail;
    pthread_mutex_lock(&trail->mutex);
    h->at_us = jt_clock_wall_us();
    h->start = trail->start;
    h->n = 0;
    for (uint16_t i = 0; i < trail->n_connections; i++) {
        struct jt_trail_place *place = &trail->places[i];
        if (place->number == 0 || place->told) {
            continue;
        }
        struct jt_audit_end *end = &h->ends[h->n];
        *end = (struct jt_audit_end){ .connection = i, .number = place->number };
        memcpy(end->head, place->head, sizeof end->head);
        memcpy(h->running[h->n++], place->running, sizeof place->running);
        place->told = true;
    }
    pthread_mutex_unlock(&trail->mutex);
}

/* They are told again the next time. */
static void keep(struct jt_heads *h)
{
    struct jt_trail *trail = &h->ctx.vault->trail;
    pthread_mutex_lock(&trail->mutex);
    for (size_t i = 0; i < h->n && h->start == trail->start; i++) {
        trail->places[h->ends[i].connection].told = false;
    }
    pthread_mutex_unlock(&trail->mutex);
}

/* All that stand are told again. */
static void keep_all(struct jt_heads *h)
{
    struct jt_trail *trail = &h->ctx.vault->trail;
    pthread_mutex_lock(&trail->mutex);
    for (size_t i = 0; i < trail->n_connections; i++) {
        trail->places[i].told = false;
    }
    pthread_mutex_unlock(&trail->mutex);
}

/* The line of the heads from `first` on; how many they are. */
static size_t write_line(const struct jt_heads *h, size_t first, char line[static LINE_MAX])
{
    size_t n = h->n - first < IN_A_LINE ? h->n - first : IN_A_LINE;
    size_t len = (size_t)snprintf(line, LINE_MAX, "audit-heads 1 %s %" PRIu32 " %" PRIu64,
                                  h->ctx.vault->node.name, h->start, h->at_us);
    for (size_t i = first; i < first + n; i++) {
        char head[2 * JT_ROW_MAC_LEN + 1], running[2 * JT_AUDIT_DIGEST_LEN + 1];
        jt_hex_encode(h->ends[i].head, sizeof h->ends[i].head, head);
        jt_hex_encode(h->running[i], sizeof h->running[i], running);
        len += (size_t)snprintf(line + len, LINE_MAX - len, " %u:%" PRIu64 ":%s:%s",
                                h->ends[i].connection, h->ends[i].number, head, running);
    }
    return n;
}

static bool append(int fd, const char *line)
{
    char text[LINE_MAX + 1];
    int len = snprintf(text, sizeof text, "%s\n", line);
    return write(fd, text, (size_t)len) == len;
}

/* False, with errno: not all of it stands there for good. */
static bool tell_file(const struct jt_heads *h, const char *path)
{
    char line[LINE_MAX];
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    bool good = fd >= 0;
    for (size_t i = 0; i < h->n && good;) {
        i += write_line(h, i, line);
        good = append(fd, line);
    }
    good = good && fsync(fd) == 0;
    int saved = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = saved;
    return good;
}

static void tell_log(const struct jt_heads *h)
{
    char line[LINE_MAX];
    for (size_t i = 0; i < h->n;) {
        i += write_line(h, i, line);
        jt_log(JT_LOG_INFO, "%s", line);
    }
}

/* On a new connection all are told: what was said on the one before may be lost. */
static enum jt_err tell_collector(struct jt_heads *h)
{
    char line[LINE_MAX];
    bool fresh;
    enum jt_err err = jt_syslog_connect(h->collector, &fresh, &h->ctx.fault);
    if (err == JT_OK && fresh) {
        keep_all(h);
        gather(h);
    }
    for (size_t i = 0; i < h->n && err == JT_OK;) {
        i += write_line(h, i, line);
        err = jt_syslog_say(h->collector, line, &h->ctx.fault);
    }
    return err;
}

/* Once for each time that it is away. */
static void complain_of_collector(struct jt_heads *h, enum jt_err err)
{
    if (err != JT_OK && !h->told_collector) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_ERROR, "alarm: the heads of the audit trail cannot be sent: %s",
               jt_fault_line(&h->ctx.fault, err, line));
    } else if (err == JT_OK && h->told_collector) {
        jt_log(JT_LOG_INFO, "the heads of the audit trail are sent to %s again",
               h->ctx.vault->conf->audit_heads_syslog);
    }
    h->told_collector = err != JT_OK;
}

/* For the next start; one that fails makes it read more. */
static void note(struct jt_heads *h)
{
    jt_work_about(&h->ctx, "%s", h->ctx.vault->node.name);
    enum jt_err err = jt_db_ensure(h->ctx.db);
    if (err == JT_OK) {
        err = jt_start_note(h->ctx.db, h->start, h->at_us, h->ends, h->n);
    }
    if (err != JT_OK && err != h->told_note) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING, "the heads of the audit trail cannot be noted: %s",
               jt_fault_line(&h->ctx.fault, err, line));
    }
    h->told_note = err;
}

/* What could not be told is told again the next time. */
static void tell_outside(struct jt_heads *h)
{
    const char *path = h->ctx.vault->conf->audit_heads_file;
    int failed = h->n == 0 || path[0] == '\0' || tell_file(h, path) ? 0 : errno;
    if (failed != 0) {
        keep(h);
    }
    if (failed != 0 && failed != h->told_errno) {
        jt_log(JT_LOG_ERROR, "alarm: the heads of the audit trail cannot be written to %s: %s",
               path, strerror(failed));
    }
    h->told_errno = failed;
    if (h->collector == NULL) {
        return;
    }
    jt_work_about(&h->ctx, "%s", h->ctx.vault->conf->audit_heads_syslog);
    enum jt_err err = tell_collector(h);
    if (err != JT_OK) {
        keep(h);
    }
    complain_of_collector(h, err);
}

static struct jt_again step(void *arg)
{
    struct jt_heads *h = arg;
    gather(h);
    if (h->n > 0) {
        tell_log(h);
        note(h);
    }
    tell_outside(h);
    return (struct jt_again){ .ms = EVERY_MS };
}

enum jt_err jt_heads_start(struct jt_vault *vault, struct jt_heads **out)
{
    struct jt_heads *h = calloc(1, sizeof *h);
    *out = h;
    if (h == NULL) {
        return JT_ERR_NOMEM;
    }
    enum jt_err err = jt_work_ctx_init(&h->ctx, vault, "jetond heads", JT_STATEMENT_TIMEOUT_MS);
    if (err == JT_OK && vault->conf->audit_heads_syslog[0] != '\0') {
        err =
            jt_syslog_new(vault->conf->audit_heads_syslog, "jetond", "audit-heads", &h->collector);
    }
    return err == JT_OK ? jt_duty_start(step, h, &h->duty) : err;
}

void jt_heads_stop(struct jt_heads *h)
{
    if (h == NULL) {
        return;
    }
    if (h->duty != NULL) {
        jt_duty_stop(h->duty);
        (void)step(h);
    }
    jt_syslog_free(h->collector);
    jt_work_ctx_clear(&h->ctx);
    free(h);
}
