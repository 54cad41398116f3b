/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/message.h"

#define N_DIGIT(number, power) ('0' + (number) / (power) % 10)

enum { LETTER_I = 'I', LETTER_W = 'W', LETTER_E = 'E', LETTER_S = 'S' };

static const struct {
    char id[9];
    const char *name, *text;
} messages[] = {
    [JT_MSG_NONE] = { "", "", "" },
#define JT_MESSAGE(number, severity, id, name, text)                                        \
    [JT_MSG_##id] = { { 'J', 'E', 'T', N_DIGIT(number, 1000), N_DIGIT(number, 100),         \
                        N_DIGIT(number, 10), N_DIGIT(number, 1), LETTER_##severity, '\0' }, \
                      name,                                                                 \
                      text },
#include "batch/messages.def"
#undef JT_MESSAGE
};

/* A number that is no message's is read as none. */
static enum jt_message known(enum jt_message m)
{
    return (unsigned)m < JT_MSG_END ? m : JT_MSG_NONE;
}

const char *jt_message_id(enum jt_message m)
{
    return messages[known(m)].id;
}

char jt_message_severity(enum jt_message m)
{
    return known(m) == JT_MSG_NONE ? 'I' : messages[known(m)].id[7];
}

const char *jt_message_name(enum jt_message m)
{
    return messages[known(m)].name;
}

const char *jt_message_text(enum jt_message m)
{
    return messages[known(m)].text;
}
