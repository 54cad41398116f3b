/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <stdio.h>
#include <string.h>

void jt_fault_clear(struct jt_fault *fault)
{
    fault->err = JT_OK;
    fault->place = NULL;
    fault->cause[0] = '\0';
}

void jt_fault_about(struct jt_fault *fault, const char *format, ...)
{
    if (fault->err != JT_OK) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault->subject, sizeof fault->subject, format, args);
    va_end(args);
}

/* A log line is one line, whatever a server or a file system put into a message. */
static void one_line(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ') {
            *text = ' ';
        }
    }
}

enum jt_err jt_fault_note(struct jt_fault *fault, enum jt_err err, const char *place,
                          const char *format, ...)
{
    if (fault == NULL || fault->err != JT_OK || err == JT_OK) {
        return err;
    }
    fault->err = err;
    fault->place = place;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault->cause, sizeof fault->cause, format, args);
    va_end(args);
    one_line(fault->cause);
    return err;
}

const char *jt_fault_in_tree(const char *place)
{
    const char *from = place;
    for (const char *src = strstr(place, "src/"); src != NULL; src = strstr(from, "src/")) {
        from = src + strlen("src/");
    }
    return from;
}

const char *jt_fault_line(const struct jt_fault *fault, enum jt_err err,
                          char out[static JT_FAULT_LINE_LEN])
{
    bool noted = fault->err != JT_OK;
    bool another = noted && fault->err != err && err != JT_OK;
    const char *place = noted && fault->place != NULL ? jt_fault_in_tree(fault->place) : "";
    (void)snprintf(out, JT_FAULT_LINE_LEN, "%s%s%s%s%s%s%s%s%s%s", fault->subject,
                   fault->subject[0] == '\0' ? "" : ": ",
                   jt_err_str(err == JT_OK ? fault->err : err), another ? ": " : "",
                   another ? jt_err_str(fault->err) : "",
                   noted && fault->cause[0] != '\0' ? ": " : "", noted ? fault->cause : "",
                   *place == '\0' ? "" : " (", place, *place == '\0' ? "" : ")");
    return out;
}
