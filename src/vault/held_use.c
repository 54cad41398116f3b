/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/held_use.h"

#include "vault/vault.h"
#include "vault/workers.h"

#include <stdlib.h>

void jt_held_use_init(struct jt_held_use *u)
{
    *u = (struct jt_held_use){ .mutex = PTHREAD_MUTEX_INITIALIZER };
}

void jt_held_use_clear(struct jt_held_use *u)
{
    free(u->noted);
    u->noted = NULL;
    u->n = u->room = 0;
}

/* Its place, or a new one; NULL: no memory. There are as many as fields times generations in use.
 */
static struct jt_held_used *place_of(struct jt_held_use *u, uint32_t field, uint64_t generation)
{
    for (size_t i = 0; i < u->n; i++) {
        if (u->noted[i].field == field && u->noted[i].generation == generation) {
            return &u->noted[i];
        }
    }
    if (u->n == u->room) {
        size_t room = u->room == 0 ? 16 : 2 * u->room;
        struct jt_held_used *larger = realloc(u->noted, room * sizeof *larger);
        if (larger == NULL) {
            return NULL;
        }
        u->noted = larger;
        u->room = room;
    }
    u->noted[u->n] = (struct jt_held_used){ .field = field, .generation = generation };
    return &u->noted[u->n++];
}

void jt_held_use_note(struct jt_held_use *u, uint32_t field, uint64_t generation, bool sealed,
                      bool opened)
{
    pthread_mutex_lock(&u->mutex);
    struct jt_held_used *place = place_of(u, field, generation);
    if (place != NULL) {
        place->sealed = place->sealed || sealed;
        place->opened = place->opened || opened;
    }
    pthread_mutex_unlock(&u->mutex);
}

enum jt_err jt_held_use_write(struct jt_work_ctx *ctx)
{
    struct jt_held_use *u = &ctx->vault->held_use;
    pthread_mutex_lock(&u->mutex);
    struct jt_held_used *noted = u->noted;
    size_t n = u->n;
    u->noted = NULL;
    u->n = u->room = 0;
    pthread_mutex_unlock(&u->mutex);
    enum jt_err err = n == 0 ? JT_OK : jt_held_use_record(ctx->db, ctx->vault->node.name, noted, n);
    for (size_t i = 0; i < n && err != JT_OK; i++) {
        jt_held_use_note(u, noted[i].field, noted[i].generation, noted[i].sealed, noted[i].opened);
    }
    free(noted);
    return err;
}
