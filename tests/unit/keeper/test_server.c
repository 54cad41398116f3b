/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile and clumsy peers of the real keeper: each costs its own connection at most. */
#include "keeper_process.h"

#include "keeper/sandbox.h"
#include "keeper/server.h"
#include "wire/hello.h"
#include "wire/open.h"
#include "wire/seal.h"
#include "wire/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct keeper k;
static struct jt_buf reply;

static int setup(void **state)
{
    (void)state;
    jt_buf_init(&reply, JT_WIRE_MAX_FRAME + 64);
    keeper_make(&k, "development", "");
    keeper_init(&k);
    if (!keeper_start(&k)) {
        return -1;
    }
    /* A service root, without which hardly a verb is answered. */
    const struct jt_buf nothing = { 0 };
    struct jt_reader in;
    int fd = keeper_greet(&k);
    enum jt_err err = keeper_ask(fd, JT_VERB_RING_FIRST, &nothing, &reply, &in);
    close(fd);
    return err == JT_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    keeper_remove(&k);
    jt_buf_clear(&reply);
    return 0;
}

static void status_works(int fd)
{
    const struct jt_buf nothing = { 0 };
    struct jt_reader in;
    struct jt_keeper_status status;
    assert_int_equal(keeper_ask(fd, JT_VERB_STATUS, &nothing, &reply, &in), JT_OK);
    assert_int_equal(jt_keeper_status_decode(&in, &status), JT_OK);
    assert_true(status.development);
}

/* One refusal with the status of JT_ERR_PROTOCOL, then the end of the connection. */
static void refused_and_closed(int fd)
{
    enum jt_err status;
    struct jt_reader in;
    assert_true(keeper_receive(fd, &reply, &status, &in));
    assert_int_equal(status, JT_ERR_PROTOCOL);
    assert_int_equal(in.left, 0);
    assert_true(keeper_closed(fd));
    close(fd);
}

static void a_hello_of_another_version_is_refused(void **state)
{
    (void)state;
    const uint16_t versions[] = { 0, 1, JT_WIRE_VERSION - 1, JT_WIRE_VERSION + 1, 0xffff };
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        struct jt_buf hello;
        jt_buf_init(&hello, 100);
        jt_hello_encode(versions[i], &hello);
        int fd = keeper_connect(&k);
        assert_true(keeper_send(fd, JT_VERB_HELLO, hello.data, hello.len));
        refused_and_closed(fd);
        jt_buf_clear(&hello);
    }
}

static void nothing_is_answered_before_hello_and_no_second_hello_after(void **state)
{
    (void)state;
    for (unsigned verb = 0; verb < 256; verb++) {
        int fd = keeper_connect(&k);
        /* verb 1: an empty hello, malformed */
        assert_true(keeper_send(fd, (uint8_t)verb, NULL, 0));
        refused_and_closed(fd);
    }
    struct jt_buf hello;
    jt_buf_init(&hello, 100);
    jt_hello_encode(JT_WIRE_VERSION, &hello);
    int fd = keeper_greet(&k);
    assert_true(keeper_send(fd, JT_VERB_HELLO, hello.data, hello.len));
    refused_and_closed(fd);
    jt_buf_clear(&hello);
}

static void unknown_verbs_are_refused(void **state)
{
    (void)state;
    const uint8_t verbs[] = { 0, 25, 99, 255 };
    for (size_t i = 0; i < sizeof verbs; i++) {
        int fd = keeper_greet(&k);
        assert_true(keeper_send(fd, verbs[i], "x", 1));
        refused_and_closed(fd);
    }
}

static void a_bad_frame_costs_one_connection_and_the_others_go_on(void **state)
{
    (void)state;
    int other = keeper_greet(&k);
    uint8_t garbage[100];
    for (unsigned seed = 0; seed < 64; seed++) {
        int fd = keeper_greet(&k);
        for (size_t i = 0; i < sizeof garbage; i++) {
            garbage[i] = (uint8_t)(seed * 31 + i * 17 + i * i);
        }
        uint8_t verb = (uint8_t)(seed % 26);
        (void)keeper_send(fd, verb, garbage, sizeof garbage);
        enum jt_err status;
        struct jt_reader in;
        assert_true(keeper_receive(fd, &reply, &status, &in));
        assert_int_not_equal(status, JT_OK);
        close(fd);
    }
    status_works(other);
    close(other);
}

static void an_oversize_frame_closes_its_connection_before_it_is_read(void **state)
{
    (void)state;
    int other = keeper_greet(&k);
    const uint32_t lengths[] = { 0, JT_WIRE_MAX_FRAME + 1, UINT32_MAX };
    for (size_t i = 0; i < 3; i++) {
        int fd = keeper_greet(&k);
        uint8_t head[5] = { 0, 0, 0, 0, JT_VERB_STATUS };
        jt_put_u32(head, lengths[i]);
        assert_true(keeper_send_bytes(fd, head, sizeof head));
        assert_true(keeper_closed(fd));
        close(fd);
    }
    /* Within the protocol's bound but too long for its verb: read, then refused. */
    int fd = keeper_greet(&k);
    static const uint8_t zeroes[5000];
    assert_true(keeper_send(fd, JT_VERB_STATUS, zeroes, sizeof zeroes));
    refused_and_closed(fd);
    status_works(other);
    close(other);
}

static void more_items_than_the_bound_are_refused_without_closing(void **state)
{
    (void)state;
    int fd = keeper_greet(&k);
    struct jt_buf payload;
    struct jt_reader in;
    jt_buf_init(&payload, 10);
    jt_buf_u16(&payload, JT_WIRE_MAX_ITEMS + 1);
    assert_int_equal(keeper_ask(fd, JT_VERB_OPEN, &payload, &reply, &in), JT_ERR_LIMIT);
    status_works(fd);
    jt_buf_clear(&payload);
    close(fd);
}

static void a_frame_split_byte_by_byte_works(void **state)
{
    (void)state;
    int fd = keeper_greet(&k);
    const uint8_t frame[5] = { 0, 0, 0, 1, JT_VERB_STATUS };
    for (size_t i = 0; i < sizeof frame; i++) {
        assert_true(keeper_send_bytes(fd, frame + i, 1));
        struct pollfd nothing = { .fd = fd, .events = POLLIN };
        assert_int_equal(poll(&nothing, 1, i + 1 < sizeof frame ? 1 : 10000),
                         i + 1 < sizeof frame ? 0 : 1);
    }
    enum jt_err status;
    struct jt_reader in;
    assert_true(keeper_receive(fd, &reply, &status, &in));
    assert_int_equal(status, JT_OK);
    close(fd);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    int fd = keeper_greet(&k);
    struct jt_buf many;
    jt_buf_init(&many, 100000);
    for (int i = 0; i < 500; i++) {
        size_t mark = jt_frame_begin_request(&many, i % 3 == 0 ? JT_VERB_STATUS : JT_VERB_OPEN);
        if (i % 3 != 0) {
            jt_buf_u16(&many, 0);
        }
        assert_int_equal(jt_frame_end(&many, mark), JT_OK);
    }
    assert_true(keeper_send_bytes(fd, many.data, many.len));
    for (int i = 0; i < 500; i++) {
        enum jt_err status;
        struct jt_reader in;
        assert_true(keeper_receive(fd, &reply, &status, &in));
        assert_int_equal(status, JT_OK);
        assert_int_equal(reply.data[0], i % 3 == 0 ? JT_VERB_STATUS : JT_VERB_OPEN);
    }
    jt_buf_clear(&many);
    close(fd);
}

/*
 * A peer that sends without reading: the keeper stops reading from it, keeps serving others, and
 * answers everything in the end.
 */
static void a_peer_that_does_not_read_stops_only_itself(void **state)
{
    (void)state;
    int fd = keeper_greet(&k);
    int other = keeper_greet(&k);
    const uint8_t frame[5] = { 0, 0, 0, 1, JT_VERB_STATUS };
    static uint8_t block[5 * 4000];
    for (size_t i = 0; i < 4000; i++) {
        memcpy(block + 5 * i, frame, 5);
    }
    size_t sent = 0;
    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLOUT };
        if (poll(&p, 1, 200) == 0) {
            break; /* full on both ways */
        }
        size_t at = sent % sizeof block;
        ssize_t n = send(fd, block + at, sizeof block - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        assert_true(n > 0);
        sent += (size_t)n;
        assert_true(sent < 100u << 20); /* it would be reading without bound */
        status_works(other);
    }
    /*
     * Now it reads as much as it sends, so that its replies never run dry: many times what the
     * keeper would ever buffer.
     */
    for (size_t round = 0; round < 100; round++) {
        for (size_t i = 0; i < 1000; i++) {
            enum jt_err status;
            struct jt_reader in;
            assert_true(keeper_receive(fd, &reply, &status, &in));
            assert_int_equal(status, JT_OK);
        }
        size_t at = sent % sizeof block;
        size_t len = sizeof block - at < 5000 ? sizeof block - at : 5000;
        assert_true(keeper_send_bytes(fd, block + at, len));
        sent += len;
    }
    size_t whole = sent / 5 - 100 * 1000;
    for (size_t i = 0; i < whole; i++) {
        enum jt_err status;
        struct jt_reader in;
        assert_true(keeper_receive(fd, &reply, &status, &in));
        assert_int_equal(status, JT_OK);
    }
    close(fd);
    close(other);
}

static void a_front_that_dies_in_the_middle_of_a_frame_is_survived(void **state)
{
    (void)state;
    int other = keeper_greet(&k);
    static const uint8_t half[100000] = { 0, 3, 0, 0, JT_VERB_SEAL };
    for (size_t len = 1; len < sizeof half; len = len * 3 + 1) {
        int fd = keeper_greet(&k);
        assert_true(keeper_send_bytes(fd, half, len));
        close(fd);
    }
    /* ... and one that dies before it has read its replies. */
    int fd = keeper_greet(&k);
    for (int i = 0; i < 100; i++) {
        assert_true(keeper_send(fd, JT_VERB_STATUS, NULL, 0));
    }
    close(fd);
    status_works(other);
    close(other);
}

static void many_connections_are_served_and_too_many_refused(void **state)
{
    (void)state;
    int fds[200];
    size_t n = 0;
    for (; n < 200; n++) {
        fds[n] = keeper_connect(&k);
        assert_true(fds[n] >= 0);
        struct jt_buf hello;
        jt_buf_init(&hello, 100);
        jt_hello_encode(JT_WIRE_VERSION, &hello);
        (void)keeper_send(fds[n], JT_VERB_HELLO, hello.data, hello.len);
        jt_buf_clear(&hello);
        enum jt_err status;
        struct jt_reader in;
        if (!keeper_receive(fds[n], &reply, &status, &in)) {
            break;
        }
    }
    assert_in_range(n, 64, 199);
    for (size_t i = 0; i < n; i++) {
        status_works(fds[i]);
    }
    for (size_t i = 0; i < n; i++) {
        close(fds[i]);
    }
    close(fds[n]);
    int fd = keeper_greet(&k); /* there is room again */
    status_works(fd);
    close(fd);
}

static void connections_that_say_nothing_do_not_keep_a_front_out(void **state)
{
    (void)state;
    int served = keeper_greet(&k);
    int silent[JT_SERVER_MAX_CONNECTIONS + 40];
    size_t n = sizeof silent / sizeof silent[0];
    for (size_t i = 0; i < n; i++) {
        silent[i] = keeper_connect(&k);
        assert_true(silent[i] >= 0);
    }
    int fd = keeper_greet(&k); /* the oldest silent ones have given their places */
    status_works(fd);
    status_works(served);
    assert_true(keeper_closed(silent[0]));
    assert_true(keeper_closed(silent[n - 1])); /* in the end all of them go */
    status_works(fd);
    for (size_t i = 0; i < n; i++) {
        close(silent[i]);
    }
    close(fd);
    close(served);
}

/* The keeper's resident memory. */
static long resident_kb(void)
{
    char path[64];
    char line[200];
    long kb = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)k.pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    while (kb < 0 && fgets(line, sizeof line, f) != NULL) {
        (void)sscanf(line, "VmRSS: %ld kB", &kb);
    }
    fclose(f);
    return kb;
}

static void half_frames_take_bounded_memory_and_leave_in_time(void **state)
{
    (void)state;
    static uint8_t most[(4 << 20) - 100] = { 0, 0x3f, 0xff, 0xff, JT_VERB_SEAL };
    enum { N = 60 };
    int fds[N];
    int other = keeper_greet(&k);
    for (size_t i = 0; i < N; i++) {
        fds[i] = keeper_greet(&k);
        (void)keeper_send_bytes(fds[i], most, sizeof most);
    }
    if (!jt_sandbox_is_weakened()) {
        assert_in_range(resident_kb(), 1, 160 << 10);
    }
    status_works(other);
    assert_true(keeper_closed(fds[0]));
    assert_true(keeper_closed(fds[N - 1])); /* the rest of its frame did not come */
    for (size_t i = 0; i < N; i++) {
        close(fds[i]);
    }
    status_works(other);
    close(other);
}

/* Processor time of the keeper so far, in ticks. */
static unsigned long ticks(void)
{
    char path[64];
    unsigned long user = 0;
    unsigned long kernel = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)k.pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_int_equal(
        fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel),
        2);
    fclose(f);
    return user + kernel;
}

static void a_keeper_without_descriptors_rests_and_goes_on(void **state)
{
    (void)state;
    struct rlimit before;
    (void)keeper_stop(&k, SIGTERM);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit few = { 24, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    bool started = keeper_start(&k);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(started);
    int fds[24];
    for (size_t i = 0; i < 24; i++) {
        fds[i] = keeper_connect(&k); /* in the backlog, some of them */
        assert_true(fds[i] >= 0);
    }
    unsigned long from = ticks();
    (void)poll(NULL, 0, 1000); /* what is measured: one second in which nothing can be done */
    assert_in_range(ticks() - from, 0, (unsigned long)sysconf(_SC_CLK_TCK) / 4);
    for (size_t i = 0; i < 24; i++) {
        close(fds[i]);
    }
    int fd = keeper_greet(&k);
    status_works(fd);
    close(fd);
    (void)keeper_stop(&k, SIGTERM);
    assert_true(keeper_start(&k));
}

static void without_a_ring_nothing_is_sealed_or_opened(void **state)
{
    (void)state;
    int fd = keeper_greet(&k);
    const uint8_t fingerprint[16] = { 1 };
    const uint8_t envelope[25] = { 1 };
    const uint8_t pan[8] = { 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 };
    const struct jt_seal_item item = { .field = 1,
                                       .value = { .kind = JT_FIELD_PAN, .bytes = pan, .len = 8 } };
    const struct jt_seal_request request = { .items = &item, .n = 1 };
    const struct jt_open_item stored = {
        .field = 1, .id = 1, .fingerprint = fingerprint, .envelope = envelope, .envelope_len = 25
    };
    struct jt_buf payload;
    struct jt_reader in;
    jt_buf_init(&payload, 1000);
    jt_seal_request_encode(&request, &payload);
    assert_int_equal(keeper_ask(fd, JT_VERB_SEAL, &payload, &reply, &in), JT_ERR_NO_RING);
    jt_buf_reset(&payload);
    jt_open_request_encode(&stored, 1, &payload);
    assert_int_equal(keeper_ask(fd, JT_VERB_OPEN, &payload, &reply, &in), JT_OK);
    struct jt_open_result result;
    struct jt_open_reply opened = { .results = &result };
    assert_int_equal(jt_open_reply_decode(&in, 1, &opened), JT_OK);
    assert_int_equal(opened.epoch, 0);
    assert_int_equal(result.err, JT_ERR_RING_MOVED);
    jt_buf_clear(&payload);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_of_another_version_is_refused),
        cmocka_unit_test(nothing_is_answered_before_hello_and_no_second_hello_after),
        cmocka_unit_test(unknown_verbs_are_refused),
        cmocka_unit_test(a_bad_frame_costs_one_connection_and_the_others_go_on),
        cmocka_unit_test(an_oversize_frame_closes_its_connection_before_it_is_read),
        cmocka_unit_test(more_items_than_the_bound_are_refused_without_closing),
        cmocka_unit_test(a_frame_split_byte_by_byte_works),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_peer_that_does_not_read_stops_only_itself),
        cmocka_unit_test(a_front_that_dies_in_the_middle_of_a_frame_is_survived),
        cmocka_unit_test(many_connections_are_served_and_too_many_refused),
        cmocka_unit_test(without_a_ring_nothing_is_sealed_or_opened),
        cmocka_unit_test(connections_that_say_nothing_do_not_keep_a_front_out),
        cmocka_unit_test(half_frames_take_bounded_memory_and_leave_in_time),
        cmocka_unit_test(a_keeper_without_descriptors_rests_and_goes_on),
    };
    return cmocka_run_group_tests_name("keeper/server", tests, setup, teardown);
}
