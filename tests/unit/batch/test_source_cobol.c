/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch/source.h against a COBOL compiler: what a program writes by a copybook is found by the same
 * copybook, and what takes its place is what another program reads. With GnuCOBOL 3; where there is
 * none, the test says so and is skipped.
 */
#include "reading.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COPYBOOK   VECTORS_DIR "/cobol/card.cpy"
#define LRECL      301
#define N_RECORDS  2
#define MAX_OUTPUT 4000

static char directory[] = "/tmp/jeton-cobol-XXXXXX";
static bool there;

/* Runs a program in the directory; its output goes to `output`. */
static bool run(const char *const *argv, const char *output)
{
    pid_t child = fork();
    int status = -1;
    assert_true(child >= 0);
    if (child == 0) {
        int out = -1;
        if (chdir(directory) == 0 && unsetenv("COB_LIBRARY_PATH") == 0) {
            out = open(output, O_CREAT | O_WRONLY | O_TRUNC, 0600);
        }
        if (out >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0) {
            execvp(argv[0], (char *const *)argv);
        }
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static size_t read_file(const char *name, char *out, size_t room)
{
    char path[100];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(out, 1, room, file);
    assert_int_equal(fclose(file), 0);
    return n;
}

static void write_file(const char *name, const void *data, size_t len)
{
    char path[100];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* Compiles both programs and lets the first write its file. */
static int compile(void **state)
{
    (void)state;
    static const char *const cobc[] = { "cobc", "--version", NULL };
    static const char *const writer[] = { "cobc",       "-x",     "-std=ibm",
                                          "-fodoslide", "-I",     VECTORS_DIR "/cobol",
                                          "-o",         "writer", VECTORS_DIR "/cobol/writer.cob",
                                          NULL };
    static const char *const reader[] = { "cobc",       "-x",     "-std=ibm",
                                          "-fodoslide", "-I",     VECTORS_DIR "/cobol",
                                          "-o",         "reader", VECTORS_DIR "/cobol/reader.cob",
                                          NULL };
    static const char *const write_cards[] = { "./writer", NULL };
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    there = run(cobc, "version");
    return !there || (run(writer, "log") && run(reader, "log") && run(write_cards, "log")) ? 0 : -1;
}

static int clean(void **state)
{
    (void)state;
    static const char *const names[] = {
        "version", "log", "writer", "reader", "cards.dat", "told"
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[100];
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
    return rmdir(directory);
}

static void need_compiler(void)
{
    if (!there) {
        print_message("no cobc: GnuCOBOL is not installed (Debian's gnucobol3)\n");
        skip();
    }
}

/* Items, and their values in both records. "CARD-M" is of a table that the record sizes. */
static const char *const items[][3] = {
    { "CARD-B8", "4111111111111111|", "4111111111111111|" },
    { "CARD-N8", "4111111111111111|", "4111111111111111|" },
    { "ID-B4", "123456789|", "123456789|" },
    { "CARD-X", "4111111111111111|", "4111111111111111|" },
    { "CARD-Z", "4111111111111111|", "4111111111111111|" },
    { "CARD-ZS", "4111111111111111|", "4111111111111111|" },
    { "CARD-ZL", "4111111111111111|", "4111111111111111|" },
    { "CARD-ZT", "4111111111111111|", "4111111111111111|" },
    { "CARD-ZF", "4111111111111111|", "4111111111111111|" },
    { "CARD-P", "4111111111111111|", "4111111111111111|" },
    { "CARD-PS", "378282246310005|", "378282246310005|" },
    { "CARD-R", "378282246310005|", "378282246310005|" },
    { "CARD-T", "5555555555554444||5555555555554444|", "5555555555554444||5555555555554444|" },
    { "CARD-M", "5555555555554444|378282246310005|5555555555554444|", "" },
    { "CARD-LAST", "378282246310005|", "4012888888881881|" },
};

#define N_ITEMS (sizeof items / sizeof items[0])

static struct jt_place_spec places[N_ITEMS];
static struct jt_format_spec spec = { .kind = JT_FORMAT_RECORDS,
                                      .places = places,
                                      .n_places = N_ITEMS,
                                      .recfm = JT_RECFM_F,
                                      .codepage = "ASCII",
                                      .copybook = COPYBOOK };

static void check_record(struct reading *r, size_t number)
{
    const struct jt_record *record = reading_next(r, JT_RECORD_DATA);
    char told[N_ITEMS][200] = { { 0 } };
    for (size_t i = 0; i < record->n_values; i++) {
        const struct jt_record_value *v = &record->values[i];
        char *item = told[v->place];
        assert_int_equal(v->fault, JT_MSG_NONE);
        (void)snprintf(item + strlen(item), sizeof told[0] - strlen(item), "%.*s|",
                       (int)v->text_len, v->text);
    }
    for (size_t i = 0; i < N_ITEMS; i++) {
        assert_string_equal(told[i], items[i][1 + number]);
    }
}

static void what_cobol_writes_is_found(void **state)
{
    (void)state;
    char cards[MAX_OUTPUT];
    struct reading r;
    need_compiler();
    for (size_t i = 0; i < N_ITEMS; i++) {
        places[i].where = items[i][0];
    }
    size_t len = read_file("cards.dat", cards, sizeof cards);
    assert_int_equal(len, N_RECORDS * LRECL);
    reading_open(&r, &spec, cards, len);
    check_record(&r, 0);
    check_record(&r, 1);
    reading_end(&r);
    reading_close(&r);
}

static void turn_digits(const char *text, size_t len, char out[static 64])
{
    (void)snprintf(out, 64, "%.*s", (int)len, text);
    for (size_t i = 0; i < len; i++) {
        out[i] = out[i] >= '1' && out[i] <= '9' ? (char)('1' + '9' - out[i]) : out[i];
    }
}

static void what_takes_its_place_is_read_by_cobol(void **state)
{
    (void)state;
    static const char *const read_cards[] = { "./reader", NULL };
    /* As GnuCOBOL shows numbers: binary ones with as many digits as fit, signs where they stand. */
    static const char expected[] = "-00012 +000000150 00006999999999999999 00006999999999999999\n"
                                   "6999999999999999 6999999999999999+ +6999999999999999\n"
                                   "6999999999999999+ +6999999999999999\n"
                                   "6999999999999999 +732828864790005\n"
                                   "5555555555556666 5555555555556666 03\n"
                                   "5555555555556666 0732828864790005 5555555555556666\n"
                                   "732828864790005      \n";
    char cards[MAX_OUTPUT], told[MAX_OUTPUT];
    struct jt_buf out, again;
    need_compiler();
    size_t len = read_file("cards.dat", cards, sizeof cards);
    jt_buf_init(&out, sizeof cards);
    jt_buf_init(&again, sizeof cards);
    reading_replace(&spec, cards, len, turn_digits, &out);
    reading_replace(&spec, out.data, out.len, turn_digits, &again);
    assert_int_equal(again.len, len);
    assert_memory_equal(again.data, cards, len);
    write_file("cards.dat", out.data, out.len);
    assert_true(run(read_cards, "told"));
    len = read_file("told", told, sizeof told - 1);
    told[len] = '\0';
    assert_string_equal(told, expected);
    jt_buf_clear(&out);
    jt_buf_clear(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cobol_writes_is_found),
        cmocka_unit_test(what_takes_its_place_is_read_by_cobol),
    };
    return cmocka_run_group_tests_name("batch/source: COBOL", tests, compile, clean);
}
