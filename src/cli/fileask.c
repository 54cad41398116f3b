/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/fileask.h"

#include "batch/checkpoint.h"
#include "cli/conveyor.h"
#include "cli/say.h"
#include "model/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Those of RFC 3339; the server reads what is made of them. */
#define TIME_CHARACTERS "0123456789TZ:.+-"

static const char *ending_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot == NULL || strchr(dot, '/') != NULL ? "" : dot;
}

/* --- DD names --- */

/* Takes NAME=PATH; NULL: fine, else what is wrong. */
static const char *take_dd(struct jt_fileask *ask, const char *word)
{
    const struct {
        const char *name;
        const char **target;
    } names[] = { { "INFILE", &ask->in },          { "OUTFILE", &ask->out },
                  { "REJECTS", &ask->rejects },    { "SYSPRINT", &ask->report },
                  { "CHECKPT", &ask->checkpoint }, { "COPYBOOK", &ask->copybook } };
    size_t len = strcspn(word, "=");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i].name) == len && memcmp(names[i].name, word, len) == 0 &&
            word[len] == '=' && word[len + 1] != '\0') {
            if (*names[i].target != NULL) {
                return "names a file that is named already";
            }
            *names[i].target = word + len + 1;
            return NULL;
        }
    }
    return "must be NAME=FILE with one of INFILE, OUTFILE, REJECTS, SYSPRINT, CHECKPT, COPYBOOK";
}

static int take_files(struct jt_fileask *ask, const struct jt_command *self,
                      const char *const *arguments, size_t n)
{
    const char *wrong = NULL;
    for (size_t i = 0; i < ask->dd.n && wrong == NULL; i++) {
        wrong = take_dd(ask, ask->dd.words[i]);
    }
    for (size_t i = 0; i < n && wrong == NULL; i++) {
        if (ask->dd.n > 0 && take_dd(ask, arguments[i]) == NULL) {
            continue; /* --dd INFILE=A OUTFILE=B */
        }
        if (ask->in != NULL) {
            return jt_usage_error(self, "too many arguments: it takes [FILE] and no more");
        }
        ask->in = arguments[i];
    }
    return wrong == NULL ? JT_GO_ON : jt_usage_error(self, "--dd %s", wrong);
}

/* --- places and fields --- */

/* The index of a protected field; -1: its name is none, or there are too many. */
static int field_index(struct jt_fileask *ask, const char *name)
{
    for (size_t i = 0; i < ask->n_fields; i++) {
        if (strcmp(ask->fields[i], name) == 0) {
            return (int)i;
        }
    }
    if (!jt_field_name_valid(name) || ask->n_fields == JT_RECORD_MAX_VALUES) {
        return -1;
    }
    ask->fields[ask->n_fields] = name;
    return (int)ask->n_fields++;
}

static bool add_place(struct jt_fileask *ask, const char *where, int field)
{
    size_t at = ask->format.n_places;
    if (at == JT_RECORD_MAX_VALUES) {
        return false;
    }
    ask->places[at].where = where;
    ask->field_of_place[at] = (uint8_t)field;
    ask->format.n_places++;
    return true;
}

/* --field WHERE=PROTECTED, or PROTECTED for all of --column. */
static int take_fields(struct jt_fileask *ask, const struct jt_command *self)
{
    int common = -1;
    for (size_t i = 0; i < ask->given_fields.n; i++) {
        const char *given = ask->given_fields.words[i], *equals = strrchr(given, '=');
        /* Masking cards here has no field: all of the word is a place. */
        bool no_field = ask->direction.path == NULL && equals == NULL;
        int field = field_index(ask, no_field ? "cards" : equals == NULL ? given : equals + 1);
        if (field < 0) {
            return jt_usage_error(self, "--field must name a field: 1 to 64 of a-z 0-9 _ . - that "
                                        "start with a letter, or WHERE= before such a name");
        }
        if (equals == NULL && !no_field) {
            if (common >= 0) {
                return jt_usage_error(self, "--field names a field without a place twice");
            }
            common = field;
            continue;
        }
        char *where = equals == NULL ? strdup(given) : strndup(given, (size_t)(equals - given));
        ask->wheres[i] = where;
        if (where == NULL || *where == '\0' || !add_place(ask, where, field)) {
            return jt_usage_error(self, "--field must say where the values are before its =");
        }
    }
    if (ask->columns.n > 0 && common < 0 && ask->direction.path == NULL) {
        common = field_index(ask, "cards");
    }
    if ((ask->columns.n > 0) != (common >= 0)) {
        return jt_usage_error(self, common < 0 ? "--field is missing: the field of --column"
                                               : "--column is missing");
    }
    for (size_t i = 0; i < ask->columns.n; i++) {
        if (!add_place(ask, ask->columns.words[i], common)) {
            return jt_usage_error(self, "there are more than %d places", JT_RECORD_MAX_VALUES);
        }
    }
    return ask->format.n_places > 0 ? JT_GO_ON : jt_usage_error(self, "--field is missing");
}

/* --- the form of the file --- */

static int take_recfm(struct jt_fileask *ask, const struct jt_command *self)
{
    static const struct {
        const char *name;
        enum jt_recfm recfm;
    } forms[] = { { "F", JT_RECFM_F }, { "FB", JT_RECFM_FB }, { "VB", JT_RECFM_VB },
                  { "f", JT_RECFM_F }, { "fb", JT_RECFM_FB }, { "vb", JT_RECFM_VB } };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0] && ask->recfm_name != NULL; i++) {
        if (strcmp(forms[i].name, ask->recfm_name) == 0) {
            ask->format.recfm = forms[i].recfm;
            return JT_GO_ON;
        }
    }
    return ask->recfm_name == NULL ? JT_GO_ON : jt_usage_error(self, "--recfm must be F, FB or VB");
}

static int take_format(struct jt_fileask *ask, const struct jt_command *self)
{
    bool records = ask->recfm_name != NULL || ask->lrecl > 0 || ask->copybook != NULL ||
                   ask->codepage != NULL || ask->when.n > 0;
    const char *ending = ask->in == NULL ? "" : ending_of(ask->in);
    bool json = strcmp(ending, ".jsonl") == 0 || strcmp(ending, ".ndjson") == 0;
    const char *name = ask->format_name != NULL ? ask->format_name
                       : records                ? "records"
                       : json                   ? "json"
                                                : "csv";
    if (strcmp(name, "csv") == 0 || strcmp(name, "tsv") == 0) {
        ask->format.kind = JT_FORMAT_CSV;
    } else if (strcmp(name, "json") == 0) {
        ask->format.kind = JT_FORMAT_JSON;
    } else if (strcmp(name, "records") == 0) {
        ask->format.kind = JT_FORMAT_RECORDS;
    } else {
        return jt_usage_error(self, "--format must be csv, json or records");
    }
    if (records && ask->format.kind != JT_FORMAT_RECORDS) {
        return jt_usage_error(self, "--recfm, --lrecl, --codepage, --copybook and --when are for "
                                    "--format records");
    }
    if ((ask->delimiter != NULL || ask->no_header) && ask->format.kind != JT_FORMAT_CSV) {
        return jt_usage_error(self, "--delimiter and --no-header are for --format csv");
    }
    if (ask->format.kind == JT_FORMAT_RECORDS && ask->codepage == NULL) {
        return jt_usage_error(self, "--codepage is missing: IBM037, IBM1047, IBM1140, ASCII or "
                                    "another one of `iconv -l`");
    }
    ask->format.places = ask->places;
    ask->format.delimiter = ask->delimiter != NULL     ? ask->delimiter
                            : strcmp(name, "tsv") == 0 ? "tab"
                                                       : NULL;
    ask->format.no_header = ask->no_header;
    ask->format.lrecl = (uint32_t)ask->lrecl;
    ask->format.codepage = ask->codepage;
    ask->format.copybook = ask->copybook;
    ask->format.when = ask->when.words;
    ask->format.n_when = ask->when.n;
    return take_recfm(ask, self);
}

/* --- the rest --- */

/* "reject" or "pass". */
static bool take_choice(const char *given, bool *passes)
{
    *passes = given != NULL && strcmp(given, "pass") == 0;
    return given == NULL || *passes || strcmp(given, "reject") == 0;
}

/* "100" or "0.5%". */
static bool take_max_rejects(struct jt_fileask *ask)
{
    const char *text = ask->max_rejects_text;
    ask->max_rejects = UINT64_MAX;
    ask->max_reject_ratio = 2;
    if (text == NULL) {
        return true;
    }
    char *end;
    size_t n = strspn(text, "0123456789.");
    if (n == 0 || n > 12 || text[0] == '.') {
        return false;
    }
    if (strcmp(text + n, "%") == 0) {
        ask->max_reject_ratio = strtod(text, &end) / 100;
        return end == text + n && ask->max_reject_ratio <= 1;
    }
    ask->max_rejects = strtoull(text, &end, 10);
    return *end == '\0';
}

static int take_names(struct jt_fileask *ask, const struct jt_command *self)
{
    static const char *const endings[] = { ".rejects", ".report", ".ckpt" };
    const char **targets[] = { &ask->rejects, &ask->report, &ask->checkpoint };
    if (ask->in == NULL) {
        return jt_usage_error(self, "FILE is missing");
    }
    if (ask->out == NULL || *ask->out == '\0') {
        return jt_usage_error(self, "--out is missing");
    }
    bool stream = strcmp(ask->out, "-") == 0;
    if (stream && ask->rejects == NULL) {
        return jt_usage_error(self, "--rejects is missing: with --out - it has no name by itself");
    }
    if (stream && (ask->checkpoint != NULL || ask->restart)) {
        return jt_usage_error(self, "standard output cannot be gone on with: --checkpoint and "
                                    "--restart need --out FILE");
    }
    if (strcmp(ask->rejects == NULL ? "" : ask->rejects, "-") == 0) {
        return jt_usage_error(self, "--rejects must be a file");
    }
    for (size_t i = 0; i < sizeof endings / sizeof endings[0] && !stream; i++) {
        if (*targets[i] == NULL) {
            if (asprintf(&ask->made[i], "%s%s", ask->out, endings[i]) < 0) {
                ask->made[i] = NULL;
                return jt_say(JT_MSG_NO_MEMORY, NULL);
            }
            *targets[i] = ask->made[i];
        }
    }
    return JT_GO_ON;
}

static int check(struct jt_fileask *ask, const struct jt_command *self)
{
    if (!take_choice(ask->blank, &ask->blank_passes)) {
        return jt_usage_error(self, "--blank must be reject or pass");
    }
    if (!take_choice(ask->tokens, &ask->tokens_pass)) {
        return jt_usage_error(self, "--tokens must be reject or pass");
    }
    if (ask->from != NULL && strcmp(ask->from, "pan") != 0 && strcmp(ask->from, "token") != 0) {
        return jt_usage_error(self, "--from must be token or pan");
    }
    if (!take_max_rejects(ask)) {
        return jt_usage_error(self, "--max-rejects must be a number or a share up to 100%%");
    }
    if (ask->restart && ask->discard) {
        return jt_usage_error(self, "--restart and --discard exclude each other");
    }
    if (ask->expires_at != NULL &&
        (ask->expires_at[0] == '\0' ||
         ask->expires_at[strspn(ask->expires_at, TIME_CHARACTERS)] != '\0')) {
        return jt_usage_error(self, "--expires-at must be a time as in 2026-11-01T00:00:00Z");
    }
    return JT_GO_ON;
}

static int take_all(struct jt_fileask *ask, const struct jt_command *self,
                    const char *const *arguments, size_t n)
{
    int code = check(ask, self);
    if (code == JT_GO_ON && ask->from != NULL && strcmp(ask->from, "pan") == 0) {
        ask->direction = jt_direction_mask_cards;
    }
    if (code == JT_GO_ON) {
        code = take_fields(ask, self);
    }
    if (code == JT_GO_ON) {
        code = take_files(ask, self, arguments, n);
    }
    if (code == JT_GO_ON) {
        code = take_names(ask, self);
    }
    if (code == JT_GO_ON) {
        code = take_format(ask, self);
    }
    return code == JT_GO_ON && jt_fileask_collide(ask) != JT_JOB_CLEAN ? JT_JOB_REFUSED : code;
}

/* The options that not every one of the three commands has are the last ones. */
enum { N_TOKENIZE_ONLY = 2, N_MASK_ONLY = 1 };

int jt_fileask_parse(struct jt_fileask *ask, const struct jt_command *self, struct jt_cli *cli,
                     int argc, char **argv)
{
    const struct jt_option options[] = {
        JT_LIST("field", "[WHERE=]NAME", &ask->given_fields,
                "the protected field, of --column or of the place WHERE (required)"),
        JT_LIST("column", "NAME|N", &ask->columns,
                "column to replace, by its name in the first line or its number; repeatable"),
        JT_TEXT("in", "FILE", &ask->in, "file to read, in place of FILE; - is standard input"),
        JT_TEXT("out", "FILE", &ask->out,
                "file to write, in input order, mode 0600; - is standard output (required)"),
        JT_TEXT("rejects", "FILE", &ask->rejects,
                "rejected records, each with its reason behind it (OUT.rejects)"),
        JT_TEXT("report", "FILE", &ask->report,
                "control report (OUT.report; standard error with --out -)"),
        JT_TEXT("format", "NAME", &ask->format_name,
                "csv, json or records (told from the other options and the file's name)"),
        JT_TEXT("delimiter", "C", &ask->delimiter,
                "one character or tab (told from the first line)"),
        JT_FLAG("no-header", &ask->no_header, "the first line is a row: columns by number"),
        JT_TEXT("recfm", "FORM", &ask->recfm_name, "records: F, FB or VB (F)"),
        JT_NUMBER("lrecl", "N", &ask->lrecl, 1, JT_RECORD_MAX,
                  "records: bytes of one (the copybook's)"),
        JT_TEXT("codepage", "NAME", &ask->codepage,
                "records: IBM037, IBM1047, IBM1140, ASCII, or another of iconv -l"),
        JT_TEXT("copybook", "FILE", &ask->copybook,
                "records: COBOL copybook that describes them; WHERE is an item then"),
        JT_LIST("when", "ITEM=VALUE", &ask->when,
                "records: change only those of which this holds; repeatable"),
        JT_TEXT("blank", "WHAT", &ask->blank, "blank values: reject or pass (reject)"),
        JT_TEXT("checkpoint", "FILE", &ask->checkpoint, "where to note how far it is (OUT.ckpt)"),
        JT_NUMBER("every", "N", &ask->every, 1, 1000000000,
                  "records from one checkpoint to the next (100000)"),
        JT_FLAG("restart", &ask->restart, "go on with a job that did not end"),
        JT_FLAG("discard", &ask->discard, "begin anew where such a job left its files"),
        JT_FLAG("accept-duplicates", &ask->accept_duplicates,
                "restart after more than 24 hours, when cards may get a second token"),
        JT_TEXT("max-rejects", "N|N%", &ask->max_rejects_text,
                "stop with exit code 8 beyond so many rejects (any number)"),
        JT_LIST("dd", "NAME=FILE", &ask->dd,
                "INFILE, OUTFILE, REJECTS, SYSPRINT, CHECKPT or COPYBOOK; repeatable"),
        JT_NUMBER("batch", "N", &ask->batch, 1, 10000, "records in one request (1000)"),
        JT_NUMBER("connections", "N", &ask->connections, 1, JT_CONVEYOR_MAX_CONNECTIONS,
                  "requests that are under way at once (8)"),
        JT_FLAG("progress", &ask->progress,
                "draw the progress bar even when standard error is no terminal"),
        JT_SHORT("quiet", 'q', &ask->quiet, "say only what went wrong; also -q"),
        JT_TEXT("tokens", "WHAT", &ask->tokens,
                "values that are tokens already: reject or pass (reject)"),
        JT_TEXT("expires-at", "TIME", &ask->expires_at,
                "when the cards' lifetimes end, as in 2026-11-01T00:00:00Z; a later end stands"),
        JT_TEXT("from", "WHAT", &ask->from,
                "token, or pan to mask card numbers here, without the server (token)"),
    };
    const char *arguments[JT_MAX_FILE_ARGUMENTS];
    size_t n_all = sizeof options / sizeof options[0];
    size_t n_common = n_all - N_TOKENIZE_ONLY - N_MASK_ONLY;
    bool masks = strcmp(self->name, jt_direction_mask.verb) == 0;
    bool stores = ask->direction.stores;
    struct jt_option chosen[sizeof options / sizeof options[0]];
    memcpy(chosen, options, sizeof options);
    chosen[n_common] = options[masks ? n_all - 1 : n_common];
    struct jt_parse parse = { .options = chosen,
                              .n_options = n_common + (stores  ? N_TOKENIZE_ONLY
                                                       : masks ? N_MASK_ONLY
                                                               : 0),
                              .arguments = arguments,
                              .max_arguments = JT_MAX_FILE_ARGUMENTS };
    ask->batch = 1000;
    ask->connections = 8;
    ask->every = 100000;
    jt_say_as(JT_MSG_USAGE);
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    return code == JT_GO_ON ? take_all(ask, self, arguments, parse.n_arguments) : code;
}

void jt_fileask_clear(struct jt_fileask *ask)
{
    for (size_t i = 0; i < sizeof ask->made / sizeof ask->made[0]; i++) {
        free(ask->made[i]);
        ask->made[i] = NULL;
    }
    for (size_t i = 0; i < JT_RECORD_MAX_VALUES; i++) {
        free(ask->wheres[i]);
        ask->wheres[i] = NULL;
    }
}

/* Whether two paths with their endings mean one file, which need not exist yet. */
static bool same_file(const char *a, const char *a_end, const char *b, const char *b_end)
{
    char path[2][4096];
    struct stat st[2];
    if (a == NULL || b == NULL || strcmp(a, "-") == 0 || strcmp(b, "-") == 0) {
        return false;
    }
    snprintf(path[0], sizeof path[0], "%s%s", a, a_end);
    snprintf(path[1], sizeof path[1], "%s%s", b, b_end);
    return strcmp(path[0], path[1]) == 0 ||
           (stat(path[0], &st[0]) == 0 && stat(path[1], &st[1]) == 0 &&
            st[0].st_dev == st[1].st_dev && st[0].st_ino == st[1].st_ino && S_ISREG(st[0].st_mode));
}

int jt_fileask_collide(const struct jt_fileask *ask)
{
    const char *const files[] = { ask->in,      ask->copybook, ask->out,
                                  ask->rejects, ask->report,   ask->checkpoint };
    enum { FIRST_OUTPUT = 2, N_FILES = sizeof files / sizeof files[0] };
    for (size_t i = FIRST_OUTPUT; i < N_FILES; i++) {
        const char *aside = files[i] == ask->checkpoint ? ".new" : ".part";
        for (size_t j = 0; j < N_FILES; j++) {
            if (i != j && (same_file(files[i], "", files[j], "") ||
                           same_file(files[i], aside, files[j], ""))) {
                return jt_say(JT_MSG_SAME_FILE,
                              "input, output, rejects, report and checkpoint, FILE.part of each "
                              "that is written, and the checkpoint's FILE.new");
            }
        }
    }
    return JT_JOB_CLEAN;
}

static void put_number(struct jt_buf *out, const char *name, long v)
{
    char text[24];
    snprintf(text, sizeof text, "%ld", v);
    jt_parameter_put(out, name, text);
}

void jt_fileask_parameters(const struct jt_fileask *ask, const struct jt_format *format,
                           struct jt_buf *out)
{
    static const char *const kinds[] = { "csv", "json", "records" };
    jt_parameter_put(out, "command", ask->direction.verb);
    jt_parameter_put(out, "from", ask->direction.path == NULL ? "pan" : NULL);
    jt_parameter_put(out, "format", kinds[ask->format.kind]);
    jt_parameter_put(out, "delimiter", ask->format.delimiter);
    jt_parameter_put(out, "no-header", ask->format.no_header ? "yes" : NULL);
    jt_parameter_put(out, "recfm", ask->recfm_name);
    put_number(out, "lrecl", ask->lrecl);
    jt_parameter_put(out, "codepage", ask->codepage);
    jt_parameter_put(out, "copybook", ask->copybook);
    put_number(out, "conditions", (long)ask->when.n);
    for (size_t i = 0; i < ask->when.n; i++) {
        jt_parameter_put(out, "when", ask->when.words[i]);
    }
    put_number(out, "places", (long)ask->format.n_places);
    for (size_t i = 0; i < ask->format.n_places; i++) {
        jt_parameter_put(out, "field", ask->fields[ask->field_of_place[i]]);
        jt_parameter_put(out, "place", ask->places[i].where);
        if (ask->format.kind == JT_FORMAT_RECORDS) { /* as the copybook has it by now */
            jt_parameter_put(out, "bytes", jt_format_describe(format, i));
        }
    }
    jt_parameter_put(out, "blank", ask->blank_passes ? "pass" : "reject");
    jt_parameter_put(out, "tokens", ask->tokens_pass ? "pass" : "reject");
    jt_parameter_put(out, "expires-at", ask->expires_at);
    put_number(out, "batch", ask->batch);
}
