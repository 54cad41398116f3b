/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton gen`: a card file from pan/generator.h. */
#include "cli/exit.h"
#include "cli/options.h"
#include "pan/generator.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* False when a write failed; errno says why. */
static bool write_rows(struct jt_generator *generator, FILE *out)
{
    struct jt_generator_row row;
    fputs("id,pan,amount\n", out);
    for (uint64_t id = 1; jt_generator_next(generator, &row); id++) {
        fprintf(out, "%" PRIu64 ",%s,%" PRIu64 ".%02u\n", id, row.pan, row.amount_cents / 100,
                (unsigned)(row.amount_cents % 100));
        if (ferror(out)) {
            return false;
        }
    }
    return fflush(out) == 0;
}

static int generate(struct jt_generator *generator, const char *path)
{
    FILE *out = path == NULL ? stdout : fopen(path, "we");
    if (out == NULL) {
        jt_complain("%s: %s", path, strerror(errno));
        return JT_EXIT_FAILED;
    }
    static char buffer[1 << 18];
    (void)setvbuf(out, buffer, _IOFBF, sizeof buffer);
    bool written = write_rows(generator, out);
    if (out != stdout && fclose(out) != 0) {
        written = false;
    }
    if (!written) {
        jt_complain("%s: %s", path == NULL ? "standard output" : path, strerror(errno));
    }
    return written ? JT_EXIT_OK : JT_EXIT_FAILED;
}

int jt_cmd_gen(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    long rows = -1, bad = 0, seed = 1;
    const char *out = NULL;
    const struct jt_option options[] = {
        JT_NUMBER("rows", "N", &rows, 0, 1000000000000, "rows to make (required)"),
        JT_NUMBER("bad", "N", &bad, 0, 1000000000000, "bad rows among them, of every kind (0)"),
        JT_NUMBER("seed", "N", &seed, 0, INT64_MAX, "the same seed gives the same file (1)"),
        JT_TEXT("out", "FILE", &out, "file to write (standard output)"),
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
