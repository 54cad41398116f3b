/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the keeper's directory. The first byte of an input says which file, and whether the
 * rest is the file as it stands, or its contents, to which the MAC or the wrapping is put that an
 * honest keeper would have: without that, no input would ever be read beyond it. The second byte is
 * the environment in which the file is read.
 *
 * Keys here are fixed patterns. The file system is left out: names, rights and links are the unit
 * tests' matter.
 *
 * A file that was taken is written as the same bytes again. Of one that was refused nothing is left
 * in the outputs, and the operator gets a line that says why.
 */
#include "fuzz.h"

#include "base/file.h"
#include "base/secmem.h"
#include "crypto/kdf.h"
#include "keeper/escrow.h"
#include "keeper/genmark.h"
#include "keeper/masterfile.h"
#include "keeper/rotation.h"
#include "keeper/rowmac.h"
#include "keeper/state.h"

#define MAX_FILE 8192

enum file { MASTER, ROOT, GENERATION, STATE, MARK, ESCROW, SEALED_MASTER, ROTATION, N_FILES };
enum { AS_IT_STANDS = 0x80 };

/* Places in the files: docs/key-files.md. */
#define MASTER_CHECK   12
#define MASTER_KEY     20
#define MASTER_LEN     52
#define ROOT_HEADER    28
#define ROOT_CREATED   12
#define ROOT_CHECK     20
#define FORMAT_AT      8
#define GENFILE_HEADER 36
#define GENFILE_FORMAT 2
#define GENFILE_NUMBER 12
#define GENFILE_CHECK  28
#define MARK_BODY      28
#define MARK_NUMBER    12
/* Behind it come n marks of nodes; then the length of the ring's body, that body, and its MAC. */
#define STATE_MARKS   ((size_t)148)
#define ESCROW_N      10
#define ESCROW_MASTER 20
#define ESCROW_ROOT   28
#define KEY_LEN       32

static struct jt_buf file; /* what is read, by whatever name */
static struct jt_buf written;

enum jt_err __wrap_jt_file_read(int dir_fd, const char *name, bool private_only,
                                struct jt_buf *out);
enum jt_err __wrap_jt_file_write_new(int dir_fd, const char *name, const void *data, size_t len);
enum jt_err __wrap_jt_file_replace(int dir_fd, const char *name, const void *data, size_t len);

enum jt_err __wrap_jt_file_read(int dir_fd, const char *name, bool private_only, struct jt_buf *out)
{
    (void)dir_fd;
    (void)name;
    MUST(private_only);
    jt_buf_put(out, file.data, file.len);
    return jt_buf_status(out);
}

enum jt_err __wrap_jt_file_write_new(int dir_fd, const char *name, const void *data, size_t len)
{
    (void)dir_fd;
    (void)name;
    jt_buf_reset(&written);
    jt_buf_put(&written, data, len);
    return jt_buf_status(&written);
}

enum jt_err __wrap_jt_file_replace(int dir_fd, const char *name, const void *data, size_t len)
{
    return __wrap_jt_file_write_new(dir_fd, name, data, len);
}

void *__wrap_jt_secmem_alloc(size_t len);
void __wrap_jt_secmem_free(void *p, size_t len);

/* Ordinary memory: the sanitizers look at it, and system calls are slow. */
void *__wrap_jt_secmem_alloc(size_t len)
{
    return calloc(1, len);
}

void __wrap_jt_secmem_free(void *p, size_t len)
{
    if (p != NULL) {
        jt_wipe(p, len);
    }
    free(p);
}

static struct jt_master *master;
static struct jt_root *root;

static void make_keys(void)
{
    struct jt_fault fault = { 0 };
    struct jt_root *plain = jt_secmem_alloc(sizeof *plain);
    master = jt_secmem_alloc(sizeof *master);
    MUST(master != NULL && plain != NULL);
    memset(master->wrap_key, 0x11, sizeof master->wrap_key);
    memset(plain->key, 0x22, sizeof plain->key);
    MUST(jt_kdf_derive(plain->key, JT_KDF_ROOT_CHECK, NULL, 0, plain->check_value,
                       sizeof plain->check_value) == JT_OK);
    jt_buf_init(&file, MAX_FILE);
    jt_buf_init(&written, MAX_FILE);
    MUST(jt_root_store(-1, master, plain, true, 1763712000) == JT_OK);
    jt_buf_put(&file, written.data, written.len);
    MUST(jt_root_load(-1, master, true, &root, &fault) == JT_OK);
    jt_secmem_free(plain, sizeof *plain);
}

static void check_written(void)
{
    MUST(fuzz_same(written.data, written.len, file.data, file.len));
}

/* Puts the check value of the key that is in the file beside it; false when the file is shorter. */
static bool put_check_value(enum jt_kdf_role role, size_t key_at, size_t check_at)
{
    return file.len >= key_at + KEY_LEN &&
           jt_kdf_derive(file.data + key_at, role, NULL, 0, file.data + check_at,
                         JT_CHECK_VALUE_LEN) == JT_OK;
}

/* Takes the key behind the header away and puts it there wrapped. */
static void wrap_key(size_t header_len)
{
    uint8_t key[KEY_LEN], wrapped[KEY_LEN + JT_WRAP_OVERHEAD];
    if (file.len < header_len + sizeof key) {
        return;
    }
    struct jt_buf rest;
    jt_buf_init(&rest, MAX_FILE);
    jt_buf_put(&rest, file.data + header_len + sizeof key, file.len - header_len - sizeof key);
    memcpy(key, file.data + header_len, sizeof key);
    MUST(jt_wrap_seal(master->wrap_key, file.data, header_len, key, sizeof key, wrapped) == JT_OK);
    file.len = header_len;
    jt_buf_put(&file, wrapped, sizeof wrapped);
    jt_buf_put(&file, rest.data, rest.len);
    jt_buf_clear(&rest);
}

static void read_master(bool sealed, bool development)
{
    struct jt_fault fault = { 0 };
    struct jt_master *m;
    uint8_t wrap[JT_SIV_256_KEY_LEN];
    if (sealed) {
        (void)put_check_value(JT_KDF_MASTER_CHECK, MASTER_KEY, MASTER_CHECK);
    }
    enum jt_err err = jt_master_load(-1, development, &m, &fault);
    MUST((err == JT_OK) == (m != NULL) && fault.err == err);
    if (err == JT_OK) {
        MUST(development && file.len == MASTER_LEN);
        MUST(jt_kdf_derive(file.data + MASTER_KEY, JT_KDF_WRAP, NULL, 0, wrap, sizeof wrap) ==
             JT_OK);
        MUST(memcmp(m->wrap_key, wrap, sizeof wrap) == 0);
    }
    jt_master_free(m);
}

static void read_root(bool sealed, bool development)
{
    struct jt_fault fault = { 0 };
    struct jt_root *r;
    if (sealed) {
        (void)put_check_value(JT_KDF_ROOT_CHECK, ROOT_HEADER, ROOT_CHECK);
        wrap_key(ROOT_HEADER);
    }
    enum jt_err err = jt_root_load(-1, master, development, &r, &fault);
    MUST((err == JT_OK) == (r != NULL) && fault.err == err);
    if (err == JT_OK) {
        uint64_t created_s = jt_get_u64(file.data + ROOT_CREATED);
        MUST(jt_root_store(-1, master, r, development, created_s) == JT_OK);
        check_written();
    }
    jt_root_free(r);
}

static void read_generation(bool sealed, bool development)
{
    struct jt_fault fault = { 0 };
    struct jt_genfile meta;
    uint8_t key[JT_GENERATION_KEY_LEN];
    if (sealed) {
        (void)put_check_value(JT_KDF_CHECK, GENFILE_HEADER, GENFILE_CHECK);
        wrap_key(GENFILE_HEADER);
    }
    uint64_t number = file.len < GENFILE_NUMBER + 8 ? 1 : jt_get_u64(file.data + GENFILE_NUMBER);
    enum jt_err err = jt_genfile_load(-1, master, development, number, &meta, key, &fault);
    MUST(fault.err == err);
    if (err == JT_OK) {
        MUST(meta.number == number && meta.development == development && meta.key_id != 0);
        MUST(jt_genfile_create(-1, master, &meta, key) == JT_OK);
        if (file.data[FORMAT_AT] == GENFILE_FORMAT) {
            check_written();
        } else {
            MUST(!meta.foreign); /* it is written in the present one */
        }
        /* Under another generation's name it is refused. */
        err = jt_genfile_load(-1, master, development, number ^ 1, &meta, key, &fault);
        MUST(err == JT_ERR_FILE_ALTERED);
    }
    MUST(fuzz_zero(&meta, sizeof meta) && fuzz_zero(key, sizeof key));
}

/*
 * What a state file of an older format, which its byte 8 tells, does not have: the counts of opened
 * cards and of messages sealed, the mark of numeric tokens, the number of marks of nodes, and the
 * course of the database.
 */
#define OPENED_LEN 20
#define SEALED_LEN 36
#define MARKS_LEN  1
#define ONE_MARK   9
#define COURSE_LEN 21 /* without renewals, each of which is as long as a mark */

static size_t state_lacks(void)
{
    switch (file.len > 8 ? file.data[8] : 0) {
    case 3: return OPENED_LEN + SEALED_LEN + MARKS_LEN + COURSE_LEN;
    case 4: return SEALED_LEN + MARKS_LEN + COURSE_LEN;
    case 5: return MARKS_LEN + COURSE_LEN;
    case 6: return COURSE_LEN;
    default: return 0;
    }
}

/* Behind a list by node number that begins at `at`; or the end of the file. */
static size_t behind_list(size_t at)
{
    return file.len > at ? at + 1 + file.data[at] * ONE_MARK : file.len;
}

/* Where the length of the ring's body stands, or the end of the file. */
static size_t ring_at(void)
{
    size_t lacks = state_lacks();
    if (lacks > COURSE_LEN) {
        return STATE_MARKS + MARKS_LEN + COURSE_LEN - lacks;
    }
    size_t at = behind_list(STATE_MARKS);
    return lacks > 0 ? at : behind_list(at + COURSE_LEN - 1);
}

/* The MACs of the ring in it, if there is one, and of the whole. */
static void seal_state(void)
{
    uint8_t mac[JT_ROW_MAC_LEN];
    size_t at = ring_at();
    if (file.len >= at + 2) {
        size_t body_len = (size_t)file.data[at] << 8 | file.data[at + 1];
        uint8_t *body = file.data + at + 2;
        if (body_len > 0 && file.len == at + 2 + body_len + sizeof mac) {
            MUST(jt_rowmac_ring(root, body, body_len, body + body_len) == JT_OK);
        }
    }
    MUST(jt_rowmac_state(root, file.data, file.len, mac) == JT_OK);
    jt_buf_put(&file, mac, sizeof mac);
}

static void read_state(bool sealed, bool development)
{
    struct jt_fault fault = { 0 };
    static struct jt_keeper_state state;
    static struct jt_ring ring;
    if (sealed) {
        seal_state();
    }
    enum jt_err err = jt_state_load(-1, root, development, &state, &ring, &fault);
    MUST(fault.err == err);
    if (err != JT_OK) {
        MUST(fuzz_zero(&state, sizeof state) && fuzz_zero(&ring, sizeof ring));
        return;
    }
    MUST(state.development == development && ring.epoch <= state.highest_epoch);
    MUST((ring.epoch == 0) == (state.ring.body_len == 0));
    MUST(jt_state_save(-1, root, &state) == JT_OK);
    if (state_lacks() > 0) {
        MUST(written.len == file.len + state_lacks()); /* it is written in the present one */
    } else {
        check_written();
    }
}

static void read_mark(bool sealed, bool development)
{
    struct jt_fault fault = { 0 };
    uint8_t mac[JT_ROW_MAC_LEN];
    if (sealed) {
        MUST(jt_rowmac_mark(root, file.data, file.len, mac) == JT_OK);
        jt_buf_put(&file, mac, sizeof mac);
    }
    uint64_t number = file.len < MARK_NUMBER + 8 ? 1 : jt_get_u64(file.data + MARK_NUMBER);
    enum jt_err err = jt_genmark_check(-1, root, development, number, NULL, &fault);
    MUST(fault.err == err);
    if (err == JT_OK) {
        struct jt_genfile meta = { .number = number,
                                   .key_id = file.data[10],
                                   .development = development };
        memcpy(meta.check_value, file.data + MARK_BODY - JT_CHECK_VALUE_LEN, JT_CHECK_VALUE_LEN);
        MUST(jt_genmark_check(-1, root, development, number, &meta, &fault) == JT_OK);
        MUST(jt_genmark_write(-1, root, &meta) == JT_OK);
        check_written();
        meta.check_value[0] ^= 1;
        MUST(jt_genmark_check(-1, root, development, number, &meta, &fault) == JT_ERR_FILE_ALTERED);
    }
}

/* Puts check values that are those of the keys, where the keys are, and seals what comes last. */
static void seal_escrow(void)
{
    uint8_t check[JT_CHECK_VALUE_LEN];
    size_t n =
        file.len >= ESCROW_N + 2 ? (size_t)file.data[ESCROW_N] << 8 | file.data[ESCROW_N + 1] : 0;
    size_t clear = JT_ESCROW_HEAD_LEN + n * JT_ESCROW_ENTRY_LEN;
    if (file.len < clear + 8 + KEY_LEN + n * (8 + KEY_LEN)) {
        return;
    }
    const uint8_t *key = file.data + clear + 8;
    MUST(jt_kdf_derive(key, JT_KDF_ROOT_CHECK, NULL, 0, check, sizeof check) == JT_OK);
    memcpy(file.data + ESCROW_ROOT, check, sizeof check);
    for (size_t i = 0; i < n; i++) {
        key += KEY_LEN + 8;
        MUST(jt_genfile_check_value(key, check) == JT_OK);
        memcpy(file.data + JT_ESCROW_HEAD_LEN + (i + 1) * JT_ESCROW_ENTRY_LEN - sizeof check, check,
               sizeof check);
    }
    memcpy(file.data + ESCROW_MASTER, master->check_value, JT_CHECK_VALUE_LEN);
    size_t len = file.len - clear;
    uint8_t *plain = fuzz_copy(file.data + clear, len);
    file.len = clear;
    uint8_t *sealed = jt_buf_append(&file, len + JT_WRAP_OVERHEAD);
    MUST(sealed != NULL);
    MUST(jt_wrap_seal(master->escrow, file.data, clear, plain, len, sealed) == JT_OK);
    free(plain);
}

static void read_escrow(bool sealed, bool development)
{
    static struct jt_escrow escrow;
    static struct jt_escrow_file in, again;
    if (sealed) {
        seal_escrow();
    }
    if (file.len > sizeof in.bytes) {
        return;
    }
    memcpy(in.bytes, file.data, file.len);
    in.len = file.len;
    enum jt_err err = jt_escrow_open(master, development, &in, &escrow);
    if (err != JT_OK) {
        MUST(fuzz_zero(&escrow, sizeof escrow));
        return;
    }
    MUST(escrow.state.development == development && escrow.n <= JT_ESCROW_MAX_KEYS);
    MUST(jt_escrow_seal(master, &escrow, &again) == JT_OK);
    MUST(fuzz_same(again.bytes, again.len, in.bytes, in.len));
    memset(&escrow, 0, sizeof escrow);
}

/* What opens it is in nobody's hands here: it is read, and written as the same bytes. */
static void read_sealed_master(bool sealed, bool development)
{
    (void)sealed;
    (void)development;
    static struct jt_masterfile f;
    struct jt_buf again;
    if (jt_masterfile_decode(&file, &f) != JT_OK) {
        return;
    }
    jt_buf_init(&again, JT_MASTERFILE_MAX);
    jt_masterfile_encode(&f, &again);
    MUST(fuzz_same(again.data, again.len, file.data, file.len));
    jt_buf_clear(&again);
}

/* The digest at its end, and the same bytes again of one that was taken. */
static void read_rotation(bool sealed, bool development)
{
    static struct jt_rotation rotation;
    struct jt_buf again;
    uint8_t digest[JT_SHA256_LEN];
    (void)development; /* jt_rotation_finish compares it */
    if (sealed) {
        MUST(jt_sha256(file.data, file.len, digest) == JT_OK);
        jt_buf_put(&file, digest, sizeof digest);
    }
    enum jt_err err = jt_rotation_decode(&file, &rotation);
    if (err != JT_OK) {
        MUST(err == JT_ERR_FILE_ALTERED && fuzz_zero(&rotation, sizeof rotation));
        return;
    }
    MUST(rotation.n <= JT_KEYDIR_MAX_GENERATIONS);
    MUST(jt_rotation_encode(&rotation, &again) == JT_OK);
    MUST(fuzz_same(again.data, again.len, file.data, file.len));
    jt_buf_clear(&again);
}

static void (*const readers[N_FILES])(bool sealed, bool development) = {
    [MASTER] = read_master,
    [ROOT] = read_root,
    [GENERATION] = read_generation,
    [STATE] = read_state,
    [MARK] = read_mark,
    [ESCROW] = read_escrow,
    [SEALED_MASTER] = read_sealed_master,
    [ROTATION] = read_rotation,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2 || len > MAX_FILE - 64 || (data[0] & ~AS_IT_STANDS) >= N_FILES) {
        return -1;
    }
    if (root == NULL) {
        make_keys();
    }
    jt_buf_clear(&file);
    jt_buf_reset(&written);
    jt_buf_put(&file, data + 2, len - 2);
    readers[data[0] & ~AS_IT_STANDS]((data[0] & AS_IT_STANDS) == 0, (data[1] & 1) != 0);
    return 0;
}
