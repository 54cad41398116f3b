/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every file of a keeper's directory, in every way that it can be wrong: cut, changed, exchanged,
 * an older copy, gone, no plain file, not private. A real keeper starts on it, and another one has
 * it happen while it serves. It refuses, or takes none of it, or goes on, as matrix.def says; its
 * log names the file and the cause; it changes nothing in the directory; no card is lost: with the
 * right file put back, everything opens.
 */
#include "installation.h"

#include "wire/generation.h"
#include "wire/open.h"
#include "wire/set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAMPLES  12
#define STRANGER 65534 /* a uid */

/* --- what is expected --- */

#define GOES_ON ""
#define NO_SUCH NULL

struct expected {
    const char *changed, *anothers, *older, *absent;
};

static const struct row_of_matrix {
    enum base base;
    const char *file;
    struct expected at_start, serving;
} matrix[] = {
#define AT_START(...) \
    {                 \
        __VA_ARGS__   \
    }
#define SERVING(...) \
    {                \
        __VA_ARGS__  \
    }
#define KEY_FILE(base, file, start, serving, why) { base, file, start, serving },
#include "matrix.def"
#undef KEY_FILE
};

#define N_ROWS (sizeof matrix / sizeof matrix[0])

/* What is no plain file of this user alone is refused whatever it holds. */
static const struct unsafe {
    const char *what, *text;
} unsafe[] = {
    { "open to its group", "in the keeper's directory is open to group or others (mode 0640" },
    { "a stranger's", "in the keeper's directory belongs to uid 65534" },
    { "a symbolic link", "in the keeper's directory is a symbolic link" },
    { "with a second name", "in the keeper's directory has 2 names" },
    { "a directory", "in the keeper's directory is a directory" },
};

#define N_UNSAFE    (sizeof unsafe / sizeof unsafe[0])
#define A_STRANGERS 1

/* Whether the text has one of the parts, which a | separates. */
static bool has_one_of(const char *text, const char *parts)
{
    char part[200];
    for (const char *p = parts; *p != '\0'; p += *p == '|') {
        size_t len = strcspn(p, "|");
        snprintf(part, sizeof part, "%.*s", (int)len, p);
        if (strstr(text, part) != NULL) {
            return true;
        }
        p += len;
    }
    return false;
}

static struct installation ours, others;

static int setup(void **state)
{
    (void)state;
    installation_build(&ours);
    installation_build(&others);
    installation_give_passphrase(&ours);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    void *in = ours.in;
    (void)inside_teardown(&in);
    in = others.in;
    return inside_teardown(&in);
}

/* --- damage --- */

static char where[200]; /* for messages: the file, and what was done to it */

static const struct keytree *whole(const struct row_of_matrix *m)
{
    return &ours.whole[m->base];
}

static void path_of(const char *file, char out[static 200])
{
    snprintf(out, 200, "%s/%s", ours.in->files.keys, file);
}

static void put_whole(const struct row_of_matrix *m)
{
    keytree_write(ours.in->files.keys, whole(m));
}

/* Its contents, in a file of the same inode number or another: a keeper reads it anew. */
static void put_bytes(const struct row_of_matrix *m, const void *bytes, size_t len)
{
    char path[200];
    path_of(m->file, path);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static void remove_file(const struct row_of_matrix *m)
{
    char path[200];
    path_of(m->file, path);
    if (unlink(path) != 0) {
        assert_int_equal(rmdir(path), 0);
    }
}

/* Only that file was touched. */
static void put_right(const struct row_of_matrix *m)
{
    struct stat st;
    char path[200];
    path_of(m->file, path);
    if (lstat(path, &st) == 0) {
        remove_file(m);
    }
    const struct keytree_file *f = keytree_find(whole(m), m->file);
    put_bytes(m, f->bytes, f->len);
}

/* What is expected of a file that was changed: of a longer one its length may be said instead. */
static const char *or_longer(const struct row_of_matrix *m, const char *changed)
{
    static char text[600];
    snprintf(text, sizeof text, "%s|%s is longer than such a file can be", changed, m->file);
    return changed[0] == '\0' ? changed : text;
}

/* Lengths that are not its own, then single bytes changed; false when there is no more of it. */
static bool change(const struct row_of_matrix *m, size_t step, size_t n_bytes)
{
    static uint8_t bytes[KEYTREE_FILE_MAX];
    const struct keytree_file *f = keytree_find(whole(m), m->file);
    const size_t lengths[] = { 0, 1, f->len / 2, f->len - 1, f->len + 1, KEYTREE_FILE_MAX };
    const size_t n_lengths = sizeof lengths / sizeof lengths[0];
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, f->bytes, f->len);
    if (step < n_lengths) {
        snprintf(where, sizeof where, "%s, %zu bytes instead of %zu", m->file, lengths[step],
                 f->len);
        put_bytes(m, bytes, lengths[step]);
        return true;
    }
    n_bytes = n_bytes < f->len ? n_bytes : f->len;
    step -= n_lengths;
    size_t at = step * f->len / n_bytes;
    if (step < n_bytes) {
        snprintf(where, sizeof where, "%s, byte %zu changed", m->file, at);
        bytes[at] ^= (uint8_t)(1u << step % 8);
        put_bytes(m, bytes, f->len);
    }
    return step < n_bytes;
}

/* That of another generation; else that of another installation. */
static void exchange(const struct row_of_matrix *m)
{
    const struct keytree *from = &others.whole[m->base];
    char name[KEYTREE_NAME_MAX];
    snprintf(name, sizeof name, "%s", m->file);
    if (strncmp(name, "generation-", 11) == 0) {
        name[11] = '3';
        from = whole(m);
    }
    const struct keytree_file *f = keytree_find(from, name);
    snprintf(where, sizeof where, "%s, another's", m->file);
    put_bytes(m, f->bytes, f->len);
}

static void age(const struct row_of_matrix *m)
{
    const struct keytree_file *f = keytree_find(&ours.older, m->file);
    snprintf(where, sizeof where, "%s, an older copy", m->file);
    put_bytes(m, f->bytes, f->len);
}

static const char *what_it_looks_like(const struct row_of_matrix *m, size_t how)
{
    static char text[200];
    snprintf(text, sizeof text, "%s %s", m->file, unsafe[how].text);
    return text;
}

/* False: only root can give a file away. */
static bool make_unsafe(const struct row_of_matrix *m, size_t how)
{
    if (how == A_STRANGERS && geteuid() != 0) {
        return false;
    }
    char path[200], aside[200];
    path_of(m->file, path);
    snprintf(aside, sizeof aside, "%s/aside", ours.in->files.dir);
    (void)unlink(aside);
    snprintf(where, sizeof where, "%s, %s", m->file, unsafe[how].what);
    switch (how) {
    case 0: assert_int_equal(chmod(path, 0640), 0); break;
    case A_STRANGERS: assert_int_equal(chown(path, STRANGER, (gid_t)-1), 0); break;
    case 2:
        assert_int_equal(rename(path, aside), 0);
        assert_int_equal(symlink(aside, path), 0);
        break;
    case 3: assert_int_equal(link(path, aside), 0); break;
    default: assert_int_equal(unlink(path), 0); assert_int_equal(mkdir(path, 0700), 0);
    }
    return true;
}

/* --- a real keeper --- */

static int connection = -1;

static void ask(uint8_t verb, const struct jt_buf *payload, struct jt_buf *reply,
                struct jt_reader *out, enum jt_err expected)
{
    enum jt_err err = keeper_ask(connection, verb, payload, reply, out);
    if (err != expected) {
        fail_msg("%s: verb %u: %s", where, verb, jt_err_str(err));
    }
}

/* I1: whatever happened, each card is what it was. */
static void every_card_opens(void)
{
    struct jt_open_item items[INSTALLATION_CARDS];
    struct jt_open_result results[INSTALLATION_CARDS];
    struct jt_open_reply decoded = { .results = results };
    struct jt_buf payload, reply;
    struct jt_reader in;
    jt_buf_init(&payload, 10000);
    jt_buf_init(&reply, 10000);
    for (size_t i = 0; i < INSTALLATION_CARDS; i++) {
        struct row *r = &ours.cards[i];
        items[i] = (struct jt_open_item){ .field = r->field,
                                          .id = r->id,
                                          .fingerprint = r->fingerprint,
                                          .envelope = r->envelope,
                                          .envelope_len = sizeof r->envelope };
    }
    jt_open_request_encode(items, INSTALLATION_CARDS, &payload);
    ask(JT_VERB_OPEN, &payload, &reply, &in, JT_OK);
    assert_int_equal(jt_open_reply_decode(&in, INSTALLATION_CARDS, &decoded), JT_OK);
    for (size_t i = 0; i < INSTALLATION_CARDS; i++) {
        if (results[i].err != JT_OK || memcmp(results[i].value.bytes, ours.cards[i].pan, 8) != 0) {
            fail_msg("%s: card %zu: %s", where, i, jt_err_str(results[i].err));
        }
    }
    jt_buf_clear(&payload);
    jt_buf_clear(&reply);
}

/* It serves, knows the database's ring, and has every card. */
static void serve(void)
{
    struct keeper *k = &ours.in->files;
    struct jt_buf payload, reply;
    struct jt_reader in;
    if (!keeper_start(k)) {
        fail_msg("%s: it does not start: %s", where, k->output);
    }
    connection = keeper_greet(k);
    jt_buf_init(&payload, 10000);
    jt_buf_init(&reply, 10000);
    jt_ring_row_encode(&ours.in->ring, &payload);
    ask(JT_VERB_RING_ACCEPT, &payload, &reply, &in, JT_OK);
    jt_buf_reset(&payload);
    installation_put_field(&ours, &payload);
    ask(JT_VERB_SET_SUM, &payload, &reply, &in, JT_OK);
    struct jt_set_sum sum;
    assert_int_equal(jt_set_sum_decode(&in, &sum), JT_OK);
    jt_buf_reset(&payload);
    jt_set_verify_encode(&sum, &ours.field.set, &payload);
    ask(JT_VERB_SET_VERIFY, &payload, &reply, &in, JT_OK);
    jt_buf_clear(&payload);
    jt_buf_clear(&reply);
    every_card_opens();
}

/* As if by a fault: at a clean end it would write. */
static void end(void)
{
    close(connection);
    connection = -1;
    (void)keeper_stop(&ours.in->files, SIGKILL);
}

static struct keytree before, now; /* large */
static unsigned n_cells;

/* --- at the start --- */

/* The directory is as it is to be: the keeper refuses it, or goes on; it is then put right. */
static void starts_or_not(const struct row_of_matrix *m, const char *expected)
{
    struct keeper *k = &ours.in->files;
    keytree_read(k->keys, &before);
    if (expected[0] == '\0') {
        serve();
        end();
        put_whole(m);
    } else {
        int status = keeper_run(k, NULL);
        if (status != 1 || !has_one_of(k->output, expected)) {
            fail_msg("%s: status %d, no \"%s\" in: %s", where, status, expected, k->output);
        }
        keytree_read(k->keys, &now);
        keytree_same(&before, &now, where);
        put_right(m);
    }
    n_cells++;
}

static void start_rows(const struct row_of_matrix *m)
{
    const struct expected *e = &m->at_start;
    put_whole(m);
    for (size_t step = 0; change(m, step, SAMPLES); step++) {
        starts_or_not(m, or_longer(m, e->changed));
    }
    exchange(m);
    starts_or_not(m, e->anothers);
    if (e->older != NO_SUCH) {
        age(m);
        starts_or_not(m, e->older);
    }
    snprintf(where, sizeof where, "%s, absent", m->file);
    remove_file(m);
    starts_or_not(m, e->absent);
    for (size_t how = 0; how < N_UNSAFE; how++) {
        if (make_unsafe(m, how)) {
            starts_or_not(m, what_it_looks_like(m, how));
        }
    }
    snprintf(where, sizeof where, "%s, put right", m->file);
    serve();
    end();
}

static void no_start_on_a_file_that_is_not_as_it_should_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS; i++) {
        start_rows(&matrix[i]);
    }
    print_message("# %u starts\n", n_cells);
    n_cells = 0;
}

/* --- while it serves --- */

static char words[8000];

/* What the log has got since the last time: what it says, it says before it answers. */
static void listen_to(struct keeper *k)
{
    size_t len = 0;
    ssize_t n;
    assert_int_equal(fcntl(k->log, F_SETFL, O_NONBLOCK), 0);
    while ((n = read(k->log, words + len, sizeof words - 1 - len)) > 0) {
        len += (size_t)n;
    }
    words[len] = '\0';
}

/* Asks for proof of a key, before which it looks at its directory. */
static void acknowledge(enum jt_err expected)
{
    struct jt_ack_request request = { .generation = ours.active, .node = "node1" };
    struct jt_buf payload, reply;
    struct jt_reader in;
    jt_buf_init(&payload, 1000);
    jt_buf_init(&reply, 1000);
    jt_ack_request_encode(&request, &payload);
    ask(JT_VERB_ACK, &payload, &reply, &in, expected);
    jt_buf_clear(&payload);
    jt_buf_clear(&reply);
}

/* It happens to the keeper that serves, which says so or goes on; then it is put right. */
static void notices_or_not(const struct row_of_matrix *m, const char *expected)
{
    struct keeper *k = &ours.in->files;
    bool notices = expected[0] != '\0';
    keytree_read(k->keys, &before);
    acknowledge(notices ? JT_ERR_DIRECTORY_BAD : JT_OK);
    listen_to(k);
    if (notices && (strstr(words, "the key directory is not good: ") == NULL ||
                    !has_one_of(words, expected))) {
        fail_msg("%s: no \"%s\" in: %s", where, expected, words);
    }
    every_card_opens();
    keytree_read(k->keys, &now);
    keytree_same(&before, &now, where);
    put_right(m);
    n_cells++;
    acknowledge(JT_OK);
    listen_to(k);
    if (notices != (strstr(words, "the key directory is good again") != NULL)) {
        fail_msg("%s, put right: %s", where, words);
    }
}

static void serving_rows(const struct row_of_matrix *m)
{
    const struct expected *e = &m->serving;
    /* what is not looked at needs no more than samples */
    size_t n_bytes = e->changed[0] == '\0' ? SAMPLES : 200;
    for (size_t step = 0; change(m, step, n_bytes); step++) {
        notices_or_not(m, or_longer(m, e->changed));
    }
    exchange(m);
    notices_or_not(m, e->anothers);
    if (e->older != NO_SUCH) {
        age(m);
        notices_or_not(m, e->older);
    }
    snprintf(where, sizeof where, "%s, absent", m->file);
    remove_file(m);
    notices_or_not(m, e->absent);
    for (size_t how = 0; how < N_UNSAFE; how++) {
        if (make_unsafe(m, how)) {
            notices_or_not(m, what_it_looks_like(m, how));
        }
    }
}

static void serves(enum base base)
{
    keytree_write(ours.in->files.keys, &ours.whole[base]);
    serve();
    acknowledge(JT_OK);
    listen_to(&ours.in->files);
    for (size_t i = 0; i < N_ROWS; i++) {
        if (matrix[i].base == base) {
            serving_rows(&matrix[i]);
        }
    }
    end();
}

static void a_keeper_that_serves_notices_and_goes_on_under_what_it_has(void **state)
{
    (void)state;
    serves(CLEAR);
    serves(SEALED);
    print_message("# %u times while it served\n", n_cells);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_start_on_a_file_that_is_not_as_it_should_be),
        cmocka_unit_test(a_keeper_that_serves_notices_and_goes_on_under_what_it_has),
    };
    return cmocka_run_group_tests_name("keeper/keydir_matrix", tests, setup, teardown);
}
