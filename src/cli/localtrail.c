/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/localtrail.h"

#include "base/clock.h"
#include "base/random.h"
#include "store/chain.h"
#include "store/starts.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Until a link stands, what was opened before it may have been rolled back: it is opened anew. */
static enum jt_err open_start(void *arg, struct jt_chain *chain)
{
    const struct jt_localtrail *trail = arg;
    if (chain->number > 0) {
        return JT_OK;
    }
    struct jt_audit_start start = { .at_us = jt_clock_wall_us() };
    jt_random_fill(&start.id, sizeof start.id);
    start.id = (start.id & INT32_MAX) | 1;
    enum jt_err err = jt_keyclient_wait_audit_start(trail->keeper, &start, start.mac);
    if (err == JT_OK) {
        jt_chain_begin(chain, start.id, 0, start.mac);
        err = jt_start_insert(trail->db, &start);
    }
    return err;
}

static enum jt_err sign_link(void *arg, const struct jt_audit_link *link,
                             uint8_t head[static JT_ROW_MAC_LEN])
{
    const struct jt_localtrail *trail = arg;
    return jt_keyclient_wait_audit_link(trail->keeper, link, head);
}

void jt_localtrail(struct jt_localtrail *trail)
{
    const struct jt_chain_owner owner = { open_start, sign_link, NULL, trail };
    jt_db_chain(trail->db, &owner);
}

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
void jt_localtrail_actor(char actor[static JT_ACTOR_MAX + 1])
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
        (void)snprintf(actor, JT_ACTOR_MAX + 1, "local:%s", name);
    } else {
        (void)snprintf(actor, JT_ACTOR_MAX + 1, "local:%s (%.24s)", name, login);
    }
}
