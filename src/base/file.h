/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files that must survive a crash or be read whole: key files, state files, credentials.
 *
 * jt_file_write_new and jt_file_replace return only after the bytes and the directory entry are on
 * disk (fsync of both) and have been read back and compared. Files are 0600 from the moment they
 * exist. `dir_fd` is an open directory, not AT_FDCWD: it is what gets synced. A crash may leave
 * "NAME.new" behind, never a half-written NAME; the next write of NAME clears it away. Nothing
 * keeps two writers of one name apart: the caller holds a lock (as the keeper does on its
 * directory) or they both fail.
 */
#ifndef JETON_BASE_FILE_H
#define JETON_BASE_FILE_H

#include "base/buf.h"

/*
 * Creates `name` in the directory `dir_fd`. JT_ERR_FILE_EXISTS; JT_ERR_IO with errno else. It
 * leaves nothing behind then.
 */
enum jt_err jt_file_write_new(int dir_fd, const char *name, const void *data,
                              size_t len) JT_CHECKED;

/*
 * Puts new contents in place of `name` in one step (write aside, rename); a crash leaves the old or
 * the new contents, and so does a failure: JT_ERR_IO from the last syncs or the reading back may
 * come with the new contents in place.
 */
enum jt_err jt_file_replace(int dir_fd, const char *name, const void *data, size_t len) JT_CHECKED;

/*
 * Appends the contents of `name` (relative to dir_fd, AT_FDCWD allowed) to `out`, whose max bounds
 * the size. JT_ERR_NO_FILE, JT_ERR_LIMIT, JT_ERR_IO; JT_ERR_FILE_UNSAFE for anything but a regular
 * file of this user with one name (no hard links) and without access for group or others when
 * `private_only` is set. A symbolic link is not followed but refused (JT_ERR_IO, ELOOP). On failure
 * `out` may hold a part of the contents.
 */
enum jt_err jt_file_read(int dir_fd, const char *name, bool private_only,
                         struct jt_buf *out) JT_CHECKED;

#endif
