/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's directory: owned by its user, 0700, locked by one keeper at a time, and holding
 * nothing but
 *
 *   master.key                the master key file (keeper/master.h)
 *   service-root.key          the service root (keeper/root.h)
 *   state                     the state file (keeper/state.h)
 *   rotation                  key files that are to take the place of others (keeper/rotation.h)
 *   custodians, destructions  whose files say what they are (keeper/custodians.h, destructions.h)
 *   generation-<number>.key   one key file a generation (keeper/genfile.h), the number in decimal
 * without leading zeros generation-<number>.used  the mark of one that has been in a ring
 * (keeper/genmark.h)
 *
 * each a regular file of that user, 0600, under one name only. Anything else there makes the keeper
 * refuse to start: a stranger's file in this directory means that somebody else can write to it.
 * What a crash may leave behind ("<name>.new", see base/file.h) is removed.
 */
#ifndef JETON_KEEPER_KEYDIR_H
#define JETON_KEEPER_KEYDIR_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JT_KEYDIR_MASTER          "master.key"
#define JT_KEYDIR_ROOT            "service-root.key"
#define JT_KEYDIR_STATE           "state"
#define JT_KEYDIR_HONEY           "honey"        /* keeper/honey.h */
#define JT_KEYDIR_CUSTODIANS      "custodians"   /* keeper/custodians.h */
#define JT_KEYDIR_DESTRUCTIONS    "destructions" /* keeper/destructions.h */
#define JT_KEYDIR_ROTATION        "rotation"     /* keeper/rotation.h */
#define JT_KEYDIR_NAME_LEN        48
#define JT_KEYDIR_MAX_GENERATIONS 255 /* as many as there are key ids */

struct jt_keydir {
    bool master, root, state, honey;
    bool rotation; /* a rotation of the master key is to be ended: keeper/rotation.h */
    size_t n_generations;
    uint64_t generations[JT_KEYDIR_MAX_GENERATIONS]; /* ascending */
    size_t n_marks;
    uint64_t marks[JT_KEYDIR_MAX_GENERATIONS]; /* generations with a mark, in no order */
};

/*
 * Makes the directory, 0700, unless it is there; durable either way. Its parent must exist.
 * JT_ERR_IO.
 */
enum jt_err jt_keydir_make(const char *path, struct jt_fault *fault) JT_CHECKED;

/*
 * A file of the directory, of at most `max` bytes, into `out`, which is initialised here and to be
 * cleared by the caller whatever happens. `fault` names the file and what is wrong with it:
 * JT_ERR_FILE_UNSAFE for what is no regular file of this user alone, JT_ERR_FILE_ALTERED for a
 * longer one, JT_ERR_IO. JT_ERR_NO_FILE is left for the caller to judge.
 */
enum jt_err jt_keydir_read(int dir_fd, const char *name, size_t max, struct jt_buf *out,
                           struct jt_fault *fault) JT_CHECKED;

/*
 * jt_file_write_new and jt_file_replace (base/file.h). The log says which file could not be written
 * and why, once until something is written again: whoever asked is only told that something failed.
 */
enum jt_err jt_keydir_write_new(int dir_fd, const char *name, const void *data,
                                size_t len) JT_CHECKED;
enum jt_err jt_keydir_replace(int dir_fd, const char *name, const void *data,
                              size_t len) JT_CHECKED;

/*
 * Opens and locks it; closing *dir_fd gives the lock back. JT_ERR_FILE_UNSAFE when it is not a
 * directory of this user without access for group and others, or is reached by a symbolic link;
 * JT_ERR_IN_USE when another keeper has it; JT_ERR_IO.
 */
enum jt_err jt_keydir_open(const char *path, int *dir_fd, struct jt_fault *fault) JT_CHECKED;

/*
 * Removes left-overs, lists the rest and makes that durable: a keeper that was killed may not have
 * come to it. JT_ERR_FILE_UNSAFE for anything that does not belong there, JT_ERR_IO.
 */
enum jt_err jt_keydir_list(int dir_fd, struct jt_keydir *out, struct jt_fault *fault) JT_CHECKED;

/* The same without touching anything; left-overs are passed over. */
enum jt_err jt_keydir_look(int dir_fd, struct jt_keydir *out, struct jt_fault *fault) JT_CHECKED;

/* The names of a generation's key file and of its mark. */
void jt_keydir_generation_name(uint64_t number, char out[static JT_KEYDIR_NAME_LEN]);
void jt_keydir_mark_name(uint64_t number, char out[static JT_KEYDIR_NAME_LEN]);

/*
 * Overwrites and unlinks a file, and syncs the directory. JT_ERR_NO_FILE, of which the directory is
 * synced as well; JT_ERR_IO: what is left of it may be a left-over, which another try ends.
 */
enum jt_err jt_keydir_erase(int dir_fd, const char *name) JT_CHECKED;

/* jt_file_replace, and what was there before is overwritten once the new contents are durable. */
enum jt_err jt_keydir_renew(int dir_fd, const char *name, const void *data, size_t len) JT_CHECKED;

/*
 * Whether `path` still names the directory that is open as `dir_fd`, private and this user's.
 * JT_ERR_IO when not; `fault` says why.
 */
enum jt_err jt_keydir_same(const char *path, int dir_fd, struct jt_fault *fault) JT_CHECKED;

#endif
