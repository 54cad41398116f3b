/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Honey cards: marked cards that nobody has a reason to read. Whenever one is opened, whole or
 * masked, the keeper writes an alarm to its own log, which no front can suppress, and tells the
 * front, which answers its client as ever and raises an alarm of its own.
 *
 * The set of marks lies sealed in the database, so that every keeper gets it, and in this keeper's
 * directory (file `honey`), so that nobody takes it away by way of the database. Sets have a total
 * order: the version, and of two of one version the greater tag. A keeper goes on with a set that
 * is greater than its own only, and gives its own out to be put back for any other.
 *
 * Which cards are marked is known to keepers, and to operators who ask with their key. It is no
 * secret of the keys' rank: ids and fields, in ordinary locked memory.
 */
#ifndef JETON_KEEPER_HONEY_H
#define JETON_KEEPER_HONEY_H

#include "base/fault.h"
#include "keeper/root.h"
#include "wire/honey.h"

struct jt_honey_mark {
    uint64_t id;
    uint32_t field;
};

/* An opened set. Marks ascend by id and field. */
struct jt_honey_set {
    uint64_t version; /* 0: none was made yet */
    size_t n;
    struct jt_honey_mark marks[JT_HONEY_MAX];
};

struct jt_honey {
    struct jt_honey_set set;
    struct jt_honey_sealed sealed; /* the same */
    bool wrong_told;               /* the log was told that the database has another one */
    uint64_t n_rung;               /* marked cards opened since the start */
    uint64_t n_untold;             /* of them: the log was not told yet */
    uint32_t last_field;           /* of the last of them */
    int64_t told_ms;
};

/* Whether the card is marked. */
bool jt_honey_has(const struct jt_honey_set *set, uint32_t field, uint64_t id);

/* JT_ERR_HONEY_THERE, JT_ERR_HONEY_FULL; JT_ERR_NO_HONEY. */
enum jt_err jt_honey_add(struct jt_honey_set *set, uint32_t field, uint64_t id) JT_CHECKED;
enum jt_err jt_honey_remove(struct jt_honey_set *set, uint32_t field, uint64_t id) JT_CHECKED;

enum jt_err jt_honey_seal(const struct jt_root *root, bool development,
                          const struct jt_honey_set *set, struct jt_honey_sealed *out) JT_CHECKED;
/* JT_ERR_FORGED for what no keeper of this service and environment sealed. */
enum jt_err jt_honey_open(const struct jt_root *root, bool development,
                          const struct jt_honey_sealed *sealed,
                          struct jt_honey_set *out) JT_CHECKED;

/* The file; JT_OK without one as well. JT_ERR_FILE_ALTERED, JT_ERR_FILE_UNSAFE, JT_ERR_IO. */
enum jt_err jt_honey_load(int dir_fd, const struct jt_root *root, bool development,
                          struct jt_honey *honey, struct jt_fault *fault) JT_CHECKED;

struct jt_keeper;

/* Goes on with a greater set, durably. The log has a line for it. */
enum jt_err jt_honey_accept(struct jt_keeper *k, const struct jt_honey_sealed *shown,
                            enum jt_honey_verdict *verdict) JT_CHECKED;

/* A marked card was opened: no line yet, so that its reply takes no longer than another. */
void jt_honey_rang(struct jt_honey *honey, uint32_t field);
/* Called when replies are out, and now and then: a line a second at most. */
void jt_honey_tell(struct jt_honey *honey);

#endif
