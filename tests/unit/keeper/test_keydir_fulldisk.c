/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real keeper on a real full disk: a small file system in memory, in a mount namespace of the
 * test's own. Whatever was to be written is refused, the log names the file and the cause, the
 * directory is byte for byte as it was, and cards open; once there is room, the same goes well.
 */
#include "keytree.h"
#include "signers.h"

#include "keeper/destructfile.h"
#include "keeper/honey.h"
#include "keeper/keydir.h"
#include "wire/generation.h"
#include "wire/honey.h"
#include "wire/set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define SKIPPED 77 /* automake's */

static char disk[] = "/tmp/jeton-full-XXXXXX";

/* --- the disk --- */

static bool put_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool put = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        close(fd);
    }
    return put;
}

/* Without root: in a user namespace as well, as the same user. */
static bool own_namespace(void)
{
    char users[64], groups[64];
    unsigned long uid = geteuid(), gid = getegid();
    if (uid == 0) {
        return unshare(CLONE_NEWNS) == 0;
    }
    snprintf(users, sizeof users, "%lu %lu 1", uid, uid);
    snprintf(groups, sizeof groups, "%lu %lu 1", gid, gid);
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && put_text("/proc/self/uid_map", users) &&
           put_text("/proc/self/setgroups", "deny") && put_text("/proc/self/gid_map", groups);
}

static bool mount_disk(void)
{
    return own_namespace() && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("jeton-full", disk, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0700") == 0;
}

static void filler(char out[static 64])
{
    snprintf(out, 64, "%s/filler", disk);
}

static void fill(void)
{
    static const char block[4096];
    char path[64];
    filler(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    while (write(fd, block, sizeof block) > 0) {
    }
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

static void make_room(void)
{
    char path[64];
    filler(path);
    assert_int_equal(unlink(path), 0);
}

/* --- a keeper, first inside the test, then the real one on its directory --- */

static struct keytree before, now; /* large */
static char words[8000];

struct serving {
    struct keeper *k;
    int connection;
    struct jt_buf payload, reply;
};

static void serve(struct serving *s, struct inside *in)
{
    *s = (struct serving){ .k = &in->files };
    jt_keeper_free(in->k);
    in->k = NULL;
    assert_true(keeper_start(s->k));
    s->connection = keeper_greet(s->k);
    jt_buf_init(&s->payload, JT_WIRE_MAX_FRAME);
    jt_buf_init(&s->reply, JT_WIRE_MAX_FRAME + 64);
    assert_int_equal(fcntl(s->k->log, F_SETFL, O_NONBLOCK), 0);
}

static void end(struct serving *s)
{
    close(s->connection);
    (void)keeper_stop(s->k, SIGKILL);
    jt_buf_clear(&s->payload);
    jt_buf_clear(&s->reply);
}

static void listen_to(struct serving *s)
{
    size_t len = 0;
    ssize_t n;
    while ((n = read(s->k->log, words + len, sizeof words - 1 - len)) > 0) {
        len += (size_t)n;
    }
    words[len] = '\0';
}

static enum jt_err ask(struct serving *s, uint8_t verb)
{
    struct jt_reader in;
    return keeper_ask(s->connection, verb, &s->payload, &s->reply, &in);
}

/*
 * The request in s->payload on a full disk, then with room. It writes `file`, which is another
 * afterwards.
 */
static void refused_until_there_is_room(struct serving *s, uint8_t verb, const char *file)
{
    char line[100];
    snprintf(line, sizeof line, "cannot write %s: %s", file, strerror(ENOSPC));
    keytree_read(s->k->keys, &before);
    fill();
    listen_to(s);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(s, verb), JT_ERR_IO);
        listen_to(s);
        bool told = strstr(words, line) != NULL;
        if (told != (i == 0)) {
            fail_msg("%s, attempt %d: %s", file, i, words);
        }
        keytree_read(s->k->keys, &now);
        keytree_same(&before, &now, file);
    }
    make_room();
    assert_int_equal(ask(s, verb), JT_OK);
    jt_buf_reset(&s->payload);
    keytree_read(s->k->keys, &now);
    const struct keytree_file *was = keytree_find(&before, file);
    const struct keytree_file *is = keytree_find(&now, file);
    assert_non_null(is);
    assert_true(was == NULL || was->len != is->len || memcmp(was->bytes, is->bytes, is->len) != 0);
}

/* --- tests --- */

static void no_half_of_a_master_key_is_made(void **state)
{
    (void)state;
    struct keeper k;
    keeper_make(&k, "development", "");
    assert_int_equal(mkdir(k.keys, 0700), 0);
    fill();
    assert_int_equal(keeper_run(&k, "--init"), 1);
    assert_non_null(strstr(k.output, "cannot write master.key: No space left on device"));
    keytree_read(k.keys, &now);
    assert_int_equal(now.n, 0);
    make_room();
    keeper_init(&k);
    assert_true(keeper_start(&k));
    keeper_remove(&k);
}

static void no_half_of_a_service_root_is_made(void **state)
{
    struct serving s;
    serve(&s, *state);
    refused_until_there_is_room(&s, JT_VERB_RING_FIRST, JT_KEYDIR_STATE);
    assert_non_null(keytree_find(&now, JT_KEYDIR_ROOT));
    end(&s);
}

static void no_half_of_a_generation_is_made(void **state)
{
    struct serving s;
    const struct jt_generation_create create = { .db_highest = 1 };
    serve(&s, *state);
    jt_generation_create_encode(&create, &s.payload);
    refused_until_there_is_room(&s, JT_VERB_GENERATION_CREATE, "generation-2.key");
    end(&s);
}

/* The mark is written before the ring is taken. */
static void no_ring_is_taken_half(void **state)
{
    struct inside *in = *state;
    struct serving s;
    struct jt_reader reply;
    struct jt_ring_proposal proposal;
    const struct jt_ring_propose propose = { .current = in->ring,
                                             .generation = inside_create(in, 1),
                                             .step = JT_GENERATION_ACTIVE };
    jt_ring_propose_encode(&propose, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_RING_PROPOSE, &reply), JT_OK);
    assert_int_equal(jt_ring_proposal_decode(&reply, &proposal), JT_OK);
    serve(&s, in);
    jt_ring_row_encode(&proposal.next, &s.payload);
    refused_until_there_is_room(&s, JT_VERB_RING_ACCEPT, "generation-2.used");
    assert_memory_not_equal(keytree_find(&now, JT_KEYDIR_STATE)->bytes,
                            keytree_find(&before, JT_KEYDIR_STATE)->bytes, 60);
    end(&s);
}

/* A database without fields. */
static void name_no_fields(struct serving *s)
{
    const struct jt_set_sum_request request = { .kind = JT_SET_FIELDS };
    const struct jt_set_row none = jt_set_row_empty(JT_SET_FIELDS);
    struct jt_set_sum sum;
    struct jt_reader in;
    jt_buf_reset(&s->payload);
    jt_set_sum_request_encode(&request, &s->payload);
    assert_int_equal(keeper_ask(s->connection, JT_VERB_SET_SUM, &s->payload, &s->reply, &in),
                     JT_OK);
    assert_int_equal(jt_set_sum_decode(&in, &sum), JT_OK);
    jt_buf_reset(&s->payload);
    jt_set_verify_encode(&sum, &none, &s->payload);
    assert_int_equal(ask(s, JT_VERB_SET_VERIFY), JT_OK);
    jt_buf_reset(&s->payload);
}

static void no_node_joins_half(void **state)
{
    struct serving s;
    const struct jt_node_join join = { .spec = { .name = "node1", .number = NODE } };
    struct inside *in = *state;
    const struct jt_ring_row ring = in->ring;
    serve(&s, in);
    jt_ring_row_encode(&ring, &s.payload);
    assert_int_equal(ask(&s, JT_VERB_RING_ACCEPT), JT_OK);
    name_no_fields(&s);
    jt_node_join_encode(&join, &s.payload);
    refused_until_there_is_room(&s, JT_VERB_NODE_JOIN, JT_KEYDIR_STATE);
    end(&s);
}

static void no_half_of_a_set_of_marks_is_taken(void **state)
{
    struct inside *in = *state;
    struct serving s;
    struct jt_honey_set set = { .version = 0 };
    struct jt_honey_sealed sealed;
    assert_int_equal(jt_honey_add(&set, FIELD, 77), JT_OK);
    assert_int_equal(jt_honey_seal(in->k->root, true, &set, &sealed), JT_OK);
    serve(&s, in);
    jt_honey_sealed_encode(&sealed, &s.payload);
    refused_until_there_is_room(&s, JT_VERB_HONEY_ACCEPT, JT_KEYDIR_HONEY);
    end(&s);
}

static void no_half_of_the_custodians_is_taken(void **state)
{
    struct inside *in = *state;
    struct serving s;
    struct jt_custodian_row row;
    const struct jt_custodians_make make = signers_two(0);
    in->k->local = true;
    assert_int_equal(signers_make(in, &make, &row), JT_OK);
    serve(&s, in);
    jt_custodian_row_encode(&row, &s.payload);
    refused_until_there_is_room(&s, JT_VERB_CUSTODIANS_SHOW, JT_KEYDIR_CUSTODIANS);
    end(&s);
}

static void no_half_of_the_destructions_is_written(void **state)
{
    struct inside *in = *state;
    struct jt_destructions ds = { .n = 1, .all = { { .generation = 1 } } };
    assert_int_equal(jt_destructfile_save(in->k->dir_fd, in->k->root, true, &ds), JT_OK);
    keytree_read(in->files.keys, &before);
    ds.all[0].cancelled = true;
    fill();
    assert_int_equal(jt_destructfile_save(in->k->dir_fd, in->k->root, true, &ds), JT_ERR_IO);
    keytree_read(in->files.keys, &now);
    keytree_same(&before, &now, JT_KEYDIR_DESTRUCTIONS);
    make_room();
    assert_int_equal(jt_destructfile_save(in->k->dir_fd, in->k->root, true, &ds), JT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_half_of_a_master_key_is_made),
        IN_A_BARE_KEEPER(no_half_of_a_service_root_is_made),
        IN_A_KEEPER(no_half_of_a_generation_is_made),
        IN_A_KEEPER(no_ring_is_taken_half),
        IN_A_KEEPER(no_node_joins_half),
        IN_A_KEEPER(no_half_of_a_set_of_marks_is_taken),
        IN_A_KEEPER(no_half_of_the_custodians_is_taken),
        IN_A_KEEPER(no_half_of_the_destructions_is_written),
    };
    if (mkdtemp(disk) == NULL) {
        return 1;
    }
    if (!mount_disk()) {
        printf("no file system can be mounted here: %s\n", strerror(errno));
        (void)rmdir(disk);
        return SKIPPED;
    }
    (void)setenv("JETON_TEST_DIR", disk, 1);
    int failed = cmocka_run_group_tests_name("keeper/keydir_fulldisk", tests, NULL, NULL);
    (void)umount2(disk, MNT_DETACH);
    (void)rmdir(disk);
    return failed;
}
