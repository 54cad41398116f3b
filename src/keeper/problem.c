/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/problem.h"

#include <stdarg.h>
#include <stdio.h>

void jt_problem_set(struct jt_problem *problem, const char *format, ...)
{
    if (problem->text[0] != '\0') {
        return;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
}
