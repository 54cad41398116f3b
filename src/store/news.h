/* SPDX-License-Identifier: Apache-2.0 */
/*
 * News from node to node, by NOTIFY: something changed that others read once a second anyway (the
 * ring, clients and fields, questions and answers about keys), so they may as well look now. A
 * notice says nothing of its own and is believed in nothing; one that is lost costs a second.
 */
#ifndef JETON_STORE_NEWS_H
#define JETON_STORE_NEWS_H

#include "store/db.h"

/*
 * Tells all nodes: inside a transaction when it commits, else at once. What goes wrong here is none
 * of the caller's business: in a transaction it fails that, and is noticed there.
 */
void jt_news_tell(struct jt_db *db);

/*
 * Waits until there is news, or `wake_fd` can be read, or for `timeout_ms`. *news: there is some,
 * or there may have been, since the connection was made anew.
 */
enum jt_err jt_news_wait(struct jt_db *db, int wake_fd, int timeout_ms, bool *news) JT_CHECKED;

#endif
