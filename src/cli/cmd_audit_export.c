/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `jeton audit export`: the starts and the rows of the audit trail as JSON lines, with all that
 * their verification needs, up to where nothing is added any more. It can be cut off anywhere and
 * gone on with.
 */
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/rest.h"
#include "cli/trail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct export
{
    FILE *out;
    const char *kind;
    unsigned long long n;
};

static int write_line(void *arg, const json_t *item)
{
    struct export *x = arg;
    json_t *line = json_pack("{ss}", "kind", x->kind);
    int code = JT_EXIT_FAILED;
    if (line == NULL || json_object_update(line, (json_t *)item) != 0) {
        jt_complain("out of memory");
    } else if (json_dumpf(line, x->out, JSON_COMPACT | JSON_SORT_KEYS) == 0 &&
               fputc('\n', x->out) != EOF) {
        x->n++;
        code = JT_EXIT_OK;
    } else {
        jt_complain("cannot write the export: %s", strerror(errno));
    }
    json_decref(line);
    return code;
}

static int write_start(void *arg, const json_t *item)
{
    ((struct export *)arg)->kind = "start";
    return write_line(arg, item);
}

static int write_close(void *arg, const json_t *item)
{
    ((struct export *)arg)->kind = "close";
    return write_line(arg, item);
}

/*
 * Cuts off a line that is not whole, and finds the cursor of the last row: what comes behind it is
 * still to be fetched. False: the file cannot be read.
 */
static bool find_end(FILE *f, char cursor[static 128])
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    off_t end = 0;
    cursor[0] = '\0';
    while ((len = getline(&line, &size, f)) > 0 && line[len - 1] == '\n') {
        json_t *json = json_loadb(line, (size_t)len, 0, NULL);
        const char *found = json_string_value(json_object_get(json, "cursor"));
        if (found != NULL) {
            (void)snprintf(cursor, 128, "%s", found);
        }
        json_decref(json);
        end += len;
    }
    free(line);
    return ferror(f) == 0 && fflush(f) == 0 && ftruncate(fileno(f), end) == 0 &&
           fseeko(f, end, SEEK_SET) == 0;
}

static int open_output(const char *path, bool resume, char cursor[static 128], FILE **out)
{
    cursor[0] = '\0';
    if (path == NULL) {
        *out = stdout;
        return JT_EXIT_OK;
    }
    int fd = open(path, O_RDWR | O_CLOEXEC | O_CREAT | (resume ? 0 : O_EXCL), 0600);
    *out = fd < 0 ? NULL : fdopen(fd, "r+");
    if (*out == NULL || (resume && !find_end(*out, cursor))) {
        jt_complain("%s: %s", path, strerror(errno));
        return JT_EXIT_FAILED;
    }
    return JT_EXIT_OK;
}

static int close_output(FILE *out, int code)
{
    bool good = out == NULL || (fflush(out) == 0 && ferror(out) == 0 &&
                                (out == stdout || fsync(fileno(out)) == 0));
    if (out != NULL && out != stdout) {
        good = fclose(out) == 0 && good;
    }
    if (!good && code == JT_EXIT_OK) {
        jt_complain("cannot write the export: %s", strerror(errno));
        return JT_EXIT_FAILED;
    }
    return code;
}

static int write_all(const struct jt_cli *cli, struct jt_trail_query *query, struct export *x)
{
    int code = jt_trail_starts(cli, write_start, write_close, x);
    if (code == JT_EXIT_OK) {
        x->kind = "row";
        x->n = 0;
        code = jt_trail_rows(cli, query, write_line, x);
    }
    json_t *end = json_pack("{ss}", "until", query->until);
    unsigned long long n = x->n;
    if (code == JT_EXIT_OK) {
        x->kind = "end";
        code = write_line(x, end);
    }
    json_decref(end);
    x->n = n;
    return code;
}

int jt_cmd_audit_export(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *path = NULL;
    bool resume = false;
    struct jt_trail_query query = { .max = 0 };
    const struct jt_option options[] = {
        JT_TEXT("output", "FILE", &path, "a new file, mode 0600 (standard output)"),
        JT_FLAG("resume", &resume,
                "go on with a file that was cut off, or is to be brought up to "
                "date"),
        JT_TEXT("since", "TIME", &query.since,
                "the earliest time, as 2026-01-31T12:00:00Z (the beginning)"),
        JT_TEXT(
            "until", "TIME", &query.until,
            "the time before which to end (half a minute ago: nothing is added there any more)"),
        JT_FLAG("ids", &query.ids, "the internal names of the rows whose cards were opened"),
    };
    struct jt_parse parse = { .options = options, .n_options = sizeof options / sizeof options[0] };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (resume && path == NULL) {
        return jt_usage_error(self, "--resume needs --output");
    }
    char stable[JT_TRAIL_TIME_TEXT], cursor[128];
    struct export x = { .out = NULL };
    code = query.until == NULL ? jt_trail_stable(cli, stable) : JT_EXIT_OK;
    query.until = query.until == NULL ? stable : query.until;
    if (code == JT_EXIT_OK) {
        code = open_output(path, resume, cursor, &x.out);
    }
    if (code == JT_EXIT_OK) {
        query.cursor = cursor;
        code = write_all(cli, &query, &x);
    }
    code = close_output(x.out, code);
    if (code == JT_EXIT_OK) {
        fprintf(stderr, "jeton: exported %llu rows of before %s\n", x.n, query.until);
    }
    return code;
}
