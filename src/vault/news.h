/* SPDX-License-Identifier: Apache-2.0 */
/*
 * News from other nodes (store/news.h), by a thread with a connection of its own: the duties that
 * look at the database once a second look at once. So a new key is on every node, and a change of
 * clients or of the ring known, within milliseconds. Nothing relies on it: without it everything
 * comes with the next second.
 */
#ifndef JETON_VAULT_NEWS_H
#define JETON_VAULT_NEWS_H

#include "vault/workers.h"

struct jt_news;

/* After membership and delivery. What jt_work_ctx_init says; then *out is to be stopped too. */
enum jt_err jt_news_start(struct jt_vault *vault, struct jt_news **out) JT_CHECKED;

/* NULL is accepted. */
void jt_news_stop(struct jt_news *news);

#endif
