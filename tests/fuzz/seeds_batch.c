/* SPDX-License-Identifier: Apache-2.0 */
/* Card files, copybooks and checkpoints. */
#include "seeds.h"

#include "batch/checkpoint.h"

#define N(array) (sizeof(array) / sizeof(array)[0])

static const char *const tables[] = {
    "pan\nid,pan,amount\r\n1,4111111111111111,5\r\n2,\"5555555555554444\",\"6,5\"\r\n\r\n3,4\n",
    "p\"n\nsep=;\n\"p\"\"n\";b\n\"a\"x;1\n\"b\"\r\"c\";2\n5\" disk;3\r",
    "2\n\xef\xbb\xbf\"first, name\"|pan\nx|1\n|\"2\n2\"\"\"|\n",
    "b\na\tb\tb\n1\t2\t\"never closed\n3",
    "pan\n\n\r\npan\n\"\"\r\n1\n,\n",
};

static const char *const lines[] = {
    "pan\n{\"pan\":\"4111111111111111\"}\n{\"a\":1,\"pan\":41}\r\n\n{\"pan\":null}\n{}",
    "cards[*].pan\n{\"cards\":[{\"pan\":\"4\"},{},{\"pan\":\"5\\u0036\\ud83d\\ude00\"}]}\n",
    "/a~1b/0\n{\"a/b\":[\"1\",2]}\n[]\n{\"a/b\":{\"0\":1.5}}\n{\"a\":1,\"\\u0061\":2}\n",
    "[1]\n[1,12,\"\\\"}\\\\\"]\n[[],[]]\nx\n",
};

static const char *const copybooks[] = {
    "000100 01  CARD-REC.\n000200*    comment\n000300     05  REC-TYPE   PIC X.\n"
    "           05  CARD-NO    PIC 9(16) COMP-3.\n           05  AMOUNT PIC S9(7)V99 COMP-3.\n"
    "           05  N PIC 9(2).\n           05  AS-TEXT REDEFINES N.\n"
    "               10 FILLER PIC XX.\n           05  T OCCURS 0 TO 5 DEPENDING ON N.\n"
    "               10  PAN PIC X(16).\n           05  LAST-ONE PIC 9(2).\n"
    "           05  LAST-TEXT REDEFINES LAST-ONE.\n               10 FILLER PIC XX.\n",
    ("01 R.\n05 A PIC S9(3) SIGN LEADING SEPARATE.\n05 B BINARY PIC 9(9).\n05 C COMP-1.\n"
     "05 D PIC Z(3)9.99 VALUE '1.00'.\n88 E VALUE 1 THRU 2.\n77 F PIC N(3).\n66 G RENAMES A.\n"),
    "05 A PIC X. 05 B REDEFINES A PIC X(3). 05 C OCCURS 2. 10 D OCCURS 3 PIC 9 COMP-5.\n",
    ">>SOURCE FREE\n01 R PIC X(4) VALUE \"a\"\"b\". *> inline\n01 S REDEFINES R PIC 9.",
};

/* A copybook with a table, and a record of it. */
static void sized_table(void)
{
    static const char all[] = "01 R.\n05 N PIC 9.\n05 T OCCURS 1 TO 3 DEPENDING ON N PIC X(2).\n"
                              "05 C PIC X.\n\0\xf2\xc1\xc2\xc3\xc4\xc5";
    seed("copybook", all, sizeof all - 1);
}

/* First bytes as of fuzz_batch_records.c, after the two that say pieces and form. */
static void records(void)
{
    static const uint8_t fixed[] = { 20,   2,    64,   18,   8 | 1, 0xc1, 0xc2, 0xf4, 0xf1,
                                     0xf1, 0xf1, 0xf1, 0xf1, 0xf1,  0xf1, 0xf1, 0xf1, 0xf1,
                                     0xf1, 0xf1, 0xf1, 0xf1, 0x40,  0xf3, 0xc4 };
    static const uint8_t numbers[] = { 12,   1,    (9 << 2) | 2, 10,   (2 << 2) | 3, 0xc1,
                                       0x04, 0x11, 0x11,         0x11, 0x11,         0x11,
                                       0x11, 0x11, 0x1c,         0x00, 0x0c };
    static const uint8_t variable[] = { 40, 1,    (3 << 2) | 1, 0,    1 << 2, 0, 8, 0,
                                        0,  0xc1, 0xf0,         0xf1, 0xf2,   0, 6, 0,
                                        0,  0xc2, 0xf3,         0,    4,      0, 0 };
    static const uint8_t chosen[] = { 4, 1, 3 << 2, 0, 0, 'A', '1', ' ', ' ', 'B', '2', '3', '4' };
    seed_with("batch_records", 255, 0, fixed, sizeof fixed);
    seed_with("batch_records", 3, 1, fixed, sizeof fixed);
    seed_with("batch_records", 4, 1, numbers, sizeof numbers);
    seed_with("batch_records", 5, 3, variable, sizeof variable);
    seed_with("batch_records", 6, 12, chosen, sizeof chosen);
}

/* As it is written, without its last line, which fuzz_checkpoint.c makes. */
static void checkpoint(bool complete, size_t n_fields, unsigned n_notes)
{
    struct jt_checkpoint job;
    struct jt_buf parameters, text;
    jt_buf_init(&parameters, 1000);
    jt_buf_init(&text, JT_CHECKPOINT_MAX);
    jt_checkpoint_begin(&job, 1800000000);
    memset(job.job, 'a', JT_JOB_ID_LEN); /* the same in each run */
    job.complete = complete;
    job.tally.n_fields = n_fields;
    job.tally.reasons[JT_MSG_PAN_BAD_LUHN] = n_notes;
    for (unsigned i = 0; i < n_notes; i++) {
        job.tally.n_read = i;
        jt_checkpoint_note(&job, i % 7 == 0, job.began_s + i);
    }
    jt_parameter_put(&parameters, "command", "tokenize");
    jt_parameter_put(&parameters, "place", "100%\n");
    MUST(jt_checkpoint_encode(&job, &parameters, &text) == JT_OK);
    seed("checkpoint", text.data, text.len - strlen("end \n") - 2 * JT_SHA256_LEN);
    jt_buf_clear(&parameters);
    jt_buf_clear(&text);
}

void seeds_of_batch(void)
{
    checkpoint(false, 1, 0);
    checkpoint(true, 2, 3);
    checkpoint(false, 0, JT_CHECKPOINT_LOG + 3);
    for (size_t i = 0; i < N(tables); i++) {
        seed_with("batch_csv", 255, 0, tables[i], strlen(tables[i]));
        seed_with("batch_csv", 3, (int)(8 + i % 8), tables[i], strlen(tables[i]));
    }
    for (size_t i = 0; i < N(lines); i++) {
        seed_with("json_lines", (int)(4 + 32 * (i % 2)), -1, lines[i], strlen(lines[i]));
    }
    for (size_t i = 0; i < N(copybooks); i++) {
        seed("copybook", copybooks[i], strlen(copybooks[i]));
    }
    sized_table();
    records();
}
