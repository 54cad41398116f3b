/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of file jobs, by the table messages.def, and where in an input something is wrong.
 */
#ifndef JETON_BATCH_MESSAGE_H
#define JETON_BATCH_MESSAGE_H

#include <stdint.h>

enum jt_message {
    JT_MSG_NONE,
#define JT_MESSAGE(number, severity, id, name, text) JT_MSG_##id,
#include "batch/messages.def"
#undef JT_MESSAGE
    JT_MSG_END,
};

/* "JET2003E"; a static string. */
const char *jt_message_id(enum jt_message m);
/* 'I', 'W', 'E' or 'S'. */
char jt_message_severity(enum jt_message m);
/* "luhn-failed"; "" where the message rejects no record. */
const char *jt_message_name(enum jt_message m);
const char *jt_message_text(enum jt_message m);

/* What is wrong with a specification, a copybook or a header, and where. */
struct jt_trouble {
    enum jt_message message;
    uint64_t line, column; /* from 1; 0: not said */
    char detail[240];      /* goes on where the message's text ends; never a value of a record */
};

#endif
