/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/honey.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/secmem.h"
#include "crypto/siv.h"
#include "keeper/keeper.h"
#include "keeper/keydir.h"

#include <inttypes.h>
#include <string.h>

#define FORMAT     1
#define TELL_MS    1000
#define MARK_LEN   (4 + 8)
#define VERSION_AT 12 /* in the header */

_Static_assert(JT_HONEY_SEALED_LEN == JT_HONEY_HEADER_LEN + JT_SIV_TAG_LEN + JT_HONEY_BODY_LEN,
               "a tag is one of SIV");

static const char magic[8] = { 'J', 'T', 'K', 'H', 'O', 'N', 'E', 'Y' };

/* --- marks --- */

static int compare(const struct jt_honey_mark *mark, uint32_t field, uint64_t id)
{
    return mark->id != id         ? (mark->id < id ? -1 : 1)
           : mark->field != field ? (mark->field < field ? -1 : 1)
                                  : 0;
}

/* The place of the first mark that is not less. */
static size_t place_of(const struct jt_honey_set *set, uint32_t field, uint64_t id)
{
    size_t from = 0, to = set->n;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (compare(&set->marks[middle], field, id) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

bool jt_honey_has(const struct jt_honey_set *set, uint32_t field, uint64_t id)
{
    size_t at = place_of(set, field, id);
    return at < set->n && compare(&set->marks[at], field, id) == 0;
}

enum jt_err jt_honey_add(struct jt_honey_set *set, uint32_t field, uint64_t id)
{
    size_t at = place_of(set, field, id);
    if (jt_honey_has(set, field, id)) {
        return JT_ERR_HONEY_THERE;
    }
    if (set->n == JT_HONEY_MAX) {
        return JT_ERR_HONEY_FULL;
    }
    memmove(&set->marks[at + 1], &set->marks[at], (set->n - at) * sizeof set->marks[0]);
    set->marks[at] = (struct jt_honey_mark){ .id = id, .field = field };
    set->n++;
    set->version++;
    return JT_OK;
}

enum jt_err jt_honey_remove(struct jt_honey_set *set, uint32_t field, uint64_t id)
{
    size_t at = place_of(set, field, id);
    if (!jt_honey_has(set, field, id)) {
        return JT_ERR_NO_HONEY;
    }
    set->n--;
    memmove(&set->marks[at], &set->marks[at + 1], (set->n - at) * sizeof set->marks[0]);
    set->version++;
    return JT_OK;
}

/* --- sealed --- */

static void put_header(bool development, uint64_t version, uint8_t out[static JT_HONEY_HEADER_LEN])
{
    memcpy(out, magic, sizeof magic);
    out[8] = FORMAT;
    out[9] = development ? JT_ENVIRONMENT_DEVELOPMENT : JT_ENVIRONMENT_PRODUCTION;
    jt_put_u16(out + 10, 0);
    jt_put_u64(out + VERSION_AT, version);
}

enum jt_err jt_honey_seal(const struct jt_root *root, bool development,
                          const struct jt_honey_set *set, struct jt_honey_sealed *out)
{
    uint8_t body[JT_HONEY_BODY_LEN] = { 0 };
    jt_put_u16(body, (uint16_t)set->n);
    for (size_t i = 0; i < set->n; i++) {
        jt_put_u32(body + 2 + i * MARK_LEN, set->marks[i].field);
        jt_put_u64(body + 2 + i * MARK_LEN + 4, set->marks[i].id);
    }
    put_header(development, set->version, out->bytes);
    out->len = JT_HONEY_SEALED_LEN;
    const struct jt_bytes ad = { out->bytes, JT_HONEY_HEADER_LEN };
    return jt_siv_seal(root->honey, &ad, 1, body, sizeof body, out->bytes + JT_HONEY_HEADER_LEN);
}

/* What only a keeper wrote is in form, or the keeper had a fault. */
static enum jt_err take_body(const uint8_t *body, struct jt_honey_set *out)
{
    size_t n = (size_t)body[0] << 8 | body[1];
    if (n > JT_HONEY_MAX) {
        return JT_ERR_FORGED;
    }
    for (size_t i = 0; i < n; i++) {
        const uint8_t *mark = body + 2 + i * MARK_LEN;
        out->marks[i] =
            (struct jt_honey_mark){ .id = jt_get_u64(mark + 4), .field = jt_get_u32(mark) };
        if (i > 0 && compare(&out->marks[i - 1], out->marks[i].field, out->marks[i].id) >= 0) {
            return JT_ERR_FORGED;
        }
    }
    out->n = n;
    return JT_OK;
}

enum jt_err jt_honey_open(const struct jt_root *root, bool development,
                          const struct jt_honey_sealed *sealed, struct jt_honey_set *out)
{
    uint8_t header[JT_HONEY_HEADER_LEN], body[JT_HONEY_BODY_LEN];
    *out = (struct jt_honey_set){ 0 };
    if (sealed->len == 0) {
        return JT_OK;
    }
    out->version = jt_get_u64(sealed->bytes + VERSION_AT);
    put_header(development, out->version, header);
    if (sealed->len != JT_HONEY_SEALED_LEN || memcmp(header, sealed->bytes, sizeof header) != 0) {
        return JT_ERR_FORGED;
    }
    const struct jt_bytes ad = { header, sizeof header };
    enum jt_err err = jt_siv_open(root->honey, &ad, 1, sealed->bytes + JT_HONEY_HEADER_LEN,
                                  JT_SIV_TAG_LEN + JT_HONEY_BODY_LEN, body);
    err = err == JT_ERR_DECRYPT ? JT_ERR_FORGED : err;
    return err == JT_OK ? take_body(body, out) : err;
}

enum jt_err jt_honey_load(int dir_fd, const struct jt_root *root, bool development,
                          struct jt_honey *honey, struct jt_fault *fault)
{
    struct jt_buf file;
    enum jt_err err = jt_keydir_read(dir_fd, JT_KEYDIR_HONEY, JT_HONEY_SEALED_LEN, &file, fault);
    if (err == JT_ERR_NO_FILE) {
        jt_buf_clear(&file);
        return JT_OK;
    }
    if (err == JT_OK && file.len != JT_HONEY_SEALED_LEN) {
        err = JT_ERR_FILE_ALTERED;
    }
    if (err == JT_OK) {
        honey->sealed.len = JT_HONEY_SEALED_LEN;
        memcpy(honey->sealed.bytes, file.data, JT_HONEY_SEALED_LEN);
        err = jt_honey_open(root, development, &honey->sealed, &honey->set);
        err = err == JT_ERR_FORGED ? JT_ERR_FILE_ALTERED : err;
    }
    if (err != JT_OK) {
        jt_fault_set(fault, err, JT_KEYDIR_HONEY);
    }
    jt_buf_clear(&file);
    return err;
}

/* --- the database's --- */

static int compare_sealed(const struct jt_honey_sealed *a, const struct jt_honey_sealed *b)
{
    /* big-endian version, then the tag */
    size_t n = JT_HONEY_HEADER_LEN - VERSION_AT + JT_SIV_TAG_LEN;
    return a->len != b->len ? (a->len < b->len ? -1 : 1)
           : a->len == 0    ? 0
                            : memcmp(a->bytes + VERSION_AT, b->bytes + VERSION_AT, n);
}

static enum jt_err go_on_with(struct jt_keeper *k, const struct jt_honey_sealed *shown,
                              const struct jt_honey_set *set)
{
    enum jt_err err = jt_keydir_replace(k->dir_fd, JT_KEYDIR_HONEY, shown->bytes, shown->len);
    if (err == JT_OK) {
        jt_log(JT_LOG_WARNING, "honey marks: version %" PRIu64 ", %zu cards, where %zu were",
               set->version, set->n, k->honey.set.n);
        k->honey.set = *set;
        k->honey.sealed = *shown;
    }
    return err;
}

/* Once for each time that it is so. */
static void tell_wrong(struct jt_honey *honey, enum jt_honey_verdict verdict)
{
    bool wrong = verdict == JT_HONEY_OLDER || verdict == JT_HONEY_FOREIGN;
    if (wrong && !honey->wrong_told) {
        jt_log(JT_LOG_ERROR,
               "alarm: the honey marks in the database are %s; this keeper goes on with its own",
               verdict == JT_HONEY_OLDER ? "gone, or older than those that were seen"
                                         : "not authentic");
    }
    honey->wrong_told = wrong;
}

enum jt_err jt_honey_accept(struct jt_keeper *k, const struct jt_honey_sealed *shown,
                            enum jt_honey_verdict *verdict)
{
    struct jt_honey_set set;
    enum jt_err err = JT_OK;
    int order = compare_sealed(shown, &k->honey.sealed);
    bool same = order == 0 && memcmp(shown->bytes, k->honey.sealed.bytes, shown->len) == 0;
    *verdict = JT_HONEY_SAME;
    if (!same) {
        err = jt_honey_open(k->root, k->development, shown, &set);
        *verdict = err != JT_OK ? JT_HONEY_FOREIGN : order > 0 ? JT_HONEY_NEWER : JT_HONEY_OLDER;
        if (err == JT_OK && order > 0) {
            err = go_on_with(k, shown, &set);
        }
    }
    err = err == JT_ERR_FORGED ? JT_OK : err;
    if (err == JT_OK) { /* what could not be looked at is no reason for an alarm */
        tell_wrong(&k->honey, *verdict);
    }
    return err;
}

/* --- alarms --- */

void jt_honey_rang(struct jt_honey *honey, uint32_t field)
{
    honey->n_rung++;
    honey->n_untold++;
    honey->last_field = field;
}

void jt_honey_tell(struct jt_honey *honey)
{
    int64_t now = jt_clock_ms();
    if (honey->n_untold == 0 || (honey->told_ms != 0 && now - honey->told_ms < TELL_MS)) {
        return;
    }
    jt_log(JT_LOG_ERROR,
           "alarm: honey: %" PRIu64 " marked cards were opened, the last in field %" PRIu32
           "; %" PRIu64 " since the start",
           honey->n_untold, honey->last_field, honey->n_rung);
    honey->n_untold = 0;
    honey->told_ms = now;
}
