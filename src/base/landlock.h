/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that a process leaves to itself, by Landlock (landlock(7)): whatever name or descriptor
 * leads to any other file, it cannot be opened, made, renamed or removed any more. What is open
 * stays so. It holds for the thread that calls and for those that it starts afterwards.
 */
#ifndef JETON_BASE_LANDLOCK_H
#define JETON_BASE_LANDLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/landlock.h>

#define JT_LANDLOCK_TRUNCATE (UINT64_C(1) << 14) /* which Debian 12's headers do not know */
#define JT_LANDLOCK_READ     (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* To make files, write and replace them. */
#define JT_LANDLOCK_WRITE                                          \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | JT_LANDLOCK_TRUNCATE)

struct jt_landlock {
    int ruleset;      /* -1: none */
    uint64_t handled; /* rights that the kernel knows: nobody has them but by a rule */
};

/*
 * Begins a set of rules by which nothing is allowed. False with errno: ENOSYS or EOPNOTSUPP where
 * the kernel has no Landlock, or has it switched off, or a filter of system calls keeps it from us.
 */
bool jt_landlock_begin(struct jt_landlock *l);

/* Lets `rights` be used below the directory, or on the file, behind `fd`. False with errno. */
bool jt_landlock_allow(const struct jt_landlock *l, int fd, uint64_t rights);

/* From here on the rules hold; they end with the process. False with errno. */
bool jt_landlock_confine(const struct jt_landlock *l);

/* Keeps errno. */
void jt_landlock_end(struct jt_landlock *l);

/* Whether errno says that this kernel has no Landlock. */
bool jt_landlock_is_absent(void);

#endif
