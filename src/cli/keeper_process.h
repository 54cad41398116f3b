/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jeton-keeper as a child of `jeton init`: to make the master key, and to serve one connection.
 * JETON_KEEPER may name the program (cli/subprocess.h).
 */
#ifndef JETON_CLI_KEEPER_PROCESS_H
#define JETON_CLI_KEEPER_PROCESS_H

#include <sys/types.h>

struct jt_keeper_process {
    pid_t pid;
    int fd; /* our end of the connection; -1 once it has been handed on */
};

/*
 * Runs `jeton-keeper --config CONFIG --init` to its end. JT_EXIT_OK, or an exit code after a
 * message.
 */
int jt_keeper_process_init(const char *config);

enum jt_keeper_purpose { JT_KEEPER_FOR_COMMAND, JT_KEEPER_FOR_CEREMONY };

/*
 * Starts `jeton-keeper --config CONFIG --fd N`, with --ceremony where it is for that, on one end of
 * a socket pair. It may be sealed (cli/unsealing.h). JT_EXIT_OK, or JT_EXIT_FAILED after a message.
 */
int jt_keeper_process_start(const char *config, enum jt_keeper_purpose purpose,
                            struct jt_keeper_process *out);

/*
 * Closes our end, if it is still here, and waits for the child, which ends when its connection
 * does; kills it after 5 seconds.
 */
void jt_keeper_process_stop(struct jt_keeper_process *keeper);

#endif
