/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why something failed, as every function that can fail returns it.
 *
 * enum jt_err names the reason; base/reasons.def has them all, each with what the caller should do
 * (its class), what an HTTP client is told and what the operator reads. A function that can fail is
 * marked JT_CHECKED, so that the compiler refuses a caller who looks away. Where and about what it
 * failed is noted beside, in a struct jt_fault (base/fault.h).
 *
 * Code that handles failures in general asks for the class. It compares with a reason only where
 * that very reason has an answer of its own.
 *
 * JT_ERR_DECRYPT is deliberately the only reason for every failure to decrypt (wrong key, row,
 * field, tag, padding): a caller must not learn which of them it was.
 */
#ifndef JETON_BASE_ERR_H
#define JETON_BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

#define JT_CHECKED __attribute__((warn_unused_result))

enum jt_err {
    JT_OK = 0,
#define JT_REASON(number, id, class, problem, phrase) JT_ERR_##id = (number),
#include "base/reasons.def"
#undef JT_REASON
};

#define JT_ERR_MAX 255 /* a reason is one byte on the keeper's wire */

/* What the caller does. The numbers cross the keeper's wire. */
enum jt_class {
    JT_CLASS_DONE = 0,
    JT_CLASS_GIVE_UP = 1, /* it will fail again: say so to whoever asked */
    JT_CLASS_REFRESH = 2, /* something moved on: look at it anew, then repeat */
    JT_CLASS_REPEAT = 3,  /* it may pass by itself: repeat later */
};

enum jt_class jt_err_class(enum jt_err err);

/* Whether a number is a reason of this program's, or 0. */
bool jt_err_known(uint8_t number);

/*
 * What the operator reads: a lower-case English phrase, static storage, never NULL. For
 * jt_err_name: the name of the constant without its prefix.
 */
const char *jt_err_str(enum jt_err err);
const char *jt_err_name(enum jt_err err);

#endif
