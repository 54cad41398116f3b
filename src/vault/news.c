/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/news.h"

#include "store/news.h"
#include "vault/delivery.h"
#include "vault/membership.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WAIT_MS  60000
#define AGAIN_MS 1000 /* after the database could not be reached */
/* However many notices come: whoever can write to the database can send any number. */
#define PAUSE_MS 25

struct jt_news {
    struct jt_work_ctx ctx;
    pthread_t thread;
    bool started;
    int wake_fd; /* can be read when the thread is to end */
};

/* False when it is to end. */
static bool pause_for(const struct jt_news *news, int ms)
{
    struct pollfd p = { .fd = news->wake_fd, .events = POLLIN };
    return poll(&p, 1, ms) <= 0;
}

static void *work(void *arg)
{
    struct jt_news *news = arg;
    struct jt_vault *vault = news->ctx.vault;
    bool any = false, good = true;
    while (pause_for(news, !good ? AGAIN_MS : any ? PAUSE_MS : 0)) {
        jt_work_about(&news->ctx, "news of other nodes");
        good = jt_news_wait(news->ctx.db, news->wake_fd, WAIT_MS, &any) == JT_OK;
        if (any) {
            jt_delivery_nudge(vault);
            jt_membership_nudge(vault);
        }
    }
    return NULL;
}

enum jt_err jt_news_start(struct jt_vault *vault, struct jt_news **out)
{
    struct jt_news *news = calloc(1, sizeof *news);
    *out = news;
    if (news == NULL) {
        return JT_ERR_NOMEM;
    }
    news->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum jt_err err = jt_work_ctx_init(&news->ctx, vault, "jetond news", JT_STATEMENT_TIMEOUT_MS);
    if (err == JT_OK && news->wake_fd < 0) {
        err = JT_ERR_IO;
    }
    if (err == JT_OK) {
        news->started = pthread_create(&news->thread, NULL, work, news) == 0;
        err = news->started ? JT_OK : JT_ERR_NOMEM;
    }
    return err;
}

void jt_news_stop(struct jt_news *news)
{
    if (news == NULL) {
        return;
    }
    if (news->started) {
        eventfd_write(news->wake_fd, 1);
        pthread_join(news->thread, NULL);
    }
    if (news->wake_fd >= 0) {
        close(news->wake_fd);
    }
    jt_work_ctx_clear(&news->ctx);
    free(news);
}
