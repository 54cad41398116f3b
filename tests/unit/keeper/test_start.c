/* SPDX-License-Identifier: Apache-2.0 */
/* What the real keeper demands before it serves, and what it has given up when it does. */
#include "keeper_process.h"

#include "base/sanitized.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static char other_front[32]; /* a front_user who is not us */

static int setup(void **state)
{
    struct keeper *k = calloc(1, sizeof *k);
    assert_non_null(k);
    keeper_make(k, "development", "");
    snprintf(other_front, sizeof other_front, "front_user = %d\n",
             geteuid() == 65534 ? 65533 : 65534);
    *state = k;
    return 0;
}

static int setup_initialised(void **state)
{
    setup(state);
    keeper_init(*state);
    return 0;
}

static int teardown(void **state)
{
    keeper_remove(*state);
    free(*state);
    return 0;
}

/* It must not start, with exit code 1 and a line that contains `why`. */
static void refuses(struct keeper *k, const char *why)
{
    assert_int_equal(keeper_run(k, NULL), 1);
    if (strstr(k->output, why) == NULL) {
        fail_msg("no \"%s\" in: %s", why, k->output);
    }
}

static unsigned mode_of(const struct keeper *k, const char *name)
{
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", k->dir, name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void make_file(const struct keeper *k, const char *name, mode_t mode)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", k->dir, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void words_and_exit_codes(void **state)
{
    struct keeper *k = *state;
    assert_int_equal(keeper_run(k, "--version"), 0);
    assert_int_equal(strncmp(k->output, "jeton-keeper 0.", 15), 0);
    assert_int_equal(keeper_run(k, "--help"), 0);
    assert_non_null(strstr(k->output, "usage:"));
    assert_int_equal(keeper_run(k, "--nonsense"), EX_USAGE);
    assert_int_equal(keeper_run(k, "extra"), EX_USAGE);
    assert_int_equal(keeper_run(k, "--fd=x"), EX_USAGE);
    /* well-formed, but no such socket; nor is there a key */
    assert_int_equal(keeper_run(k, "--fd=57"), 1);
    keeper_configure(k, "development", "nonsense = 1\n");
    assert_int_equal(keeper_run(k, NULL), EX_CONFIG);
    assert_non_null(strstr(k->output, "nonsense"));
    assert_int_equal(unlink(k->conf), 0);
    assert_int_equal(keeper_run(k, NULL), EX_CONFIG);
}

static void init_makes_private_files_and_never_replaces_a_key(void **state)
{
    struct keeper *k = *state;
    umask(0);
    keeper_init(k);
    assert_int_equal(mode_of(k, "keys"), 0700);
    assert_int_equal(mode_of(k, "keys/master.key"), 0600);
    assert_int_equal(keeper_run(k, "--init"), 1);
    assert_non_null(strstr(k->output, "has a master key already"));
    umask(022);
}

static void init_makes_no_production_key_in_the_clear(void **state)
{
    struct keeper *k = *state;
    keeper_configure(k, "production", other_front);
    assert_int_equal(keeper_run(k, "--init"), 1);
    assert_non_null(strstr(k->output, "a master key for production is sealed"));
    struct stat st;
    assert_int_not_equal(stat(k->keys, &st), 0);
}

static void production_refuses_a_development_key(void **state)
{
    struct keeper *k = *state;
    keeper_configure(k, "production", other_front);
    /* An ordinary user's limit may stop it one step earlier. */
    assert_int_equal(keeper_run(k, NULL), 1);
    bool unlocked = geteuid() != 0 && strstr(k->output, "cannot lock memory") != NULL;
    assert_true(unlocked || strstr(k->output, "marked development") != NULL);
}

static void production_wants_another_user_for_the_front(void **state)
{
    struct keeper *k = *state;
    keeper_configure(k, "production", "");
    assert_int_equal(keeper_run(k, NULL), EX_CONFIG);
    assert_non_null(strstr(k->output, "front_user"));
    keeper_configure(k, "development", "front_user = no-such-user-here\n");
    assert_int_equal(keeper_run(k, NULL), EX_CONFIG);
}

static void without_a_master_key_nothing_starts(void **state)
{
    struct keeper *k = *state;
    refuses(k, "No such file");
    assert_int_equal(mkdir(k->keys, 0700), 0);
    refuses(k, "--init");
}

static void a_loose_directory_is_refused(void **state)
{
    struct keeper *k = *state;
    assert_int_equal(chmod(k->keys, 0755), 0);
    refuses(k, "open to group or others");
    assert_int_equal(chmod(k->keys, 0710), 0);
    refuses(k, "open to group or others");
}

static void a_symbolic_link_to_the_directory_is_refused(void **state)
{
    struct keeper *k = *state;
    char elsewhere[128];
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", k->dir);
    assert_int_equal(rename(k->keys, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, k->keys), 0);
    refuses(k, "symbolic link");
}

static void anothers_directory_is_refused(void **state)
{
    struct keeper *k = *state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chown(k->keys, 65534, (gid_t)-1), 0);
    refuses(k, "belongs to uid 65534");
}

static void what_is_no_plain_file_is_called_what_it_is(void **state)
{
    struct keeper *k = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/state", k->keys);
    assert_int_equal(mkfifo(path, 0600), 0);
    refuses(k, "state in the keeper's directory is a fifo, must be a regular file");
    assert_null(strstr(k->output, "0600"));
}

static void a_strangers_file_is_refused(void **state)
{
    struct keeper *k = *state;
    make_file(k, "keys/notes.txt", 0600);
    refuses(k, "notes.txt does not belong");
}

static void a_second_keeper_on_the_directory_is_refused(void **state)
{
    struct keeper *k = *state;
    assert_true(keeper_start(k));
    struct keeper second = *k;
    refuses(&second, "another keeper is using this directory");
    int fd = keeper_greet(k); /* and the first goes on */
    close(fd);
    assert_int_equal(keeper_stop(k, SIGTERM), 0);
}

static void a_socket_in_use_is_not_taken_over(void **state)
{
    struct keeper *k = *state;
    assert_true(keeper_start(k));
    struct keeper second = *k;
    second.pid = 0;
    second.log = -1;
    snprintf(second.keys, sizeof second.keys, "%s/keys2", k->dir);
    snprintf(second.conf, sizeof second.conf, "%s/second.conf", k->dir);
    keeper_configure(&second, "development", "");
    keeper_init(&second);
    refuses(&second, "another process is listening there");
    close(keeper_greet(k));
}

static void a_file_in_the_sockets_place_is_not_touched(void **state)
{
    struct keeper *k = *state;
    make_file(k, "keeper.sock", 0600);
    refuses(k, "not a socket of this user");
    assert_int_equal(mode_of(k, "keeper.sock"), 0600);
}

static void a_socket_in_a_directory_open_to_everybody_is_refused(void **state)
{
    struct keeper *k = *state;
    assert_int_equal(chmod(k->dir, 0777), 0);
    refuses(k, "writable by everybody");
    assert_int_equal(chmod(k->dir, 01777), 0);
    assert_true(keeper_start(k));
}

static void a_keeper_whose_log_is_gone_goes_on(void **state)
{
    struct keeper *k = *state;
    assert_true(keeper_start(k));
    close(k->log);
    k->log = -1;
    int fd = keeper_greet(k);
    assert_true(keeper_send(fd, 99, NULL, 0)); /* something to log */
    close(fd);
    close(keeper_greet(k));
    close(keeper_greet(k));
    assert_int_equal(keeper_stop(k, SIGTERM), 0);
}

static void a_dead_keepers_socket_is_replaced(void **state)
{
    struct keeper *k = *state;
    assert_true(keeper_start(k));
    assert_true(WIFSIGNALED(keeper_stop(k, SIGKILL)));
    struct stat st;
    assert_int_equal(stat(k->socket, &st), 0);
    assert_true(keeper_start(k));
    close(keeper_greet(k));
    assert_int_equal(mode_of(k, "keeper.sock"), 0600);
    assert_int_equal(keeper_stop(k, SIGTERM), 0);
    assert_int_not_equal(stat(k->socket, &st), 0);
}

static void the_front_users_socket_is_open_to_a_group_only(void **state)
{
    struct keeper *k = *state;
    keeper_configure(k, "development", other_front);
    assert_true(keeper_start(k));
    assert_int_equal(mode_of(k, "keeper.sock"), 0660);
}

/* Connects as another user; whether a hello was answered. */
static bool answered_as(const struct keeper *k, uid_t uid)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (setresuid(uid, uid, uid) != 0) {
            _exit(2);
        }
        int fd = keeper_connect(k);
        if (fd < 0) {
            _exit(2);
        }
        /* out of turn: refused by a status, if it listens at all */
        (void)keeper_send(fd, JT_VERB_STATUS, NULL, 0);
        char byte;
        _exit(recv(fd, &byte, 1, 0) == 1 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), 2);
    return WEXITSTATUS(status) == 0;
}

static void only_the_fronts_user_is_answered_whatever_the_sockets_mode(void **state)
{
    struct keeper *k = *state;
    if (geteuid() != 0) {
        skip();
    }
    keeper_configure(k, "development", "front_user = 65533\n");
    assert_true(keeper_start(k));
    assert_int_equal(chmod(k->dir, 0755), 0);
    assert_int_equal(chmod(k->socket, 0666), 0);
    assert_false(answered_as(k, 65534));
    assert_true(answered_as(k, 65533));
    assert_true(answered_as(k, 0));
}

/* The line of /proc/<pid>/<file> that begins with `name`. */
static void proc_line(const struct keeper *k, const char *file, const char *name, char *out,
                      size_t out_len)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)k->pid, file);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    bool found = false;
    while (!found && fgets(out, (int)out_len, f) != NULL) {
        found = strncmp(out, name, strlen(name)) == 0;
    }
    fclose(f);
    assert_true(found);
}

static void the_serving_keeper_is_locked_filtered_and_undumpable(void **state)
{
    struct keeper *k = *state;
    if (getenv("JETON_TEST_TRACE_LIST") != NULL) {
        skip(); /* the process that was started is the tracer */
    }
    assert_true(keeper_start(k));
    char line[200];
    long soft = -1;
    proc_line(k, "limits", "Max core file size", line, sizeof line);
    assert_int_equal(sscanf(line, "Max core file size %ld", &soft), 1);
    assert_int_equal(soft, 0);
    proc_line(k, "status", "NoNewPrivs:", line, sizeof line);
    assert_string_equal(line, "NoNewPrivs:\t1\n");
    if (!JT_SANITIZED) {
        proc_line(k, "status", "Seccomp:", line, sizeof line);
        assert_string_equal(line, "Seccomp:\t2\n");
        if (geteuid() == 0) {
            long locked_kb = 0;
            proc_line(k, "status", "VmLck:", line, sizeof line);
            assert_int_equal(sscanf(line, "VmLck: %ld kB", &locked_kb), 1);
            assert_true(locked_kb > 1000);
        } else {
            char path[64];
            snprintf(path, sizeof path, "/proc/%d/mem", (int)k->pid);
            /* another process of the same user cannot read it */
            assert_true(open(path, O_RDONLY | O_CLOEXEC) < 0);
        }
    }
    int status = keeper_stop(k, SIGABRT);
    assert_true(WIFSIGNALED(status));
    assert_false(WCOREDUMP(status));
}

static void one_connection_by_descriptor_is_served_to_its_end(void **state)
{
    struct keeper *k = *state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFD, FD_CLOEXEC), 0);
    /* out of turn: one refusal, then the end */
    assert_true(keeper_send(ends[0], JT_VERB_STATUS, NULL, 0));
    char argument[32];
    snprintf(argument, sizeof argument, "--fd=%d", ends[1]);
    assert_int_equal(keeper_run(k, argument), 0);
    close(ends[1]);
    struct jt_buf reply;
    jt_buf_init(&reply, 100);
    enum jt_err err;
    struct jt_reader in;
    assert_true(keeper_receive(ends[0], &reply, &err, &in));
    assert_int_equal(err, JT_ERR_PROTOCOL);
    assert_true(keeper_closed(ends[0]));
    close(ends[0]);
    jt_buf_clear(&reply);
    struct stat st;
    assert_int_not_equal(stat(k->socket, &st), 0); /* no listening socket was made */
}

#define WITH_KEY(test) cmocka_unit_test_setup_teardown(test, setup_initialised, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(words_and_exit_codes, setup, teardown),
        cmocka_unit_test_setup_teardown(init_makes_private_files_and_never_replaces_a_key, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(init_makes_no_production_key_in_the_clear, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_master_key_nothing_starts, setup, teardown),
        WITH_KEY(production_refuses_a_development_key),
        WITH_KEY(production_wants_another_user_for_the_front),
        WITH_KEY(a_loose_directory_is_refused),
        WITH_KEY(a_symbolic_link_to_the_directory_is_refused),
        WITH_KEY(anothers_directory_is_refused),
        WITH_KEY(what_is_no_plain_file_is_called_what_it_is),
        WITH_KEY(a_strangers_file_is_refused),
        WITH_KEY(a_second_keeper_on_the_directory_is_refused),
        WITH_KEY(a_socket_in_use_is_not_taken_over),
        WITH_KEY(a_file_in_the_sockets_place_is_not_touched),
        WITH_KEY(a_socket_in_a_directory_open_to_everybody_is_refused),
        WITH_KEY(a_keeper_whose_log_is_gone_goes_on),
        WITH_KEY(a_dead_keepers_socket_is_replaced),
        WITH_KEY(the_front_users_socket_is_open_to_a_group_only),
        WITH_KEY(only_the_fronts_user_is_answered_whatever_the_sockets_mode),
        WITH_KEY(the_serving_keeper_is_locked_filtered_and_undumpable),
        WITH_KEY(one_connection_by_descriptor_is_served_to_its_end),
    };
    return cmocka_run_group_tests_name("keeper/start", tests, NULL, NULL);
}
