/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *process_name = "jeton";
static enum jt_log_level most_detailed = JT_LOG_INFO;
static enum jt_log_format form = JT_LOG_TEXT;

void jt_log_init(const char *process, enum jt_log_level level)
{
    tzset(); /* reads files, which the first line might no longer be allowed to */
    process_name = process;
    most_detailed = level;
}

void jt_log_set_format(enum jt_log_format format)
{
    form = format;
}

#define LINE_MAX_LEN 3000 /* a message of control characters and quotes grows */

/* A line that is put together; what does not fit is cut off, before its end. */
struct line {
    size_t len;
    char text[LINE_MAX_LEN];
};

static void put_raw(struct line *l, const char *text)
{
    size_t len = strlen(text), room = sizeof l->text - 4 - l->len; /* "}\n and NUL always fit */
    len = len < room ? len : room;
    memcpy(l->text + l->len, text, len);
    l->len += len;
}

/* The bytes of the UTF-8 character at `p` (RFC 3629 section 4), or 0: it is none. */
static size_t utf8_len(const unsigned char *p)
{
    size_t n = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
               : p[0] >= 0xe0 && p[0] <= 0xef ? 3
               : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                              : 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool low = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool high = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
    return low || high ? 0 : n;
}

/* Control characters are replaced, so that no input can forge a line; JSON has its own escapes. */
static void put(struct line *l, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    while (*p != '\0') {
        char piece[5] = { 0 };
        size_t n = 1;
        if (*p < 0x20 || *p == 0x7f) {
            piece[0] = '?';
        } else if (form == JT_LOG_JSON && (*p == '"' || *p == '\\')) {
            piece[0] = '\\';
            piece[1] = (char)*p;
        } else if (form == JT_LOG_JSON && *p >= 0x80) {
            n = utf8_len(p);
            memcpy(piece, n == 0 ? "?" : (const char *)p, n == 0 ? 1 : n);
            n += n == 0;
        } else {
            piece[0] = (char)*p;
        }
        put_raw(l, piece);
        p += n;
    }
}

/* Everything up to the message, and that. */
static void begin(struct line *l, enum jt_log_level level, const char *message)
{
    static const char *const names[] = { "error", "warning", "info", "debug" };
    static const char *const priorities[] = { "<3>", "<4>", "<6>", "<7>" }; /* syslog(3) */
    char stamp[JT_TIMESTAMP_LEN];
    jt_clock_timestamp(stamp);
    const char *const text[] = { stamp, " ", names[level], " ", process_name, ": " };
    const char *const json[] = { "{\"time\":\"",      stamp,
                                 "\",\"level\":\"",   names[level],
                                 "\",\"process\":\"", process_name,
                                 "\",\"message\":\"" };
    l->len = 0;
    if (form == JT_LOG_JOURNAL) {
        put_raw(l, priorities[level]);
    }
    for (size_t i = 0; i < sizeof text / sizeof text[0] && form == JT_LOG_TEXT; i++) {
        put_raw(l, text[i]);
    }
    for (size_t i = 0; i < sizeof json / sizeof json[0] && form == JT_LOG_JSON; i++) {
        put_raw(l, json[i]);
    }
    put(l, message);
    put_raw(l, form == JT_LOG_JSON ? "\"" : "");
}

static void put_pair(struct line *l, const struct jt_log_pair *pair)
{
    bool json = form == JT_LOG_JSON, quoted = json && !pair->number;
    put_raw(l, json ? ",\"" : " ");
    put_raw(l, pair->name);
    put_raw(l, json ? "\":" : "=");
    put_raw(l, quoted ? "\"" : "");
    put(l, pair->value);
    put_raw(l, quoted ? "\"" : "");
}

/*
 * One write for each line, so that lines of several threads never mix. A full disk must not stop
 * the service.
 */
static void end(struct line *l)
{
    const char *tail = form == JT_LOG_JSON ? "}\n" : "\n";
    memcpy(l->text + l->len, tail, strlen(tail));
    ssize_t written = write(STDERR_FILENO, l->text, l->len + strlen(tail));
    (void)written;
}

void jt_log(enum jt_log_level level, const char *format, ...)
{
    if (level > most_detailed) {
        return;
    }
    int saved = errno; /* callers go on to look at the errno that they report */
    char message[800];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    struct line line;
    begin(&line, level, n < 0 ? "" : message);
    end(&line);
    errno = saved;
}

void jt_log_pairs(enum jt_log_level level, const char *message, const struct jt_log_pair *pairs,
                  size_t n)
{
    if (level > most_detailed) {
        return;
    }
    int saved = errno;
    struct line line;
    begin(&line, level, message);
    for (size_t i = 0; i < n; i++) {
        put_pair(&line, &pairs[i]);
    }
    end(&line);
    errno = saved;
}
