/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/exit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *complaint;
static struct jt_buf *recorded;

void jt_complain_as(const char *id)
{
    complaint = id;
}

void jt_complain_record(struct jt_buf *record)
{
    recorded = record;
}

void jt_make_printable(char *text)
{
    for (char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x20 || c >= 0x7f) {
            *p = '?';
        }
    }
}

void jt_complain(const char *format, ...)
{
    char message[2000];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (n < 0) {
        message[0] = '\0';
    }
    jt_make_printable(message);
    const char *before = complaint == NULL ? "jeton:" : complaint;
    fprintf(stderr, "%s %s\n", before, message);
    if (recorded != NULL) {
        jt_buf_put(recorded, before, strlen(before));
        jt_buf_u8(recorded, ' ');
        jt_buf_put(recorded, message, strlen(message));
        jt_buf_u8(recorded, '\n');
    }
}
