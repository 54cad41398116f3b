/* SPDX-License-Identifier: Apache-2.0 */
/* A custodian signs what a server shows: the text, whole, is read before. */
#ifndef JETON_CLI_SIGNING_H
#define JETON_CLI_SIGNING_H

#include "cli/command.h"

#include <jansson.h>
#include <stdbool.h>

struct jt_signing {
    const char *name, *path, *phrase_path; /* who, with which key and passphrase file */
    bool yes;                              /* without asking whether the text is right */
    const char *head;                      /* how the text must begin */
    const char *what;                      /* "a destruction": of which that is the text */
    const char *warning;                   /* what signing it means */
};

/* The options of a command that signs, into a struct jt_signing. */
#define JT_SIGNING_OPTIONS(s)                                                                     \
    JT_TEXT("custodian", "NAME", &(s).name, "who signs (required)"),                              \
        JT_TEXT("key", "FILE", &(s).path, "the file of this custodian's key (required)"),         \
        JT_TEXT("passphrase-file", "FILE", &(s).phrase_path,                                      \
                "the passphrase is the first line of this file, mode 0600; else it is asked for " \
                "on the terminal"),                                                               \
        JT_FLAG("yes", &(s).yes, "sign without asking whether the text is right")

/* JT_GO_ON, or JT_EXIT_USAGE after a message where an option is missing. */
int jt_signing_complete(const struct jt_command *self, const struct jt_signing *s);

/* Makes the body of the approval of a text. JT_EXIT_OK, or another code after a message. */
int jt_signing_sign(const struct jt_signing *s, const char *text, json_t **body);

#endif
