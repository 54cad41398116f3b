/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, about what, and where: one failure on its way from the place where it is found
 * to the place that answers for it.
 *
 * A fault belongs to whoever will answer: a command, a daemon's start, a job of a worker, one
 * request of the keeper. It is handed down, or what works for its owner (a database connection, a
 * keeper connection) notes into it. The first failure is kept, because later ones are its
 * consequences; who handles a failure and goes on clears it. The owner logs one line
 * (jt_fault_line) and answers by the reason.
 *
 * `subject` may be shown to whoever asked: it is made of this program's own words and numbers.
 * `cause` is for the operator alone: a file's path, the server's message. Neither ever holds a
 * key, a card number or a credential.
 *
 * One thread at a time.
 */
#ifndef JETON_BASE_FAULT_H
#define JETON_BASE_FAULT_H

#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>

struct jt_fault {
    enum jt_err err;   /* the first failure's reason; JT_OK: none was noted */
    const char *place; /* as in "vault/roll.c:40", static storage; NULL: none */
    char subject[80];  /* what is being worked on, as in "generation 7"; empty: nothing named */
    char cause[400];   /* what is behind the reason; empty: the reason says it all */
};

/* Nothing has failed; the subject stays. A zeroed struct is clear and has no subject. */
void jt_fault_clear(struct jt_fault *fault);

/* Names what is being worked on from here on. Failures noted already keep theirs. */
void jt_fault_about(struct jt_fault *fault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Notes a failure unless one was noted, with its cause. Returns `err`. */
enum jt_err jt_fault_note(struct jt_fault *fault, enum jt_err err, const char *place,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));

#define JT_FAULT_TEXT(x) #x
#define JT_FAULT_STR(x)  JT_FAULT_TEXT(x)
#define JT_FAULT_PLACE   __FILE__ ":" JT_FAULT_STR(__LINE__)
/* The place as the tree has it, below src, whatever directory the compiler was called in. */
const char *jt_fault_in_tree(const char *place);

/* The usual forms: return jt_fault_set(fault, JT_ERR_X, "cause %s", x); or without a cause. */
#define jt_fault_set(fault, err, ...) jt_fault_note((fault), (err), JT_FAULT_PLACE, __VA_ARGS__)
#define jt_fault_raise(fault, err)    jt_fault_note((fault), (err), JT_FAULT_PLACE, "%s", "")

/*
 * The whole line for a log: "subject: reason: cause (file.c:12)", of what there is. `err` is the
 * reason that the owner ends with; where another one was noted first, both are told. Returns `out`.
 */
#define JT_FAULT_LINE_LEN 640
const char *jt_fault_line(const struct jt_fault *fault, enum jt_err err,
                          char out[static JT_FAULT_LINE_LEN]);

#endif
