/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a member back to the struct that holds it: for callbacks that are handed one part of their
 * owner. The compiler checks that the pointer is of the member's type; nothing depends on where the
 * member stands.
 */
#ifndef JETON_BASE_CONTAINER_H
#define JETON_BASE_CONTAINER_H

#include <stddef.h>

#define jt_container_of(pointer, type, member)                                \
    ((type *)((char *)(1 ? (pointer) : (__typeof__(&((type *)0)->member))0) - \
              offsetof(type, member)))

#endif
