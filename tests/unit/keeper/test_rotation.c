/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rotation of the master key: what it needs, what it changes and what it leaves; and that a
 * keeper that is killed before any system call of it, or for which any of them fails, leaves a
 * directory that is wholly under the old master key or wholly under the new one.
 *
 * The calls that change files are wrapped by the linker. A rotation that is to be killed runs in a
 * process of its own; what opens the new master key comes back through shared memory.
 */
#include "inside.h"

#include "base/file.h"
#include "keeper/keydir.h"
#include "keeper/rewrap.h"
#include "keeper/rotation.h"
#include "wire/custody.h"
#include "wire/rotation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PHRASE  "a passphrase of the tests"
#define ANOTHER "another passphrase of the tests"
#define KILLED  77
#define N_KEYS  3
#define MANY    10000 /* more calls than any rotation has */

/* --- calls that change files --- */

enum mode { COUNT, KILL, FAIL, FAIL_FROM };

static enum mode mode;
static unsigned n_calls, at_call; /* 0: never */

/* Whether the call that comes is to fail. */
static bool comes(void)
{
    n_calls++;
    if (at_call == 0 || n_calls < at_call || (mode != FAIL_FROM && n_calls > at_call)) {
        return false;
    }
    if (mode == KILL) {
        _exit(KILLED);
    }
    errno = ENOSPC;
    return mode != COUNT;
}

ssize_t __real_write(int fd, const void *p, size_t len);
ssize_t __wrap_write(int fd, const void *p, size_t len);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags);
int __real_openat(int fd, const char *name, int flags, ...);
int __wrap_openat(int fd, const char *name, int flags, ...);

/* What is killed or fails in it has written half. */
ssize_t __wrap_write(int fd, const void *p, size_t len)
{
    if (at_call != 0 && n_calls + 1 == at_call) {
        ssize_t n = __real_write(fd, p, len / 2);
        (void)n;
    }
    return comes() ? -1 : __real_write(fd, p, len);
}

int __wrap_fsync(int fd)
{
    return comes() ? -1 : __real_fsync(fd);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return comes() ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

int __wrap_unlinkat(int fd, const char *name, int flags)
{
    return comes() ? -1 : __real_unlinkat(fd, name, flags);
}

int __wrap_openat(int fd, const char *name, int flags, ...)
{
    if ((flags & O_CREAT) == 0) {
        return (flags & O_ACCMODE) != O_RDONLY && comes() ? -1 : __real_openat(fd, name, flags);
    }
    return comes() ? -1 : __real_openat(fd, name, flags, 0600);
}

/* --- the keeper --- */

struct opener {
    uint8_t kind; /* enum jt_unseal_kind */
    char text[2][JT_CUSTODY_TEXT_MAX + 1];
};

static void load(struct inside *in)
{
    struct jt_fault fault = { 0 };
    const struct jt_keeper_source source = { .directory = in->files.keys, .development = true };
    jt_keeper_free(in->k);
    in->k = NULL;
    if (jt_keeper_load(&source, &in->k, &fault) != JT_OK) {
        fail_msg("start: %s", fault.cause);
    }
    in->session = (struct jt_session){ .greeted = true, .of_owner = true };
}

static enum jt_err ask(struct inside *in, uint8_t verb)
{
    struct jt_reader reply;
    return inside_ask(in, verb, &reply);
}

/* By UNSEAL, ROTATION_PROVE or ROTATION_FOLLOW. */
static enum jt_err give(struct inside *in, uint8_t verb, uint8_t kind, const char *text)
{
    struct jt_unseal unseal = { .kind = kind };
    snprintf(unseal.text, sizeof unseal.text, "%s", text);
    jt_unseal_encode(&unseal, &in->payload);
    return ask(in, verb);
}

static enum jt_err give_all(struct inside *in, uint8_t verb, const struct opener *o)
{
    enum jt_err err = give(in, verb, o->kind, o->text[0]);
    return err == JT_OK && o->kind == JT_UNSEAL_SHARE ? give(in, verb, o->kind, o->text[1]) : err;
}

static void open_keeper(struct inside *in, const struct opener *o)
{
    load(in);
    assert_int_equal(give_all(in, JT_VERB_UNSEAL, o), JT_OK);
    assert_false(in->k->sealed);
}

static enum jt_err begin(struct inside *in, const struct opener *present)
{
    enum jt_err err = give(in, JT_VERB_ROTATION_PROVE, JT_UNSEAL_NOTHING, "");
    return err == JT_OK ? give_all(in, JT_VERB_ROTATION_PROVE, present) : err;
}

static const struct opener by_phrase = { JT_UNSEAL_PHRASE, { PHRASE, "" } };
static const struct opener by_another = { JT_UNSEAL_PHRASE, { ANOTHER, "" } };

static enum jt_err make(struct inside *in, const char *phrase)
{
    struct jt_ceremony_order order = {
        .method = phrase == NULL ? JT_CUSTODY_SHARES : JT_CUSTODY_PHRASE, .k = 2, .n = 2
    };
    if (phrase != NULL) {
        order.k = order.n = 0;
        snprintf(order.phrase, sizeof order.phrase, "%s", phrase);
    }
    jt_ceremony_order_encode(&order, &in->payload);
    return ask(in, JT_VERB_CEREMONY_MAKE);
}

/* Two shares that both open it, typed back. */
static void make_shares(struct inside *in, struct opener *next)
{
    assert_int_equal(make(in, NULL), JT_OK);
    next->kind = JT_UNSEAL_SHARE;
    for (uint8_t place = 1; place <= 2; place++) {
        struct jt_ceremony_share share = { .place = place };
        struct jt_reader reply;
        jt_ceremony_place_encode(&place, &in->payload);
        assert_int_equal(inside_ask(in, JT_VERB_CEREMONY_SHARE, &reply), JT_OK);
        assert_int_equal(jt_ceremony_text_decode(&reply, &share), JT_OK);
        jt_ceremony_share_encode(&share, &in->payload);
        assert_int_equal(ask(in, JT_VERB_CEREMONY_PROVE), JT_OK);
        memcpy(next->text[place - 1], share.text, sizeof share.text);
    }
}

static enum jt_err escrow(struct inside *in, const struct jt_escrow_file *given,
                          struct jt_rotation_escrow *out)
{
    struct jt_reader reply;
    jt_escrow_file_encode(given, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_ROTATION_ESCROW, &reply);
    if (err == JT_OK) {
        assert_int_equal(jt_rotation_escrow_decode(&reply, out), JT_OK);
    }
    return err;
}

/* What must be the same after each rotation. */
struct known {
    uint8_t root[32];
    uint8_t keys[N_KEYS][32];
};

static void remember(const struct inside *in, struct known *known)
{
    assert_int_equal(jt_keyring_count(in->k->keyring), N_KEYS);
    memcpy(known->root, in->k->root->key, sizeof known->root);
    for (uint64_t i = 0; i < N_KEYS; i++) {
        memcpy(known->keys[i], jt_keyring_key(in->k->keyring, i + 1), 32);
    }
}

static void check_known(const struct inside *in, const struct known *known)
{
    struct known now;
    remember(in, &now);
    assert_memory_equal(&now, known, sizeof now);
}

static bool is_there(const struct inside *in, const char *name)
{
    struct stat st;
    char path[256];
    snprintf(path, sizeof path, "%s/%s", in->files.keys, name);
    return lstat(path, &st) == 0;
}

/* A keeper of which the master key is under a passphrase, with generations in three states. */
static int setup(void **state)
{
    struct inside *in = calloc(1, sizeof *in);
    struct jt_fault fault = { 0 };
    struct jt_reader reply;
    assert_non_null(in);
    jt_buf_init(&in->payload, JT_WIRE_MAX_FRAME);
    jt_buf_init(&in->reply, JT_WIRE_MAX_FRAME + 64);
    keeper_make(&in->files, "development", "");
    assert_int_equal(jt_keeper_init(in->files.keys, true, PHRASE, &fault), JT_OK);
    open_keeper(in, &by_phrase);
    assert_int_equal(inside_ask(in, JT_VERB_RING_FIRST, &reply), JT_OK);
    assert_int_equal(jt_ring_row_decode(&reply, &in->ring), JT_OK);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    (void)inside_roll(in);
    (void)inside_roll(in);
    (void)inside_create(in, 2);
    *state = in;
    return 0;
}

static int teardown(void **state)
{
    at_call = 0;
    return inside_teardown(state);
}

/* --- what it does --- */

static void who_does_not_open_the_present_key_rotates_nothing(void **state)
{
    struct inside *in = *state;
    struct jt_escrow_file none = { .len = 0 };
    struct jt_rotation_escrow made;
    assert_int_equal(make(in, ANOTHER), JT_ERR_NO_CEREMONY);
    assert_int_equal(give(in, JT_VERB_ROTATION_PROVE, JT_UNSEAL_PHRASE, PHRASE),
                     JT_ERR_NO_CEREMONY);
    assert_int_equal(begin(in, &by_another), JT_ERR_PHRASE_WRONG);
    assert_int_equal(make(in, ANOTHER), JT_ERR_NO_CEREMONY);
    assert_int_equal(escrow(in, &none, &made), JT_ERR_NO_CEREMONY);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    assert_int_equal(give(in, JT_VERB_ROTATION_PROVE, JT_UNSEAL_SHARE, "jks_x"),
                     JT_ERR_OTHER_METHOD);
    /* begun anew, what was given before counts for nothing */
    assert_int_equal(begin(in, &by_phrase), JT_OK);
    assert_int_equal(make(in, ANOTHER), JT_OK);
    assert_int_equal(give(in, JT_VERB_ROTATION_PROVE, JT_UNSEAL_NOTHING, ""), JT_OK);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    /* and a keeper that was sealed meanwhile knows of no rotation */
    assert_int_equal(begin(in, &by_phrase), JT_OK);
    assert_int_equal(make(in, ANOTHER), JT_OK);
    assert_int_equal(ask(in, JT_VERB_SEAL_UP), JT_OK);
    assert_int_equal(begin(in, &by_phrase), JT_ERR_SEALED);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    assert_int_equal(give_all(in, JT_VERB_UNSEAL, &by_phrase), JT_OK);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    in->session.of_owner = false;
    assert_int_equal(begin(in, &by_phrase), JT_ERR_NOT_OWNER);
}

static void the_new_one_opens_everything_and_the_old_one_nothing(void **state)
{
    struct inside *in = *state;
    struct known known;
    uint8_t wrap[sizeof in->k->master->wrap_key];
    remember(in, &known);
    memcpy(wrap, in->k->master->wrap_key, sizeof wrap);
    assert_int_equal(begin(in, &by_phrase), JT_OK);
    assert_int_equal(make(in, ANOTHER), JT_OK);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_OK);
    /* it goes on as before: a key is made and erased, another ring is taken */
    assert_memory_not_equal(wrap, in->k->master->wrap_key, sizeof wrap);
    check_known(in, &known);
    assert_false(in->k->rotating || is_there(in, JT_KEYDIR_ROTATION));
    assert_null(in->k->ceremony);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    assert_int_equal(ask(in, JT_VERB_SEAL_UP), JT_OK);
    assert_int_equal(give_all(in, JT_VERB_UNSEAL, &by_phrase), JT_ERR_PHRASE_WRONG);
    assert_int_equal(give_all(in, JT_VERB_UNSEAL, &by_another), JT_OK);
    check_known(in, &known);
    load(in);
    assert_int_equal(give_all(in, JT_VERB_UNSEAL, &by_phrase), JT_ERR_PHRASE_WRONG);
    assert_int_equal(give_all(in, JT_VERB_UNSEAL, &by_another), JT_OK);
    check_known(in, &known);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    assert_int_equal(inside_create(in, 3).number, 4);
}

static void an_escrow_file_is_read_back_and_has_every_key(void **state)
{
    struct inside *in = *state;
    struct opener next;
    const struct jt_escrow_file none = { .len = 0 };
    static struct jt_rotation_escrow made, again;
    assert_int_equal(begin(in, &by_phrase), JT_OK);
    assert_int_equal(escrow(in, &none, &made), JT_ERR_NO_CEREMONY);
    make_shares(in, &next);
    assert_int_equal(escrow(in, &none, &made), JT_OK);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY); /* not read back */
    struct jt_escrow_file file = made.file;
    file.bytes[file.len - 1] ^= 1;
    assert_int_equal(escrow(in, &file, &again), JT_ERR_BACKUP_ALTERED);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    assert_int_equal(escrow(in, &made.file, &again), JT_OK);
    assert_memory_equal(again.digest, made.digest, sizeof made.digest);
    /* a key that has come since is not in it */
    assert_int_equal(inside_create(in, 3).number, 4);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_ERR_ROTATION_KEYS);
    assert_int_equal(escrow(in, &made.file, &again), JT_ERR_ROTATION_KEYS);
    assert_false(is_there(in, JT_KEYDIR_ROTATION));
    assert_int_equal(escrow(in, &none, &made), JT_OK);
    assert_int_equal(escrow(in, &made.file, &again), JT_OK);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_OK);
    /* it is good under the new master key, as any other */
    jt_escrow_file_encode(&made.file, &in->payload);
    assert_int_equal(ask(in, JT_VERB_ESCROW_CHECK), JT_OK);
    open_keeper(in, &next);
    assert_int_equal(jt_keyring_count(in->k->keyring), 4);
}

static enum jt_err follow(struct inside *in, const struct jt_buf *file)
{
    static struct jt_rotation_follow f;
    f = (struct jt_rotation_follow){ .len = file->len };
    memcpy(f.file, file->data, file->len);
    jt_rotation_follow_encode(&f, &in->payload);
    return ask(in, JT_VERB_ROTATION_FOLLOW);
}

static void another_node_goes_over_to_the_same_one(void **state)
{
    struct inside *in = *state;
    struct known known;
    struct jt_buf file;
    /* as another node has made it: here, and all is put back */
    remember(in, &known);
    assert_int_equal(begin(in, &by_phrase), JT_OK);
    assert_int_equal(make(in, ANOTHER), JT_OK);
    assert_int_equal(jt_ceremony_file(in->k->ceremony, &file), JT_OK);
    assert_int_equal(give(in, JT_VERB_ROTATION_PROVE, JT_UNSEAL_NOTHING, ""), JT_OK);
    assert_int_equal(follow(in, &file), JT_ERR_NO_CEREMONY);
    assert_int_equal(begin(in, &by_phrase), JT_OK);
    assert_int_equal(give_all(in, JT_VERB_ROTATION_FOLLOW, &by_another), JT_ERR_NO_CEREMONY);
    file.data[0] ^= 1;
    assert_int_equal(follow(in, &file), JT_ERR_FILE_ALTERED);
    file.data[0] ^= 1;
    assert_int_equal(follow(in, &file), JT_OK);
    assert_int_equal(make(in, ANOTHER), JT_ERR_NO_CEREMONY);
    assert_int_equal(give_all(in, JT_VERB_ROTATION_FOLLOW, &by_phrase), JT_ERR_PHRASE_WRONG);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_ERR_NO_CEREMONY);
    assert_int_equal(give_all(in, JT_VERB_ROTATION_FOLLOW, &by_another), JT_OK);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_OK);
    struct jt_buf now;
    jt_buf_init(&now, 1000);
    assert_int_equal(jt_file_read(in->k->dir_fd, JT_KEYDIR_MASTER, true, &now), JT_OK);
    assert_int_equal(now.len, file.len);
    assert_memory_equal(now.data, file.data, now.len);
    open_keeper(in, &by_another);
    check_known(in, &known);
    jt_buf_clear(&now);
    jt_buf_clear(&file);
}

/* --- cut off anywhere --- */

/* What a process that was killed has left behind in memory. */
struct left {
    struct opener next;
    bool made;       /* the shares are there */
    enum jt_err end; /* of CEREMONY_END */
    bool good;       /* the directory, when it was looked at afterwards */
    unsigned n_calls;
};

/* A rotation to other shares, in a process of its own. Its exit status. */
static int rotate_apart(struct inside *in, const struct opener *present, enum mode how, unsigned at,
                        struct left *left)
{
    jt_keeper_free(in->k);
    in->k = NULL;
    *left = (struct left){ .made = false };
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        open_keeper(in, present);
        if (begin(in, present) != JT_OK) {
            _exit(1);
        }
        make_shares(in, &left->next);
        left->made = true;
        mode = how;
        at_call = at;
        n_calls = 0;
        left->end = ask(in, JT_VERB_CEREMONY_END);
        left->n_calls = n_calls;
        at_call = 0;
        in->k->dir_checked_ms = 0;
        in->k->dir_good = true;
        struct jt_reader reply;
        left->good = inside_ask(in, JT_VERB_STATUS, &reply) == JT_OK && in->k->dir_good;
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && left->made);
    return WEXITSTATUS(status);
}

/* A start that is killed before its call number `at`; whether it was. */
static bool killed_in_start(struct inside *in, unsigned at)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        mode = KILL;
        at_call = at;
        n_calls = 0;
        load(in);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == KILLED;
}

/* Everything is under one of them, and nothing under the other. True: under the next one. */
static bool settle(struct inside *in, struct opener *present, const struct opener *next,
                   const struct known *known)
{
    load(in);
    assert_false(is_there(in, JT_KEYDIR_ROTATION) || is_there(in, JT_KEYDIR_ROTATION ".new"));
    bool over = give(in, JT_VERB_UNSEAL, JT_UNSEAL_SHARE, present->text[0]) != JT_OK;
    const struct opener old = *present;
    if (over) {
        *present = *next;
    }
    assert_int_equal(give(in, JT_VERB_UNSEAL, JT_UNSEAL_SHARE, over ? old.text[0] : next->text[0]),
                     JT_ERR_SHARE_OTHER);
    open_keeper(in, present);
    check_known(in, known);
    assert_int_equal(inside_accept(in, &in->ring), JT_OK);
    return over;
}

/* From a passphrase to shares, which cost nothing to open. */
static void begin_shares(struct inside *in, struct opener *present, struct known *known)
{
    remember(in, known);
    assert_int_equal(begin(in, &by_phrase), JT_OK);
    make_shares(in, present);
    assert_int_equal(ask(in, JT_VERB_CEREMONY_END), JT_OK);
}

static struct left *new_left(void)
{
    struct left *left =
        mmap(NULL, sizeof *left, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(left != MAP_FAILED);
    return left;
}

static void killed_at_any_step_it_is_the_old_one_or_the_new_one(void **state)
{
    struct inside *in = *state;
    struct opener present;
    struct known known;
    struct left *left = new_left();
    unsigned n_old = 0, n_new = 0, at = 1, n_starts = 0;
    begin_shares(in, &present, &known);
    for (;; at++) {
        int status = rotate_apart(in, &present, KILL, at, left);
        /* and the start that ends it is killed as well, again and again */
        for (unsigned m = 1; is_there(in, JT_KEYDIR_ROTATION) && killed_in_start(in, m); m++) {
            n_starts++;
        }
        bool over = settle(in, &present, &left->next, &known);
        n_new += over;
        n_old += !over;
        if (status == 0) {
            assert_true(over && left->end == JT_OK);
            break;
        }
        assert_int_equal(status, KILLED);
    }
    print_message("killed %u times: %u times the old one, %u times the new one; %u starts\n",
                  at - 1, n_old, n_new, n_starts);
    assert_true(n_old > 3 && n_new > 20 && n_starts > 20);
    munmap(left, sizeof *left);
}

static void whatever_fails_it_is_the_old_one_or_the_new_one(void **state)
{
    struct inside *in = *state;
    struct opener present;
    struct known known;
    struct left *left = new_left();
    const enum mode modes[] = { FAIL, FAIL_FROM };
    begin_shares(in, &present, &known);
    for (size_t i = 0; i < 2; i++) {
        unsigned n_refused = 0, at = 1;
        bool failed = true;
        for (; failed && at < MANY; at++) {
            assert_int_equal(rotate_apart(in, &present, modes[i], at, left), 0);
            failed = left->n_calls >= at;
            /* whatever failed went well the next time: the keeper that serves has ended it */
            assert_true(left->good);
            n_refused += left->end != JT_OK;
            bool over = settle(in, &present, &left->next, &known);
            assert_true(over || left->end != JT_OK);
        }
        print_message("%s: %u calls failed, %u rotations were refused\n",
                      modes[i] == FAIL ? "one alone" : "all from one on", at - 2, n_refused);
        assert_true(n_refused > 3);
    }
    munmap(left, sizeof *left);
}

/* --- what was put there by hand --- */

static void put(struct inside *in, const char *name, const struct jt_buf *bytes)
{
    assert_int_equal(jt_file_replace(in->k->dir_fd, name, bytes->data, bytes->len), JT_OK);
}

/* A rotation that stands in the directory, of a keeper that ended right behind the one step. */
static void leave_rotation(struct inside *in, struct jt_buf *out)
{
    struct jt_rotation *r = calloc(1, sizeof *r);
    struct jt_buf bytes;
    assert_non_null(r);
    assert_int_equal(begin(in, &by_phrase), JT_OK);
    assert_int_equal(make(in, ANOTHER), JT_OK);
    assert_int_equal(jt_ceremony_file(in->k->ceremony, &bytes), JT_OK);
    struct jt_master *next;
    assert_int_equal(jt_master_new(in->k->ceremony->key, &next), JT_OK);
    r->development = true;
    memcpy(r->from, in->k->master->check_value, sizeof r->from);
    memcpy(r->to, next->check_value, sizeof r->to);
    memcpy(r->master, bytes.data, bytes.len);
    r->master_len = bytes.len;
    jt_buf_clear(&bytes);
    assert_int_equal(jt_root_wrap(next, in->k->root, true, in->k->root->created_s, &bytes), JT_OK);
    memcpy(r->root, bytes.data, sizeof r->root);
    jt_buf_clear(&bytes);
    for (r->n = 0; r->n < N_KEYS; r->n++) {
        const struct jt_genfile *meta = jt_keyring_find(in->k->keyring, r->n + 1);
        assert_int_equal(
            jt_genfile_wrap(next, meta, jt_keyring_key(in->k->keyring, r->n + 1), &bytes), JT_OK);
        memcpy(r->keys[r->n].bytes, bytes.data, sizeof r->keys[r->n].bytes);
        r->keys[r->n].number = r->n + 1;
        jt_buf_clear(&bytes);
    }
    assert_int_equal(jt_rotation_encode(r, out), JT_OK);
    jt_master_free(next);
    free(r);
}

static void a_key_that_was_erased_since_does_not_come_back(void **state)
{
    struct inside *in = *state;
    struct jt_buf bytes;
    leave_rotation(in, &bytes);
    assert_int_equal(jt_genfile_erase(in->k->dir_fd, 3), JT_OK);
    put(in, JT_KEYDIR_ROTATION, &bytes);
    open_keeper(in, &by_another);
    assert_int_equal(jt_keyring_count(in->k->keyring), 2);
    assert_false(is_there(in, "generation-3.key") || is_there(in, JT_KEYDIR_ROTATION));
    jt_buf_clear(&bytes);
}

static void refuses(struct inside *in, enum jt_err why, const char *told)
{
    struct jt_fault fault = { 0 };
    struct jt_keeper *k;
    const struct jt_keeper_source source = { .directory = in->files.keys, .development = true };
    jt_keeper_free(in->k);
    in->k = NULL;
    assert_int_equal(jt_keeper_load(&source, &k, &fault), why);
    assert_non_null(strstr(fault.cause, told));
    assert_true(is_there(in, JT_KEYDIR_ROTATION));
}

static void what_it_does_not_know_keeps_the_keeper_from_starting(void **state)
{
    struct inside *in = *state;
    struct jt_buf bytes;
    int dir_fd;
    leave_rotation(in, &bytes);
    assert_int_equal(inside_create(in, 3).number, 4);
    put(in, JT_KEYDIR_ROTATION, &bytes);
    refuses(in, JT_ERR_FILE_UNSAFE, "does not have the key of generation 4");
    dir_fd = open(in->files.keys, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir_fd >= 0);
    for (size_t i = 0; i < bytes.len; i += 37) { /* every place counts */
        bytes.data[i] ^= 0x10;
        assert_int_equal(jt_file_replace(dir_fd, JT_KEYDIR_ROTATION, bytes.data, bytes.len), JT_OK);
        refuses(in, JT_ERR_FILE_ALTERED, "rotation is damaged");
        bytes.data[i] ^= 0x10;
    }
    /* without it everything is as it was */
    assert_int_equal(unlinkat(dir_fd, JT_KEYDIR_ROTATION, 0), 0);
    open_keeper(in, &by_phrase);
    assert_int_equal(jt_keyring_count(in->k->keyring), 4);
    close(dir_fd);
    jt_buf_clear(&bytes);
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(who_does_not_open_the_present_key_rotates_nothing),
        HERE(the_new_one_opens_everything_and_the_old_one_nothing),
        HERE(an_escrow_file_is_read_back_and_has_every_key),
        HERE(another_node_goes_over_to_the_same_one),
        HERE(killed_at_any_step_it_is_the_old_one_or_the_new_one),
        HERE(whatever_fails_it_is_the_old_one_or_the_new_one),
        HERE(a_key_that_was_erased_since_does_not_come_back),
        HERE(what_it_does_not_know_keeps_the_keeper_from_starting),
    };
    return cmocka_run_group_tests_name("keeper/rotation", tests, NULL, NULL);
}
