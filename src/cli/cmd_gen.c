/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton gen`: a card file from pan/generator.h. */
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/output.h"
#include "pan/generator.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CHUNK   (1u << 18) /* bytes that are written at once */
#define ROW_MAX 128

static void put_row(struct jt_buf *rows, uint64_t id, const struct jt_generator_row *row)
{
    char line[ROW_MAX];
    int n = snprintf(line, sizeof line, "%" PRIu64 ",%s,%" PRIu64 ".%02u\n", id, row->pan,
                     row->amount_cents / 100, (unsigned)(row->amount_cents % 100));
    jt_buf_put(rows, line, (size_t)n);
}

static int write_rows(struct jt_generator *generator, struct jt_output *out)
{
    static const char header[] = "id,pan,amount\n";
    struct jt_generator_row row;
    struct jt_buf rows;
    int code = JT_EXIT_OK;
    jt_buf_init(&rows, CHUNK + ROW_MAX);
    jt_buf_put(&rows, header, strlen(header));
    for (uint64_t id = 1; code == JT_EXIT_OK && jt_generator_next(generator, &row); id++) {
        put_row(&rows, id, &row);
        if (jt_buf_status(&rows) != JT_OK) {
            jt_complain("out of memory");
            code = JT_EXIT_FAILED;
        } else if (rows.len >= CHUNK) {
            code = jt_output_write(out, &rows);
        }
    }
    code = code == JT_EXIT_OK ? jt_output_write(out, &rows) : code;
    jt_buf_clear(&rows);
    return code;
}

static int generate(struct jt_generator *generator, const char *path)
{
    struct jt_output out = { .fd = -1 };
    int code = jt_output_open(path, &out);
    if (code == JT_EXIT_OK) {
        code = write_rows(generator, &out);
    }
    if (code == JT_EXIT_OK) {
        code = jt_output_commit(&out);
    }
    jt_output_abandon(&out);
    return code;
}

int jt_cmd_gen(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    long rows = -1, bad = 0, seed = 1;
    const char *out = "-";
    const struct jt_option options[] = {
        JT_NUMBER("rows", "N", &rows, 0, 1000000000000, "rows to make (required)"),
        JT_NUMBER("bad", "N", &bad, 0, 1000000000000, "bad rows among them, of every kind (0)"),
        JT_NUMBER("seed", "N", &seed, 0, INT64_MAX, "the same seed gives the same file (1)"),
        JT_TEXT("out", "FILE", &out, "file to write, mode 0600 (-, standard output)"),
    };
    struct jt_parse parse = { .options = options, .n_options = sizeof options / sizeof options[0] };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (rows < 0) {
        return jt_usage_error(self, "--rows is missing");
    }
    if (bad > rows) {
        return jt_usage_error(self, "--bad must not exceed --rows");
    }
    struct jt_generator generator;
    jt_generator_init(&generator, (uint64_t)seed, (uint64_t)rows, (uint64_t)bad);
    return generate(&generator, out);
}
