/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For how many connections there is room: file descriptors, shared out among the event loops.
 */
#ifndef JETON_FRONT_ROOM_H
#define JETON_FRONT_ROOM_H

#include "http/door.h"
#include "options/conf.h"

/*
 * Raises the soft limit of descriptors to the hard one and sizes the door of each of `n_loops`
 * loops, and the limit of all together. What databases, keeper and files need is left out, as are
 * two descriptors for each request that may be under way. The log is told, also where less than
 * was configured fits.
 */
void jt_room_make(const struct jt_conf *conf, int n_loops, struct jt_door_conf *out,
                  struct jt_door_shared *doors);

#endif
