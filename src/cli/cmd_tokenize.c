/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton tokenize`, `detokenize` and `mask`: the values of a card file, replaced. */
#include "cli/exit.h"
#include "cli/fileask.h"
#include "cli/filejob.h"
#include "cli/say.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define RETRY_FOR_S 120 /* beyond the minute for which a request of a killed process is busy */

static volatile sig_atomic_t interrupted;

/*
 * A signal that comes just before a read() would not end its wait: an alarm repeats it until the
 * job has ended.
 */
static void on_signal(int number)
{
    if (number != SIGALRM) {
        interrupted = number;
    }
    alarm(1);
}

/* From here on a signal ends the job in order. */
static void catch_signals(void)
{
    const struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a limit on files is an error of write() like a full disk */
}

static int run_job(struct jt_cli *cli, const struct jt_fileask *ask)
{
    struct jt_filejob *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return jt_say(JT_MSG_NO_MEMORY, NULL);
    }
    job->ask = ask;
    job->url = cli->url;
    job->retry_for_s = cli->retry_for_s >= 0 ? cli->retry_for_s : RETRY_FOR_S;
    job->interrupted = &interrupted;
    catch_signals();
    int code = jt_filejob_run(job, cli);
    free(job);
    return code;
}

static int file_job(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv,
                    const struct jt_direction *direction)
{
    struct jt_fileask *ask = calloc(1, sizeof *ask);
    if (ask == NULL) {
        return jt_say(JT_MSG_NO_MEMORY, NULL);
    }
    ask->direction = *direction;
    int code = jt_fileask_parse(ask, self, cli, argc, argv);
    if (code == JT_GO_ON) {
        code = run_job(cli, ask);
    } else if (code != JT_EXIT_OK) {
        code = JT_JOB_REFUSED;
    }
    jt_fileask_clear(ask);
    free(ask);
    jt_complain_as(NULL);
    if (interrupted && code != JT_JOB_CLEAN && code != JT_JOB_REJECTS) {
        /* Everything is in order: end the way the signal would have, so that a shell sees it. */
        signal(interrupted, SIG_DFL);
        raise(interrupted);
    }
    return code;
}

int jt_cmd_tokenize(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    return file_job(self, cli, argc, argv, &jt_direction_tokenize);
}

int jt_cmd_detokenize(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    return file_job(self, cli, argc, argv, &jt_direction_detokenize);
}

int jt_cmd_mask(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    return file_job(self, cli, argc, argv, &jt_direction_mask);
}
