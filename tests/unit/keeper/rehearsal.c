/* SPDX-License-Identifier: Apache-2.0 */
#include "rehearsal.h"

#include "failing.h"
#include "keeper/ceremony.h"
#include "keytree.h"
#include "wire/verb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_REQUEST   (-2)
#define OF_EACH_VERB 24 /* outcomes that are looked at */
#define ALL_UP_TO    1000
#define STEP_BEHIND  41

/* What a keeper that starts knows. */
struct known {
    enum jt_err err;
    bool sealed;
    uint64_t epoch, highest_generation, custodians, honey;
    size_t n_keys, n_destructions;
};

/* What comes back of a try. */
struct outcome {
    bool ended;
    enum jt_err status, again;
    const char *failed;
    bool changed; /* the directory is, so there was a start: */
    struct known after;
};

static struct outcome *outcome; /* shared with the processes of tries */
static bool seen[256][256];     /* verbs and reasons */
static unsigned n_looked[256];
static bool trying;

/* Makes no assertion: in the process of a try nobody would hear of it. */
static enum jt_err ask(struct inside *in, uint8_t verb)
{
    const struct jt_frame request = { .verb = verb,
                                      .payload = in->payload.data,
                                      .payload_len = in->payload.len };
    const size_t skip = JT_FRAME_LENGTH_BYTES + 1;
    enum jt_err status = JT_ERR_IMPOSSIBLE;
    jt_buf_reset(&in->reply);
    enum jt_err err = jt_dispatch(in->k, &in->session, &request, &in->reply);
    if (err != JT_OK && err != JT_ERR_PROTOCOL) {
        return err;
    }
    struct jt_reader reply = jt_reader_init(in->reply.data + skip, in->reply.len - skip);
    err = jt_wire_outcome_decode(&reply, &status);
    return err == JT_OK ? status : JT_ERR_IMPOSSIBLE;
}

static void start_again(struct inside *in, struct known *out)
{
    struct jt_fault fault = { 0 };
    const struct jt_keeper_source source = { .directory = in->files.keys,
                                             .development = in->k->development,
                                             .ceremony = in->k->ceremony != NULL &&
                                                         !in->k->ceremony->rotation.under_way };
    static struct jt_keeper
        *before; /* to wipe all of it takes long, and it ends with the process */
    before = in->k;
    (void)flock(before->dir_fd, LOCK_UN);
    memset(out, 0, sizeof *out);
    out->err = jt_keeper_load(&source, &in->k, &fault);
    if (out->err == JT_OK) {
        out->sealed = in->k->sealed;
        out->epoch = in->k->state.highest_epoch;
        out->highest_generation = in->k->state.highest_generation;
        out->custodians = in->k->custodians.set.version;
        out->honey = in->k->honey.set.version;
        out->n_keys = jt_keyring_count(in->k->keyring);
        out->n_destructions = in->k->destructions.n;
    }
}

static bool is_changed(const struct inside *in, const struct keytree *before)
{
    static struct keytree now;
    keytree_read(in->files.keys, &now);
    return now.n != before->n || memcmp(&now, before, sizeof now) != 0;
}

static void try_in_child(struct inside *in, uint8_t verb, int number, const struct keytree *before)
{
    const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE };
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        (void)signal(signals[i], SIG_DFL); /* cmocka would go on with the next test */
    }
    int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (quiet >= 0) {
        (void)dup2(quiet, STDERR_FILENO); /* the log of so many failures */
    }
    if (number != NO_REQUEST) {
        failing_from(number);
        outcome->status = ask(in, verb);
        outcome->failed = failing_end();
        outcome->again = outcome->status == JT_OK ? JT_OK : ask(in, verb);
    }
    outcome->changed = number == NO_REQUEST || is_changed(in, before);
    if (outcome->changed) {
        start_again(in, &outcome->after);
    }
    outcome->ended = true;
}

/*
 * With what is looked at when a process ends; but LeakSanitizer does not see what is held from
 * locked memory, as all of a keeper is, and takes it for lost.
 */
static _Noreturn void end_child(void)
{
#ifdef __SANITIZE_ADDRESS__
    _exit(0);
#else
    exit(0);
#endif
}

/* The request with that call failing, in a process of its own; the directory is as before. */
static struct outcome try(struct inside *in, uint8_t verb, int number, const struct keytree *before)
{
    int status;
    *outcome = (struct outcome){ .ended = false };
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        trying = true;
        try_in_child(in, verb, number, before);
        end_child();
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !outcome->ended) {
        fail_msg("%s: call %d failing ends the keeper (%d)", jt_verb_name(verb), number, status);
    }
    if (is_changed(in, before)) {
        keytree_write(in->files.keys, before);
    }
    return *outcome;
}

static bool same(const struct known *a, const struct known *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/*
 * The answer to the same request afterwards, where it is rightly another: it was done, and what was
 * behind that failed (at worst the answer had no room); or the first try has left derived keys.
 */
static bool may_differ(uint8_t verb, enum jt_err clean, enum jt_err again)
{
    return (verb == JT_VERB_CEREMONY_END && again == JT_ERR_NO_CEREMONY) ||
           (verb == JT_VERB_UNSEAL && again == JT_ERR_NOT_SEALED) ||
           (clean == JT_ERR_DERIVATIONS && again == JT_OK);
}

static void judge(uint8_t verb, int number, const struct outcome *o, const struct outcome *clean,
                  const struct known *before)
{
    const char *name = jt_verb_name(verb);
    bool of_rotation = verb == JT_VERB_CEREMONY_END && o->status == JT_ERR_NOT_ROTATED;
    if (o->status != clean->status && !of_rotation &&
        (o->status == JT_OK || !failing_says_so(o->status, o->failed))) {
        fail_msg("%s: call %d, %s, failed: \"%s\", which would be \"%s\"", name, number, o->failed,
                 jt_err_str(o->status), jt_err_str(clean->status));
    }
    if (o->status != JT_OK && o->again != clean->status &&
        !may_differ(verb, clean->status, o->again)) {
        fail_msg("%s: call %d, %s, failed; the next time it is \"%s\", which would be \"%s\"", name,
                 number, o->failed, jt_err_str(o->again), jt_err_str(clean->status));
    }
    if (o->changed && !same(&o->after, before) && !same(&o->after, &clean->after)) {
        fail_msg("%s: call %d, %s, failed (%s); after a start it is neither what it was nor what "
                 "it should be: %s",
                 name, number, o->failed, jt_err_str(o->status), jt_err_str(o->after.err));
    }
}

/* Whether it is a request of a kind that was not tried yet. */
static bool is_new(struct inside *in, uint8_t verb, const struct keytree *before,
                   struct outcome *clean)
{
    if (trying || in->k == NULL || n_looked[verb] == OF_EACH_VERB) {
        return false;
    }
    if (outcome == NULL) {
        outcome =
            mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(outcome != MAP_FAILED);
    }
    n_looked[verb]++;
    *clean = try(in, verb, FAILING_NONE, before);
    assert_true((unsigned)clean->status < 256);
    bool is = !seen[verb][clean->status];
    seen[verb][clean->status] = true;
    return is;
}

void rehearse(struct inside *in, uint8_t verb)
{
    static struct keytree before;
    struct outcome clean;
    if (trying || n_looked[verb] == OF_EACH_VERB) {
        return;
    }
    keytree_read(in->files.keys, &before);
    if (!is_new(in, verb, &before, &clean)) {
        return;
    }
    const struct known knew = try(in, verb, NO_REQUEST, &before).after;
    clean.after = clean.changed ? clean.after : knew;
    /* of very many calls, which are the same ones over and over, not each */
    for (int number = 0; number < FAILING_MANY; number += number < ALL_UP_TO ? 1 : STEP_BEHIND) {
        const struct outcome o = try(in, verb, number, &before);
        if (o.failed == NULL) {
            print_message("rehearsed %s (%s): %d calls; a start: %s\n", jt_verb_name(verb),
                          jt_err_str(clean.status), number, jt_err_str(knew.err));
            return;
        }
        judge(verb, number, &o, &clean, &knew);
    }
    fail_msg("%s: no end", jt_verb_name(verb));
}

/* --- starts --- */

#define STARTS_MAX 12

/* Names and lengths; 0: there is something that could not be put back. */
static uint64_t kind_of(const struct keytree *tree)
{
    uint64_t kind = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < tree->n; i++) {
        const struct keytree_file *f = &tree->files[i];
        if (f->mode != (S_IFREG | 0600) || f->n_links != 1) {
            return 0;
        }
        for (const char *p = f->name; *p != '\0'; p++) {
            kind = (kind ^ (uint8_t)*p) * UINT64_C(1099511628211);
        }
        kind = (kind ^ f->len) * UINT64_C(1099511628211);
    }
    return kind;
}

static enum jt_err start(const struct jt_keeper_source *source)
{
    struct jt_fault fault = { 0 };
    struct jt_keeper *k = NULL;
    enum jt_err err = jt_keeper_load(source, &k, &fault);
    jt_keeper_free(k);
    return err;
}

static bool is_new_start(uint64_t kind, enum jt_err clean)
{
    static uint64_t kinds[STARTS_MAX];
    static size_t n;
    kind ^= (uint64_t)clean << 48;
    for (size_t i = 0; i < n; i++) {
        if (kinds[i] == kind) {
            return false;
        }
    }
    if (n == STARTS_MAX) {
        return false;
    }
    kinds[n++] = kind;
    return true;
}

/* With one call failing; and where that has changed the directory, the next one, which goes well.
 */
static void start_and_judge(const struct jt_keeper_source *source, const struct keytree *before,
                            int number, enum jt_err clean, const char **failed)
{
    static struct keytree now;
    failing_from(number);
    enum jt_err err = start(source);
    *failed = failing_end();
    if (*failed != NULL && err != clean && (err == JT_OK || !failing_says_so(err, *failed))) {
        fail_msg("start: call %d, %s, failed: \"%s\", which would be \"%s\"", number, *failed,
                 jt_err_str(err), jt_err_str(clean));
    }
    keytree_read(source->directory, &now);
    if (now.n == before->n && memcmp(&now, before, sizeof now) == 0) {
        return;
    }
    err = start(source);
    if (err != clean) {
        fail_msg("start: call %d, %s, failed; the next one is \"%s\", which would be \"%s\"",
                 number, *failed == NULL ? "none" : *failed, jt_err_str(err), jt_err_str(clean));
    }
    keytree_write(source->directory, before);
}

void rehearse_start(const struct jt_keeper_source *source)
{
    static struct keytree before;
    if (trying) {
        return;
    }
    keytree_read(source->directory, &before);
    uint64_t kind = kind_of(&before);
    if (kind == 0) {
        return;
    }
    enum jt_err clean = start(source);
    bool is = is_new_start(kind, clean);
    const char *failed = "";
    int number = 0;
    keytree_write(source->directory, &before);
    for (; is && failed != NULL; number++) {
        assert_true(number < FAILING_MANY);
        start_and_judge(source, &before, number, clean, &failed);
    }
    if (is) {
        print_message("rehearsed a start (%s): %d calls\n", jt_err_str(clean), number - 1);
    }
}
