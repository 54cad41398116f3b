/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/exit.h"

#include <stdarg.h>
#include <stdio.h>

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
    fprintf(stderr, "jeton: %s\n", message);
}
