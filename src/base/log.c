/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *process_name = "jeton";
static enum jt_log_level most_detailed = JT_LOG_INFO;

void jt_log_init(const char *process, enum jt_log_level level)
{
    tzset(); /* reads files, which the first line might no longer be allowed to */
    process_name = process;
    most_detailed = level;
}

void jt_log(enum jt_log_level level, const char *format, ...)
{
    static const char *const names[] = { "error", "warning", "info", "debug" };
    if (level > most_detailed) {
        return;
    }
    int saved = errno; /* callers go on to look at the errno that they report */
    char message[800];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (n < 0) {
        message[0] = '\0';
    }
    for (char *p = message; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            *p = '?';
        }
    }
    char line[1000];
    char stamp[JT_TIMESTAMP_LEN];
    jt_clock_timestamp(stamp);
    int len = snprintf(line, sizeof line, "%s %s %.64s: %s\n", stamp, names[level], process_name,
                       message);
    if (len > 0) {
        /*
         * One write for each line, so that lines of several threads never mix. A full disk must not
         * stop the service.
         */
        ssize_t written = write(STDERR_FILENO, line, (size_t)len);
        (void)written;
    }
    errno = saved;
}
