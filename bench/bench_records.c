/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast are card files read, without a service behind? Makes a file in memory, reads it again
 * and again, and prints megabytes and records a second for each form.
 *
 *     bench_records [SECONDS]
 */
#include "batch/source.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define N_ROWS    500000
#define ROW(text) text, sizeof text - 1

static const struct form {
    const char *name;
    const char *row; /* its file is a heading, and this many times */
    size_t row_len;
    const char *heading;
    struct jt_place_spec place;
    struct jt_format_spec spec;
} forms[] = {
    { "csv",
      ROW("1000045,Anna Example,4111111111111111,2027-11,12.50,EUR,open,2026-01-31T12:00:00Z\n"),
      "id,name,pan,expiry,amount,currency,state,made\n",
      { "pan" },
      { .kind = JT_FORMAT_CSV } },
    { "csv, quoted",
      ROW("\"1000045\",\"Anna "
          "Example\",\"4111111111111111\",\"2027-11\",\"12.50\",\"EUR\",\"open\"\n"),
      "id,name,pan,expiry,amount,currency,state\n",
      { "pan" },
      { .kind = JT_FORMAT_CSV } },
    { "json lines",
      ROW("{\"id\":1000045,\"name\":\"Anna\",\"card\":{\"pan\":\"4111111111111111\",\"exp\":"
          "\"2711\"}}\n"),
      "",
      { "card.pan" },
      { .kind = JT_FORMAT_JSON } },
    { "records, char",
      ROW("\xf1\xf0\xf0\xf0\xf0\xf4\xf5\x40\xf4"
          "\xf1\xf1\xf1\xf1\xf1"
          "\xf1\xf1\xf1\xf1\xf1"
          "\xf1\xf1\xf1\xf1\xf1"
          "\x40\x40\x40\xc5\xe4\xd9"
          "\x40\x40\x40\x40\x40\x40\x40\x40\x40\x40"
          "\x40\x40\x40\x40\x40\x40\x40\x40\x40\x40"
          "\x40\x40\x40\x40\x40\x40\x40\x40\x40\x40"
          "\x40\x40\x40\x40\x40\x40\x40\x40\x40\x40"
          "\x40\x40\x40\x40\x40\x40\x40\x40\x40\x40"),
      "",
      { "8:19:char" },
      { .kind = JT_FORMAT_RECORDS, .recfm = JT_RECFM_FB, .codepage = "IBM037" } },
    { "records, packed",
      ROW("\x01\x23\x45\x67\x8c\x04\x11\x11\x11\x11\x11\x11\x11\x1c\x00\x00\x12\x5c"),
      "",
      { "5:9:packed" },
      { .kind = JT_FORMAT_RECORDS, .recfm = JT_RECFM_FB, .codepage = "IBM037" } },
};

static int file_of(const struct form *form)
{
    int fd = memfd_create("bench", MFD_CLOEXEC);
    FILE *file = fdopen(dup(fd), "wb");
    if (fd < 0 || file == NULL) {
        abort();
    }
    fputs(form->heading, file);
    for (int i = 0; i < N_ROWS; i++) {
        if (fwrite(form->row, 1, form->row_len, file) != form->row_len) {
            abort();
        }
    }
    if (fclose(file) != 0) {
        abort();
    }
    return fd;
}

/* Reads the file once; counts. */
static void read_once(const struct form *form, int fd, uint64_t *n_bytes, uint64_t *n_records)
{
    struct jt_format_spec spec = form->spec;
    struct jt_format *format;
    struct jt_record_source *source;
    struct jt_record record;
    struct jt_trouble trouble;
    spec.places = &form->place;
    spec.n_places = 1;
    spec.lrecl = (uint32_t)form->row_len; /* where there is one */
    if (lseek(fd, 0, SEEK_SET) != 0 || jt_format_open(&spec, &format, &trouble) != JT_OK ||
        jt_source_open(format, fd, &source) != JT_OK ||
        jt_source_begin(source, &trouble) != JT_OK) {
        abort();
    }
    while (jt_source_next(source, &record, &trouble) == JT_OK) {
        *n_bytes += record.raw_len;
        *n_records += record.kind == JT_RECORD_DATA && record.values[0].text_len == 16;
    }
    jt_source_free(source);
    jt_format_free(format);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 2;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        uint64_t n_bytes = 0, n_records = 0, n_times = 0;
        int fd = file_of(&forms[i]);
        int64_t start = jt_clock_ms(), spent;
        do {
            read_once(&forms[i], fd, &n_bytes, &n_records);
            n_times++;
            spent = jt_clock_ms() - start;
        } while ((double)spent < 1000 * seconds);
        if (n_records != n_times * N_ROWS) {
            fprintf(stderr, "%s: not all values were found\n", forms[i].name);
            return EXIT_FAILURE;
        }
        printf("%-16s %6.0f MB/s %9.0f records/s\n", forms[i].name,
               (double)n_bytes / 1000 / (double)spent, (double)n_records * 1000 / (double)spent);
        close(fd);
    }
    return EXIT_SUCCESS;
}
