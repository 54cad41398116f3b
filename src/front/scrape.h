/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /metrics, on a loopback port of its own and in a thread of its own: whoever can reach it
 * needs no key and can do nothing else, and no scrape holds up a request. Keeper and tally are
 * asked by a worker, at most once in five seconds however often it is scraped; everything else is
 * as it stands.
 */
#ifndef JETON_FRONT_SCRAPE_H
#define JETON_FRONT_SCRAPE_H

#include "front/loop.h"

struct jt_scrape;

/*
 * Takes over the listening socket, also on failure. `loops`, `n_loops` of them, and `doors` are
 * read until jt_scrape_join.
 */
enum jt_err jt_scrape_start(struct jt_vault *vault, int listen_fd, struct jt_front_loop *loops,
                            int n_loops, struct jt_door_shared *doors,
                            struct jt_scrape **out) JT_CHECKED;

/* Ends serving; before the workers are stopped. NULL is accepted, as by jt_scrape_free. */
void jt_scrape_join(struct jt_scrape *scrape);

/* After the workers have been stopped. */
void jt_scrape_free(struct jt_scrape *scrape);

#endif
