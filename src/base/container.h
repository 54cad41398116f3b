/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a member back to the struct that holds it: for callbacks that are handed one part of their
 * owner. The compiler checks that the pointer is of the member's type; nothing depends on where the
 * member stands.
 */
#ifndef JETON_BASE_CONTAINER_H
#define JETON_BASE_CONTAINER_H

#include <stddef.h>

/*
 * The struct `type` whose member `member` is what `pointer` points to. The compiler refuses a
 * pointer to anything else than that member's type.
 */
#define jt_container_of(pointer, type, member)                                           \
    ({                                                                                   \
        _Static_assert(__builtin_types_compatible_p(__typeof__(*(pointer)),              \
                                                    __typeof__(((type *)NULL)->member)), \
                       "not a pointer to " #type "." #member);                           \
        (type *)(void *)((char *)(pointer)-offsetof(type, member));                      \
    })

#endif
