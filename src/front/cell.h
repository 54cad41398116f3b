/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What jetond gives up, so that whoever takes it over has little more than it: files but those that
 * it needs, other processes, and programs to run. It sees card numbers pass and answers who asks;
 * keys are in another process, and their files are none of those that it may open, whoever owns
 * them.
 *
 * Two fences. Landlock (base/landlock.h) is closed first, since it holds only for threads that
 * start later. The filter of system calls (seccomp(2)) is closed last and holds for all. A call
 * that is not in its list fails with EPERM; one that only an attacker makes ends the process.
 *
 * The whole policy stands in cell.c. Builds with a sanitizer leave both out.
 */
#ifndef JETON_FRONT_CELL_H
#define JETON_FRONT_CELL_H

#include "base/fault.h"
#include "options/conf.h"

/*
 * Leaves the files that system libraries, libpq and the configuration need. Before any thread is
 * started. Where the kernel has no Landlock the log says so, as it does of a keeper's directory
 * that lies below a place which stays open. JT_ERR_BAD_CONNINFO, JT_ERR_NOMEM, JT_ERR_IO.
 */
enum jt_err jt_cell_close_files(const struct jt_conf *conf, struct jt_fault *fault) JT_CHECKED;

/* Leaves the system calls that serving takes, to every thread. Once all is started. JT_ERR_IO. */
enum jt_err jt_cell_close_calls(struct jt_fault *fault) JT_CHECKED;

#endif
