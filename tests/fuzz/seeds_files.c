/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's files without their wrapping and MACs, which fuzz_key_file adds: written here from
 * docs/key-files.md, since the encoders are static in the keeper. Keys are patterns.
 */
#include "seeds.h"

#include "wire/ring.h"

enum { MASTER, ROOT, GENERATION, STATE, MARK, ESCROW, SEALED_MASTER, ROTATION };

static struct jt_buf file;

static void begin(const char magic[static 8], uint8_t format)
{
    jt_buf_reset(&file);
    jt_buf_put(&file, magic, 8);
    jt_buf_u8(&file, format);
    jt_buf_u8(&file, JT_ENVIRONMENT_DEVELOPMENT);
}

static void put_bytes(uint8_t value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        jt_buf_u8(&file, value);
    }
}

/* For both environments: the file's own and the other. */
static void store(int which)
{
    MUST(jt_buf_status(&file) == JT_OK);
    for (int environment = 0; environment < 2; environment++) {
        seed_with("key_file", which, environment, file.data, file.len);
    }
    seed_with("key_file", 0x80 + which, 1, file.data, file.len);
    file.data[9] = JT_ENVIRONMENT_PRODUCTION;
    seed_with("key_file", which, 0, file.data, file.len);
}

static void put_state(const struct jt_ring *ring)
{
    begin("JTKSTATE", 8);
    jt_buf_u8(&file, 1);
    jt_buf_u8(&file, ring != NULL);
    jt_buf_u64(&file, 9);
    jt_buf_u64(&file, 4);
    jt_buf_u64(&file, 1u << 30);
    for (int i = 0; i < 2; i++) {
        jt_buf_u64(&file, 3);
        put_bytes(5, JT_ROW_MAC_LEN);
    }
    jt_buf_u64(&file, 0);
    jt_buf_u64(&file, 5000);
    jt_buf_u32(&file, 20000);
    jt_buf_u64(&file, 70);
    jt_buf_u64(&file, 2);
    jt_buf_u64(&file, 1u << 20);
    jt_buf_u64(&file, 8);
    jt_buf_u64(&file, UINT64_MAX);
    jt_buf_u32(&file, 2);
    jt_buf_u8(&file, 2);
    jt_buf_u8(&file, 1);
    jt_buf_u64(&file, 1u << 29);
    jt_buf_u8(&file, 255);
    jt_buf_u64(&file, 1u << 31);
    const struct jt_course course = { UINT64_MAX, 2, 1u << 25, { [1] = 70, [9] = 3 } };
    jt_course_encode(&course, &file);
    struct jt_buf body;
    jt_buf_init(&body, JT_RING_BODY_MAX);
    if (ring != NULL) {
        jt_ring_encode(ring, &body);
    }
    jt_buf_u16(&file, (uint16_t)body.len);
    jt_buf_put(&file, body.data, body.len);
    put_bytes(0, JT_ROW_MAC_LEN);
    jt_buf_clear(&body);
}

/* By a passphrase, by two of three shares, and by a hardware token. */
static void put_sealed_master(uint8_t method)
{
    begin("JTMASTER", 2);
    jt_buf_u8(&file, method);
    jt_buf_u8(&file, 0);
    put_bytes(1, JT_CHECK_VALUE_LEN);
    if (method == 1) {
        jt_buf_put(&file, "\x11\x08\x01", 3);
        put_bytes(2, 16);
    } else if (method == 2) {
        jt_buf_put(&file, "\x02\x03", 2);
        put_bytes(3, 8 + 3 * 32);
    } else {
        jt_buf_put(&file,
                   "\x05vault\x04"
                   "0a1b\x05jeton\x02\x07\x08",
                   20);
        put_bytes(4, 12 + 48);
    }
    put_bytes(5, 48);
    store(SEALED_MASTER);
}

void seeds_of_files(void)
{
    static struct jt_ring ring = { .development = true, .epoch = 9, .highest = 2, .n = 2 };
    ring.entries[0] = (struct jt_ring_entry){ 1, 1, JT_GENERATION_DRAINING, false, { 1 } };
    ring.entries[1] = (struct jt_ring_entry){ 2, 2, JT_GENERATION_ACTIVE, false, { 2 } };
    jt_buf_init(&file, 8192);

    begin("JTMASTER", 1);
    jt_buf_u16(&file, 0);
    put_bytes(0, JT_CHECK_VALUE_LEN);
    put_bytes(0x11, 32);
    store(MASTER);

    begin("JTSVROOT", 1);
    jt_buf_u16(&file, 0);
    jt_buf_u64(&file, 1763712000);
    put_bytes(0, JT_CHECK_VALUE_LEN);
    put_bytes(0x22, 32);
    store(ROOT);

    for (int origin = -1; origin < 2; origin++) {
        begin("JTGENKEY", origin < 0 ? 1 : 2); /* format 1 has no origin */
        jt_buf_u8(&file, 9);
        jt_buf_u8(&file, origin == 1);
        jt_buf_u64(&file, 3);
        jt_buf_u64(&file, 1763712000);
        put_bytes(0, JT_CHECK_VALUE_LEN);
        put_bytes(0x33, 32);
        store(GENERATION);
    }

    begin("JTGENUSE", 1);
    jt_buf_u8(&file, 9);
    jt_buf_u8(&file, 0);
    jt_buf_u64(&file, 3);
    put_bytes(4, JT_CHECK_VALUE_LEN);
    store(MARK);

    begin("JTESCROW", 1);
    jt_buf_u16(&file, 2);
    jt_buf_u64(&file, 1763712000);
    put_bytes(0, 2 * JT_CHECK_VALUE_LEN);
    jt_buf_u64(&file, 9);
    for (uint8_t i = 1; i <= 2; i++) {
        jt_buf_u64(&file, i);
        jt_buf_u8(&file, i);
        jt_buf_u8(&file, i == 1);
        put_bytes(0, JT_CHECK_VALUE_LEN);
    }
    for (uint8_t i = 0; i < 3; i++) {
        jt_buf_u64(&file, 1763712000);
        put_bytes(0x22 + i, 32);
    }
    jt_buf_u64(&file, 4);
    put_bytes(5, 2 * (8 + JT_ROW_MAC_LEN) + 8 + 8 + 8 + 4);
    jt_buf_u8(&file, 1);
    jt_buf_u8(&file, 7);
    jt_buf_u64(&file, 1u << 30);
    store(ESCROW);

    begin("JTROTATE", 1);
    jt_buf_u16(&file, 1);
    put_bytes(1, JT_CHECK_VALUE_LEN);
    put_bytes(2, JT_CHECK_VALUE_LEN);
    jt_buf_u16(&file, 87);
    jt_buf_put(&file, "JTMASTER\2\1\1", 12); /* under a passphrase */
    put_bytes(2, JT_CHECK_VALUE_LEN);
    jt_buf_put(&file, "\x11\x08\x01", 3);
    put_bytes(3, 16 + 48);
    jt_buf_put(&file, "JTSVROOT", 8);
    put_bytes(4, 68);
    jt_buf_put(&file, "JTGENKEY", 8);
    put_bytes(5, 76);
    store(ROTATION);

    put_state(NULL);
    store(STATE);
    put_state(&ring);
    store(STATE);
    ring.development = false;
    put_state(&ring);
    store(STATE);
    for (uint8_t method = 1; method <= 3; method++) {
        put_sealed_master(method);
    }
    jt_buf_clear(&file);
}
