/* SPDX-License-Identifier: Apache-2.0 */
#include "front/guard.h"

#include "base/secmem.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define LOCKABLE_BYTES (1024u << 20) /* bodies and replies of thousands of connections */

enum jt_err jt_guard_memory(struct jt_fault *fault)
{
    enum jt_err err = JT_OK;
    struct rlimit none = { 0, 0 };
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        err = jt_fault_set(fault, JT_ERR_UNPROTECTED, "cannot forbid core dumps: %s",
                           strerror(errno));
    }
    if (!jt_secmem_lock_process(LOCKABLE_BYTES)) {
        err = jt_fault_set(fault, JT_ERR_UNPROTECTED,
                           "memory cannot be locked (%s), so card numbers may reach swap; raise "
                           "the limit (LimitMEMLOCK=infinity, ulimit -l)",
                           strerror(errno));
    }
    return err;
}
