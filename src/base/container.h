/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a member to the struct that it stands in, wherever in it: for callbacks that are given the
 * part which a lower layer knows. What `pointer` is must be said truly: only its type is checked.
 */
#ifndef JETON_BASE_CONTAINER_H
#define JETON_BASE_CONTAINER_H

#include <stddef.h>

#define jt_container_of(pointer, type, member)                                                \
    (1 ? (type *)((char *)(pointer)-offsetof(type, member)) /* the other branch is a check */ \
       : (type *)(void *)((pointer) - &((type *)0)->member))

#endif
