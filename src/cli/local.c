/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/local.h"

#include "cli/database.h"
#include "cli/exit.h"
#include "store/migrate.h"
#include "store/ring.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Who logged in, as the kernel keeps it whatever was run since; else who says that he used sudo. */
static const char *login_name(void)
{
    char text[16] = "";
    int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) {
        close(fd);
    }
    unsigned long uid = len > 0 ? strtoul(text, NULL, 10) : UINT32_MAX;
    const struct passwd *user = uid < UINT32_MAX ? getpwuid((uid_t)uid) : NULL;
    return user != NULL ? user->pw_name : getenv("SUDO_USER");
}

/* "local:", the user who runs the command, and in parentheses who that is. */
void jt_local_actor(char out[static JT_ACTOR_MAX + 1])
{
    const struct passwd *user = getpwuid(getuid());
    char name[25];
    if (user != NULL) {
        (void)snprintf(name, sizeof name, "%s", user->pw_name);
    } else {
        (void)snprintf(name, sizeof name, "%u", (unsigned)getuid());
    }
    const char *login = login_name();
    if (login == NULL || strcmp(login, name) == 0) {
        (void)snprintf(out, JT_ACTOR_MAX + 1, "local:%s", name);
    } else {
        (void)snprintf(out, JT_ACTOR_MAX + 1, "local:%s (%.24s)", name, login);
    }
}

int jt_local_database(struct jt_db *db, struct jt_keyclient *keeper)
{
    int found = 0;
    struct jt_ring_row ring;
    bool joined;
    enum jt_err err = jt_migrate_check(db, &found);
    if (err == JT_ERR_MIGRATION_FOREIGN) {
        jt_complain("the database's tables are not those of this program: run jeton migrate first");
        return JT_EXIT_FAILED;
    }
    if (err == JT_OK) {
        err = jt_ring_read(db, &ring);
    }
    if (err != JT_OK) {
        return jt_database_complain(db, "cannot read the database", err);
    }
    err = jt_keyclient_wait_ring_accept(keeper, &ring, &joined);
    if (err != JT_OK) {
        jt_complain("this keeper does not serve that database: %s", jt_err_str(err));
        return JT_EXIT_FAILED;
    }
    return JT_EXIT_OK;
}
