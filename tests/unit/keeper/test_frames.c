/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real keeper under frames that no honest front sends: the messages of tests/fuzz/corpus/wire,
 * changed at random, and bytes at random, behind a good hello. It must stay up, within its memory,
 * with its keys and its ring as they were, and go on serving the honest client beside.
 *
 * $JETON_TEST_FRAMES is how many it must answer (200,000 if it is not set); $JETON_TEST_SEED what
 * they follow from, so that a failure can be had again.
 */
#include "world.h"

#include "base/file.h"
#include "wire/hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CORPUS        VECTORS_DIR "/../fuzz/corpus/wire"
#define MAX_SEEDS     2000
#define MAX_LEN       1500 /* of a frame: what is sent at once must fit into the socket */
#define AT_ONCE       16
#define GROWTH_MAX_KB (64 << 10) /* what one connection may hold, and more */
#define LOOKS         10         /* at the honest client, on the way */

struct seed {
    size_t len; /* of the verb and the payload */
    uint8_t bytes[MAX_LEN];
};

static struct seed seeds[MAX_SEEDS];
static size_t n_seeds;
static uint64_t random_state;

/* xorshift64* (Vigna, 2016): the same frames for the same seed, on every machine. */
static uint32_t any(uint32_t below)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 2685821657736338717u) >> 32) % below;
}

static uint64_t number(const char *name, uint64_t without)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : without;
}

/* The verb, a byte that is the fuzz target's own, the payload. */
static void read_seeds(void)
{
    DIR *dir = opendir(CORPUS);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL && n_seeds < MAX_SEEDS;) {
        struct jt_buf file;
        jt_buf_init(&file, MAX_LEN);
        if (e->d_name[0] != '.' && jt_file_read(dirfd(dir), e->d_name, false, &file) == JT_OK &&
            file.len > 2) {
            struct seed *s = &seeds[n_seeds++];
            s->len = file.len - 1;
            s->bytes[0] = file.data[0];
            memcpy(s->bytes + 1, file.data + 2, file.len - 2);
        }
        jt_buf_clear(&file);
    }
    closedir(dir);
    assert_true(n_seeds > 100);
}

static void mutate(uint8_t *p, size_t *len)
{
    for (uint32_t n = any(5); n > 0 && *len > 1; n--) {
        uint32_t at = any((uint32_t)*len);
        switch (any(4)) {
        case 0: p[at] ^= (uint8_t)(1u << any(8)); break;
        case 1: p[at] = (uint8_t)any(256); break;
        case 2: /* cut off */ *len = 1 + at; break;
        default: /* an extreme of a count or of a length */
            memset(p + at, any(2) == 0 ? 0xff : 0, *len - at < 4 ? *len - at : 4);
        }
    }
}

/* One frame behind the others. */
static void put_frame(struct jt_buf *out)
{
    uint8_t message[MAX_LEN];
    size_t len;
    if (any(8) == 0) {
        len = 1 + any(200);
        for (size_t i = 0; i < len; i++) {
            message[i] = (uint8_t)any(256);
        }
    } else {
        const struct seed *s = &seeds[any((uint32_t)n_seeds)];
        len = s->len;
        memcpy(message, s->bytes, len);
        mutate(message, &len);
    }
    /* now and then a length that is not true: the rest of the stream is then misread */
    size_t told = any(64) == 0 ? any(1u << 24) : len;
    uint8_t head[JT_FRAME_LENGTH_BYTES];
    jt_put_u32(head, (uint32_t)told);
    jt_buf_put(out, head, sizeof head);
    jt_buf_put(out, message, len);
}

/*
 * A connection of its own: a good hello, some frames at once, no more. Whatever the keeper says is
 * read until it closes, which it does behind the first malformed one. How many it has answered.
 */
static uint64_t attack(struct world *w)
{
    struct jt_buf out, reply;
    uint64_t n = 0;
    jt_buf_init(&out, AT_ONCE * (MAX_LEN + JT_FRAME_LENGTH_BYTES));
    jt_buf_init(&reply, JT_WIRE_MAX_FRAME + 64);
    for (size_t i = 0; i < AT_ONCE; i++) {
        put_frame(&out);
    }
    assert_int_equal(jt_buf_status(&out), JT_OK);
    int fd = keeper_greet(&w->k);
    (void)keeper_send_bytes(fd, out.data, out.len); /* it may close before all is sent */
    (void)shutdown(fd, SHUT_WR);
    enum jt_err status;
    struct jt_reader in;
    while (keeper_receive(fd, &reply, &status, &in)) {
        n++;
    }
    assert_true(errno != EAGAIN); /* the time-out: it neither answers nor closes */
    close(fd);
    jt_buf_clear(&out);
    jt_buf_clear(&reply);
    return n;
}

static long resident_kb(const struct world *w)
{
    char path[64], line[200];
    long kb = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)w->k.pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    while (kb < 0 && fgets(line, sizeof line, f) != NULL) {
        (void)sscanf(line, "VmRSS: %ld kB", &kb);
    }
    fclose(f);
    assert_true(kb > 0);
    return kb;
}

static void read_key(const struct world *w, const char *name, struct jt_buf *out)
{
    int dir = open(w->k.keys, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    assert_true(dir >= 0);
    jt_buf_init(out, 10000);
    assert_int_equal(jt_file_read(dir, name, true, out), JT_OK);
    close(dir);
}

/* The honest client: its ring is the keeper's, and its cards open to what they were. */
static void is_served(struct world *w)
{
    struct jt_keeper_status status;
    assert_int_equal(jt_keyclient_wait_status(w->kc, &status), JT_OK);
    assert_int_equal(status.epoch, w->ring.epoch);
    assert_true(status.directory_good);
    world_all_open(w, false);
}

static void no_frame_harms_the_keeper_or_who_is_served_beside(void **state)
{
    struct world *w = *state;
    static const char *const names[] = { "master.key", "service-root.key", "generation-1.key" };
    struct jt_buf before[3];
    uint64_t n = number("JETON_TEST_FRAMES", 200000), done = 0;
    uint64_t seed = number("JETON_TEST_SEED", 20200101);
    random_state = seed != 0 ? seed : 1;
    read_seeds();
    struct jt_generation_row first = world_create(w);
    world_step(w, &first, JT_GENERATION_ACTIVE, NULL);
    struct jt_seal_reply sealed = world_seal(w);
    world_keep_sealed(w, &sealed);
    for (size_t i = 0; i < 3; i++) {
        read_key(w, names[i], &before[i]);
    }
    long kb = 0;
    for (uint64_t look = 1; look <= LOOKS; look++) {
        while (done < n * look / LOOKS) {
            errno = 0;
            done += attack(w);
        }
        is_served(w);
        kb = kb == 0 ? resident_kb(w) : kb; /* once its buffers are warm */
    }
    long now_kb = resident_kb(w);
    print_message(
        "# %llu frames answered, of seed %llu, resident %ld kB after a tenth, %ld kB at the end\n",
        (unsigned long long)done, (unsigned long long)seed, kb, now_kb);
    assert_true(now_kb - kb < GROWTH_MAX_KB);
    for (size_t i = 0; i < 3; i++) {
        struct jt_buf now;
        read_key(w, names[i], &now);
        assert_int_equal(now.len, before[i].len);
        assert_memory_equal(now.data, before[i].data, now.len);
        jt_buf_clear(&now);
        jt_buf_clear(&before[i]);
    }
    /* and what it wrote meanwhile is good */
    world_restart(w, SIGTERM);
    assert_int_equal(world_accept(w, &w->ring), JT_OK);
    /* a frame may have renumbered the node, as a front may: it is taken back in the same way */
    const struct jt_node_join join = { .spec = { .name = "node1", .number = WORLD_NODE },
                                       .renumbered = true };
    struct jt_node_joined joined;
    assert_int_equal(jt_keyclient_wait_node_join(w->kc, &join, &joined), JT_OK);
    is_served(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(no_frame_harms_the_keeper_or_who_is_served_beside),
    };
    return cmocka_run_group_tests_name("keeper/frames", tests, NULL, NULL);
}
