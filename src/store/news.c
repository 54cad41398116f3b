/* SPDX-License-Identifier: Apache-2.0 */
#include "store/news.h"

#include "store/query.h"

#include <poll.h>

void jt_news_tell(struct jt_db *db)
{
    enum jt_err err = jt_db_script(db, "NOTIFY jeton");
    (void)err;
}

/* Takes what has come. */
static bool take_notices(struct jt_db *db)
{
    bool any = false;
    for (PGnotify *notice = PQnotifies(db->conn); notice != NULL; notice = PQnotifies(db->conn)) {
        PQfreemem(notice);
        any = true;
    }
    return any;
}

static enum jt_err listen_now(struct jt_db *db, bool *began)
{
    enum jt_err err = jt_db_ensure(db);
    *began = err == JT_OK && !db->listens;
    if (*began) {
        err = jt_db_script(db, "LISTEN jeton");
        db->listens = err == JT_OK;
    }
    return err;
}

enum jt_err jt_news_wait(struct jt_db *db, int wake_fd, int timeout_ms, bool *news)
{
    bool began;
    *news = false;
    enum jt_err err = listen_now(db, &began);
    if (err != JT_OK) {
        return err;
    }
    *news = take_notices(db) || began;
    struct pollfd fds[] = { { .fd = wake_fd, .events = POLLIN },
                            { .fd = PQsocket(db->conn), .events = POLLIN } };
    if (!*news && poll(fds, 2, timeout_ms) > 0 && fds[1].revents != 0) {
        err = PQconsumeInput(db->conn) ? JT_OK : JT_ERR_DB_AWAY;
        *news = err == JT_OK && take_notices(db);
    }
    return err;
}
