/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton audit verify`: the trail as it is now, or an export of it. */
#include "cli/auditcheck.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/rest.h"
#include "cli/trail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int take_start(void *arg, const json_t *start)
{
    return jt_auditcheck_start(arg, start);
}

static int take_close(void *arg, const json_t *close)
{
    return jt_auditcheck_close(arg, close);
}

static int take_row(void *arg, const json_t *row)
{
    return jt_auditcheck_row(arg, row);
}

static int read_heads(struct jt_auditcheck *c, const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        jt_complain("%s: %s", path, strerror(errno));
        return JT_EXIT_FAILED;
    }
    int code = jt_auditcheck_heads(c, f);
    (void)fclose(f);
    return code;
}

static int verify_now(const struct jt_cli *cli, struct jt_auditcheck *c,
                      const struct jt_trail_query *asked)
{
    char stable[JT_TRAIL_TIME_TEXT];
    struct jt_trail_query query = *asked;
    int code = query.until == NULL ? jt_trail_stable(cli, stable) : JT_EXIT_OK;
    query.until = query.until == NULL ? stable : query.until;
    jt_auditcheck_until(c, jt_trail_time_us(query.until));
    if (code == JT_EXIT_OK) {
        code = jt_trail_starts(cli, take_start, take_close, c);
    }
    return code == JT_EXIT_OK ? jt_trail_rows(cli, &query, take_row, c) : code;
}

static int take_line(struct jt_auditcheck *c, const char *path, const char *line, size_t len)
{
    json_t *json = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    const char *kind = json_string_value(json_object_get(json, "kind"));
    int code = JT_EXIT_FAILED;
    if (kind == NULL) {
        jt_complain("%s: a line is cut off or was changed", path);
    } else if (strcmp(kind, "start") == 0) {
        code = jt_auditcheck_start(c, json);
    } else if (strcmp(kind, "close") == 0) {
        code = jt_auditcheck_close(c, json);
    } else if (strcmp(kind, "row") == 0) {
        code = jt_auditcheck_row(c, json);
    } else {
        jt_auditcheck_until(c, jt_trail_time_us(jt_reply_text(json, "until")));
        code = JT_EXIT_OK;
    }
    json_decref(json);
    return code;
}

static int verify_file(struct jt_auditcheck *c, const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        jt_complain("%s: %s", path, strerror(errno));
        return JT_EXIT_FAILED;
    }
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    int code = JT_EXIT_OK;
    while (code == JT_EXIT_OK && (len = getline(&line, &size, f)) > 0) {
        code = take_line(c, path, line, (size_t)len);
    }
    free(line);
    (void)fclose(f);
    return code;
}

int jt_cmd_audit_verify(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *file = NULL, *heads = NULL;
    bool offline = false;
    struct jt_trail_query query = { .max = 0 };
    const struct jt_option options[] = {
        JT_TEXT("file", "FILE", &file, "an export instead of the trail as it is now"),
        JT_TEXT("heads", "FILE", &heads,
                "heads that were kept outside: heads_file, or the journal"),
        JT_FLAG("offline", &offline, "do not ask the keeper; needs --file"),
        JT_TEXT("since", "TIME", &query.since, "the earliest time (the beginning)"),
        JT_TEXT("until", "TIME", &query.until, "the time before which to end (half a minute ago)"),
    };
    struct jt_parse parse = { .options = options, .n_options = sizeof options / sizeof options[0] };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (offline && file == NULL) {
        return jt_usage_error(self, "--offline needs --file");
    }
    if (file != NULL && (query.since != NULL || query.until != NULL)) {
        return jt_usage_error(self, "--since and --until are for the trail as it is now");
    }
    struct jt_auditcheck *c = jt_auditcheck_new(offline ? NULL : cli, query.since != NULL);
    if (c == NULL) {
        jt_complain("out of memory");
        return JT_EXIT_FAILED;
    }
    code = heads == NULL ? JT_EXIT_OK : read_heads(c, heads);
    if (code == JT_EXIT_OK) {
        code = file != NULL ? verify_file(c, file) : verify_now(cli, c, &query);
    }
    if (code == JT_EXIT_OK) {
        code = jt_auditcheck_end(c);
    }
    jt_auditcheck_free(c);
    return code;
}
