/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that people type, or keep in files of one line: passphrases and shares. The caller wipes
 * what it was given.
 */
#ifndef JETON_CLI_SECRET_H
#define JETON_CLI_SECRET_H

#include <stdbool.h>

#define JT_SECRET_MAX   255
#define JT_CLEAR_SCREEN "\033[H\033[2J\033[3J"

/* Before any secret: no core file, and no other process of this user looks in. */
void jt_secret_protect(void);

/* Whatever was shown at the terminal goes, as far as that is in its power. */
void jt_secret_clear_screen(void);

/* The first line of a file that nobody else can read. JT_EXIT_OK, or JT_EXIT_CONFIG after a
 * message.
 */
int jt_secret_file(const char *path, char out[static JT_SECRET_MAX + 1]);

/* The same of a credential that systemd has put aside for this service (systemd.exec(5)). */
int jt_secret_credential(const char *name, char out[static JT_SECRET_MAX + 1]);

/*
 * Asks at the terminal, without echo; `again`, where it is not NULL, is the prompt by which the
 * same is asked for a second time. JT_EXIT_OK; JT_EXIT_USAGE without a terminal, JT_EXIT_FAILED,
 * after a message.
 */
int jt_secret_ask(const char *prompt, const char *again, char out[static JT_SECRET_MAX + 1]);

/* Whether there is a terminal to ask at. */
bool jt_secret_can_ask(void);

/*
 * Writes to the terminal, whatever standard output is, and waits for a line, which is shown as it
 * is typed. JT_EXIT_OK, or JT_EXIT_FAILED after a message.
 */
int jt_secret_tell(const char *text, char line[static JT_SECRET_MAX + 1]);

#endif
