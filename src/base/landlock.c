/* SPDX-License-Identifier: Apache-2.0 */
#include "base/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Those that a file can have which is no directory. */
#define OF_A_FILE                                                                                \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | \
     JT_LANDLOCK_TRUNCATE)

/*
 * Everything about files that a kernel's Landlock can refuse: what is not named here stays allowed.
 * Later versions know more than the headers may.
 */
static uint64_t rights_of(int version)
{
    uint64_t rights = (UINT64_C(1) << 13) - 1;      /* version 1: execute up to make_sym */
    rights |= version >= 2 ? UINT64_C(1) << 13 : 0; /* refer: to another directory */
    rights |= version >= 3 ? JT_LANDLOCK_TRUNCATE : 0;
    return rights;
}

bool jt_landlock_begin(struct jt_landlock *l)
{
    *l = (struct jt_landlock){ .ruleset = -1 };
    int version =
        (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        /* who filters our system calls knows no better than a kernel that is too old */
        errno = errno == EPERM ? ENOSYS : errno;
        return false;
    }
    l->handled = rights_of(version);
    struct landlock_ruleset_attr attr = { .handled_access_fs = l->handled };
    l->ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    return l->ruleset >= 0;
}

bool jt_landlock_allow(const struct jt_landlock *l, int fd, uint64_t rights)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return false;
    }
    struct landlock_path_beneath_attr beneath = {
        .allowed_access = rights & l->handled & (S_ISDIR(st.st_mode) ? l->handled : OF_A_FILE),
        .parent_fd = fd,
    };
    return beneath.allowed_access == 0 ||
           syscall(SYS_landlock_add_rule, l->ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0;
}

bool jt_landlock_confine(const struct jt_landlock *l)
{
    return syscall(SYS_landlock_restrict_self, l->ruleset, 0) == 0;
}

void jt_landlock_end(struct jt_landlock *l)
{
    int saved = errno;
    if (l->ruleset >= 0) {
        close(l->ruleset);
    }
    l->ruleset = -1;
    errno = saved;
}

bool jt_landlock_is_absent(void)
{
    return errno == ENOSYS || errno == EOPNOTSUPP;
}
