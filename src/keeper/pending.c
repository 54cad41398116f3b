/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/pending.h"

#include "base/random.h"
#include "base/secmem.h"

#include <string.h>

enum jt_err jt_pending_new(struct jt_pending **out)
{
    *out = jt_secmem_alloc(sizeof **out);
    return *out != NULL ? JT_OK : JT_ERR_NOMEM;
}

void jt_pending_free(struct jt_pending *p)
{
    jt_secmem_free(p, sizeof *p);
}

void jt_pending_clear(struct jt_pending *p)
{
    jt_wipe(p, sizeof *p);
}

void jt_pending_drop(struct jt_pending *p, struct jt_pending_one *one)
{
    p->n -= one->until_ms != 0;
    jt_wipe(one, sizeof *one);
}

void jt_pending_sweep(struct jt_pending *p, int64_t now_ms)
{
    for (size_t i = 0; i < JT_PARCEL_PENDING_MAX && p->n > 0; i++) {
        if (p->of[i].until_ms != 0 && p->of[i].until_ms <= now_ms) {
            jt_pending_drop(p, &p->of[i]);
        }
    }
}

struct jt_pending_one *jt_pending_find(struct jt_pending *p, uint64_t generation,
                                       const uint8_t check_value[static JT_CHECK_VALUE_LEN],
                                       int64_t now_ms)
{
    jt_pending_sweep(p, now_ms);
    for (size_t i = 0; i < JT_PARCEL_PENDING_MAX; i++) {
        struct jt_pending_one *one = &p->of[i];
        if (one->until_ms != 0 && one->request.generation == generation &&
            memcmp(one->request.check_value, check_value, JT_CHECK_VALUE_LEN) == 0) {
            return one;
        }
    }
    return NULL;
}

enum jt_err jt_pending_add(struct jt_pending *p, int64_t now_ms, struct jt_pending_one **out)
{
    jt_pending_sweep(p, now_ms);
    struct jt_pending_one *one = p->of;
    *out = NULL;
    if (p->n == JT_PARCEL_PENDING_MAX) {
        return JT_ERR_BUSY;
    }
    while (one->until_ms != 0) {
        one++;
    }
    enum jt_err err = jt_ecdh_generate(one->private_key, one->request.public_key);
    if (err == JT_OK) {
        jt_random_fill(one->request.challenge, sizeof one->request.challenge);
        one->until_ms = now_ms + JT_PARCEL_WAIT_MS;
        p->n++;
        *out = one;
    }
    return err;
}
