/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/say.h"

#include "cli/exit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool is_quiet;
static struct jt_buf *recorded;
static const char *standing_id; /* of what jt_complain says */

void jt_say_begin(bool quiet, struct jt_buf *record)
{
    is_quiet = quiet;
    recorded = record;
    jt_complain_record(record);
}

int jt_say_code(enum jt_message m)
{
    switch (jt_message_severity(m)) {
    case 'I': return JT_JOB_CLEAN;
    case 'W': return JT_JOB_REJECTS;
    case 'E': return m == JT_MSG_THRESHOLD ? JT_JOB_THRESHOLD : JT_JOB_REFUSED;
    default: return JT_JOB_FAILED;
    }
}

void jt_say_as(enum jt_message m)
{
    standing_id = jt_message_id(m);
    jt_complain_as(standing_id);
}

int jt_say(enum jt_message m, const char *format, ...)
{
    char detail[1500] = "", line[2000];
    if (format != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(detail, sizeof detail, format, args);
        va_end(args);
    }
    snprintf(line, sizeof line, "%s%s%s", jt_message_text(m), detail[0] == '\0' ? "" : ": ",
             detail);
    if (is_quiet && jt_message_severity(m) == 'I') {
        jt_make_printable(line);
        if (recorded != NULL) {
            jt_buf_put(recorded, jt_message_id(m), strlen(jt_message_id(m)));
            jt_buf_u8(recorded, ' ');
            jt_buf_put(recorded, line, strlen(line));
            jt_buf_u8(recorded, '\n');
        }
        return jt_say_code(m);
    }
    jt_complain_as(jt_message_id(m));
    jt_complain("%s", line);
    jt_complain_as(standing_id);
    return jt_say_code(m);
}

int jt_say_trouble(const char *subject, const struct jt_trouble *trouble)
{
    char where[80] = "";
    if (trouble->line > 0 && trouble->column > 0) {
        snprintf(where, sizeof where, ":%" PRIu64 ":%" PRIu64, trouble->line, trouble->column);
    } else if (trouble->line > 0) {
        snprintf(where, sizeof where, ":%" PRIu64, trouble->line);
    }
    jt_complain_as(jt_message_id(trouble->message));
    jt_complain("%s%s%s%s%s%s", subject, where, *subject != '\0' ? ": " : "",
                jt_message_text(trouble->message), trouble->detail[0] != '\0' ? ": " : "",
                trouble->detail);
    jt_complain_as(standing_id);
    return jt_say_code(trouble->message);
}
