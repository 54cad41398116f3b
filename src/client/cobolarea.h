/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/client: the area that a COBOL program hands over. The copybooks JETON.cpy (one
 * entry) and JETONTAB.cpy (as many as the program says) lay it out; docs/cobol.md has the offsets.
 *
 * Nothing in it is believed. What is read is bounded by the layout and by the number of entries,
 * and these by the size that GnuCOBOL's run-time library knows of the parameter. Binary items are
 * PIC S9(9) COMP, whose byte order depends on the compiler and its options: the version, which is
 * 1, tells it.
 */
#ifndef JETON_CLIENT_COBOLAREA_H
#define JETON_CLIENT_COBOLAREA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JETON_AREA_VERSION 1
#define JETON_AREA_HEAD    256
#define JETON_AREA_ENTRY   120

/* Shapes of what is in it, in bytes. */
#define JETON_AREA_FUNCTION 4
#define JETON_AREA_FIELD    64
#define JETON_AREA_REASON   40
#define JETON_AREA_MESSAGE  80
#define JETON_AREA_VALUE    32

/* The return codes, as on a mainframe: the larger, the worse. */
enum jeton_area_code {
    JETON_AREA_GOOD = 0,
    JETON_AREA_ITEMS = 4,   /* at least one item is refused */
    JETON_AREA_CALL = 8,    /* the program's call is wrong; nothing was sent */
    JETON_AREA_DENIED = 12, /* the server does not permit it, or knows no such field */
    JETON_AREA_AWAY = 16,   /* the configuration is wrong, or the server did not do it */
};

struct jeton_area {
    unsigned char *at;
    bool little;     /* the byte order of its binary items */
    size_t capacity; /* entries that it has */
    size_t count;    /* of them, those to work on */
};

/*
 * Looks at `at`, of which `size` bytes are there (SIZE_MAX: nobody knows). NULL: it is an area, and
 * the number of entries is right; else the reason. `area->at` is NULL where nothing may be written
 * either. `area->capacity` is never more than there is room for.
 */
const char *jeton_area_take(void *at, size_t size, struct jeton_area *area);

/* Copies the function and the name of the field, which becomes lower case, without their padding.
 */
void jeton_area_function(const struct jeton_area *area, char out[static JETON_AREA_FUNCTION + 1]);
void jeton_area_field(const struct jeton_area *area, char out[static JETON_AREA_FIELD + 1]);

/* Makes the results of all entries blank, with their lengths and codes 0. */
void jeton_area_blank(const struct jeton_area *area);

/*
 * Copies the value of entry `i` without its padding (blanks and NULs at its end). What no value can
 * hold becomes a question mark. False: its length is none.
 */
bool jeton_area_value(const struct jeton_area *area, size_t i,
                      char out[static JETON_AREA_VALUE + 1]);

/* Whether it could be written: it fits, and is of digits, lower-case letters, `_` and `*`. */
bool jeton_area_result(const struct jeton_area *area, size_t i, const char *result);
void jeton_area_outcome(const struct jeton_area *area, size_t i, int code, int status,
                        const char *reason);

/* How the call ended: the head's own outcome. `first` counts from 1; 0: no item is refused. */
void jeton_area_end(const struct jeton_area *area, int code, int status, const char *reason,
                    const char *message);
void jeton_area_refused(const struct jeton_area *area, size_t first, size_t refused);

#endif
