/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/module.h"

#include "cli/exit.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BY_OTHERS (S_IWGRP | S_IWOTH)

/* Whether only root and this user can change what stands there. */
static bool is_safe(const char *path)
{
    struct stat s;
    if (lstat(path, &s) != 0 || (s.st_uid != 0 && s.st_uid != geteuid())) {
        return false;
    }
    /* in a sticky directory nobody can replace what is another's */
    bool sticky = S_ISDIR(s.st_mode) && (s.st_mode & S_ISVTX) != 0;
    return (S_ISDIR(s.st_mode) || S_ISREG(s.st_mode)) && ((s.st_mode & BY_OTHERS) == 0 || sticky);
}

/* The file and all directories above it, of a path without symbolic links. */
static bool is_safe_to_root(const char *path)
{
    char part[PATH_MAX];
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        memcpy(part, path, (size_t)(slash - path));
        part[slash - path] = '\0';
        if (!is_safe(part)) {
            return false;
        }
    }
    return is_safe("/") && is_safe(path);
}

static int find_file(const char *path, char out[static PATH_MAX])
{
    struct stat s;
    if (path[0] == '\0') {
        jt_complain("no module of a hardware token is named: set pkcs11_module in [keeper]");
        return JT_EXIT_CONFIG;
    }
    if (path[0] != '/' || realpath(path, out) == NULL || stat(out, &s) != 0) {
        jt_complain("pkcs11_module %s: %s", path,
                    path[0] != '/' ? "must be a path from /" : strerror(errno));
        return JT_EXIT_CONFIG;
    }
    if (!S_ISREG(s.st_mode) || !is_safe_to_root(out)) {
        jt_complain("pkcs11_module %s: refused: it, or a directory above it, can be changed by "
                    "others than root and this user, or it is no file",
                    path);
        return JT_EXIT_CONFIG;
    }
    return JT_EXIT_OK;
}

static int initialize(struct jt_pkcs11_module *m)
{
    /* from one thread only: no locks are needed */
    CK_RV rv = m->f->C_Initialize(NULL);
    return rv == CKR_OK ? JT_EXIT_OK : jt_pkcs11_failed("the module cannot begin", rv);
}

int jt_pkcs11_module_load(const char *path, struct jt_pkcs11_module *out)
{
    char real[PATH_MAX];
    *out = (struct jt_pkcs11_module){ 0 };
    int code = find_file(path, real);
    if (code != JT_EXIT_OK) {
        return code;
    }
    void *library = dlopen(real, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        jt_complain("pkcs11_module cannot be loaded: %s", dlerror());
        return JT_EXIT_CONFIG;
    }
    union { /* a pointer to data made one to a function, as dlsym(3) has it */
        void *found;
        CK_C_GetFunctionList list;
    } entry = { .found = dlsym(library, "C_GetFunctionList") };
    CK_FUNCTION_LIST *f = NULL;
    if (entry.found == NULL || entry.list(&f) != CKR_OK || f == NULL || f->version.major < 2) {
        jt_complain("pkcs11_module %s is not a PKCS #11 module", path);
        (void)dlclose(library);
        return JT_EXIT_CONFIG;
    }
    *out = (struct jt_pkcs11_module){ library, f };
    code = initialize(out);
    if (code != JT_EXIT_OK) {
        out->f = NULL;
    }
    return code;
}

void jt_pkcs11_module_end(struct jt_pkcs11_module *m)
{
    if (m->f != NULL) {
        (void)m->f->C_Finalize(NULL);
    }
    /* its library stays: the process ends, and threads of its own may still run in it */
    m->f = NULL;
}

int jt_pkcs11_failed(const char *what, CK_RV rv)
{
    static const struct {
        CK_RV rv;
        const char *why;
        int code;
    } known[] = {
        { CKR_HOST_MEMORY, "out of memory", JT_EXIT_FAILED },
        { CKR_DEVICE_MEMORY, "the token is full", JT_EXIT_FAILED },
        { CKR_DEVICE_ERROR, "the token reports an error of its own", JT_EXIT_UNAVAILABLE },
        { CKR_DEVICE_REMOVED, "the token was taken away", JT_EXIT_UNAVAILABLE },
        { CKR_TOKEN_NOT_PRESENT, "the token is not there", JT_EXIT_UNAVAILABLE },
        { CKR_TOKEN_WRITE_PROTECTED, "the token cannot be written to", JT_EXIT_FAILED },
        { CKR_PIN_LOCKED,
          "its PIN is locked after too many wrong ones, and its security officer has to set a new "
          "one",
          JT_EXIT_DENIED },
        { CKR_PIN_EXPIRED, "its PIN has expired and must be changed first", JT_EXIT_DENIED },
        { CKR_USER_PIN_NOT_INITIALIZED, "it has no PIN for users yet", JT_EXIT_DENIED },
        { CKR_USER_NOT_LOGGED_IN, "it wants a PIN and got none", JT_EXIT_DENIED },
        { CKR_MECHANISM_INVALID, "it does not know the mechanism", JT_EXIT_FAILED },
        { CKR_MECHANISM_PARAM_INVALID, "it does not take the mechanism's parameters",
          JT_EXIT_FAILED },
        { CKR_KEY_FUNCTION_NOT_PERMITTED, "the key may not be used for this", JT_EXIT_FAILED },
        { CKR_FUNCTION_CANCELED, "it was cancelled", JT_EXIT_FAILED },
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].rv == rv) {
            jt_complain("hardware token: %s: %s", what, known[i].why);
            return known[i].code;
        }
    }
    jt_complain("hardware token: %s: the module returns 0x%lx", what, (unsigned long)rv);
    return JT_EXIT_FAILED;
}
