/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch/plan.h, seen through a source: places by the names of a copybook, tables that a record
 * sizes, and records chosen by conditions.
 */
#include "reading.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static struct jt_place_spec places[4];
static const char *when[4];
static struct jt_format_spec spec;
static char path[40];
static int fd = -1;

/* A copybook in free form, in ASCII, of records of fixed length; one place. */
static void use(const char *copybook, const char *where)
{
    if (fd >= 0) {
        close(fd);
    }
    fd = memfd_create("copybook", MFD_CLOEXEC);
    assert_int_equal(write(fd, copybook, strlen(copybook)), strlen(copybook));
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    places[0].where = where;
    spec = (struct jt_format_spec){ .kind = JT_FORMAT_RECORDS,
                                    .places = places,
                                    .n_places = 1,
                                    .recfm = JT_RECFM_F,
                                    .codepage = "ASCII",
                                    .copybook = path,
                                    .when = when };
}

/* The values of all records, each with a bar; "/" ends a record, "passed/" and faults by name. */
static void tell(const char *input, char *out, size_t size)
{
    struct reading r;
    enum jt_err err;
    out[0] = '\0';
    reading_open(&r, &spec, input, strlen(input));
    while ((err = jt_source_next(r.source, &r.record, &r.trouble)) == JT_OK) {
        const struct jt_record *record = &r.record;
        for (size_t i = 0; i < record->n_values; i++) {
            const struct jt_record_value *v = &record->values[i];
            size_t used = strlen(out);
            (void)snprintf(out + used, size - used, "%.*s|",
                           v->fault != JT_MSG_NONE ? 1 : (int)v->text_len,
                           v->fault != JT_MSG_NONE ? "!" : v->text);
        }
        size_t used = strlen(out);
        (void)snprintf(out + used, size - used, "%s/",
                       record->kind == JT_RECORD_PASSED ? "passed"
                       : record->kind == JT_RECORD_DATA ? ""
                                                        : jt_message_name(record->fault));
    }
    assert_int_equal(err, JT_ERR_NO_RECORD);
    reading_close(&r);
}

static void check(const char *input, const char *expected)
{
    char told[1000];
    tell(input, told, sizeof told);
    assert_string_equal(told, expected);
}

static void items_by_name(void **state)
{
    (void)state;
    static const char book[] =
        "01 R.\n 05 A.\n  10 N PIC X(2).\n  10 M PIC 9(3).\n"
        " 05 B.\n  10 N PIC X(2).\n 05 C OCCURS 2.\n  10 D PIC X OCCURS 3.\n";
    static const struct {
        const char *where, *values, *description;
    } names[] = {
        { "M", "123|/", "M, bytes 2 to 4, zoned" },
        { "m of r", "123|/", "m of r, bytes 2 to 4, zoned" },
        { "N OF A", "ab|/", "N OF A, bytes 0 to 1, char" },
        { "N IN B OF R", "cd|/", "N IN B OF R, bytes 5 to 6, char" },
        { "A", "ab123|/", "A, bytes 0 to 4, char" },
        { "D", "u|v|w|x|y|z|/", "D, 1 bytes, char, each occurrence" },
        { "D(2,1)", "x|/", "D(2,1), bytes 10 to 10, char" },
        { "D ( 1, 3 ) OF C", "w|/", "D ( 1, 3 ) OF C, bytes 9 to 9, char" },
        { "D OF C(2, 2)", "y|/", "D OF C(2, 2), bytes 11 to 11, char" },
        { "C(2)", "xyz|/", "C(2), bytes 10 to 12, char" },
        { "5:2:char", "cd|/", "bytes 5 to 6, char" },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct reading r;
        use(book, names[i].where);
        check("ab123cduvwxyz", names[i].values);
        reading_open(&r, &spec, "", 0);
        assert_string_equal(jt_format_describe(r.format, 0), names[i].description);
        reading_close(&r);
    }
}

static void names_that_mean_nothing_or_too_much(void **state)
{
    (void)state;
    static const char book[] =
        "01 R.\n 05 A.\n  10 CARD-NO PIC X(2).\n  10 CARD-EXPIRY PIC 9(4).\n 05 B.\n"
        "  10 CARD-NO PIC X(2).\n 05 T PIC X OCCURS 33.\n 05 F COMP-1.\n 05 V PIC 9(3)V99.\n"
        " 05 E PIC Z9.\n 05 P.\n  10 Q PIC 9(3) COMP-3.\n";
    static const struct {
        const char *where;
        enum jt_message message;
        const char *detail;
    } bad[] = {
        { "CARD-NO", JT_MSG_ITEM_AMBIGUOUS, "CARD-NO OF A OF R, CARD-NO OF B OF R" },
        { "CARD-NUMBER", JT_MSG_ITEM_UNKNOWN, "CARD-NUMBER; there are CARD-NO, CARD-EXPIRY" },
        { "PAN", JT_MSG_ITEM_UNKNOWN, "there are R, A, CARD-NO" },
        { "CARD-NO OF C", JT_MSG_ITEM_UNKNOWN, "" },
        { "CARD-NO OF", JT_MSG_ITEM_UNKNOWN, "NAME OF GROUP" },
        { "CARD-NO(", JT_MSG_ITEM_UNKNOWN, "NAME(NUMBER)" },
        { "CARD-NO(0) OF A", JT_MSG_ITEM_UNKNOWN, "" },
        { "CARD-NO(1) OF A", JT_MSG_ITEM_SUBSCRIPT, "CARD-NO takes 0" },
        { "T(34)", JT_MSG_ITEM_SUBSCRIPT, "33 occurrences" },
        { "T(1,2)", JT_MSG_ITEM_SUBSCRIPT, "T takes 1" },
        { "T", JT_MSG_PLACES_MANY, "32" },
        { "F", JT_MSG_ITEM_UNFIT, "F: " },
        { "V", JT_MSG_ITEM_UNFIT, "decimal point" },
        { "E", JT_MSG_ITEM_UNFIT, "" },
        { "P", JT_MSG_ITEM_UNFIT, "group" },
        { "99:1:char", JT_MSG_PLACE_OUTSIDE, "" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        use(book, bad[i].where);
        assert_trouble(&spec, "", 0, bad[i].message, bad[i].detail);
    }
    use(book, "CARD-NO OF A");
    places[1].where = "A";
    spec.n_places = 2;
    assert_trouble(&spec, "", 0, JT_MSG_PLACES_OVERLAP, "");
    use("01 R.\n 05 A PIC Q.\n", "A");
    assert_trouble(&spec, "", 0, JT_MSG_COPYBOOK_PICTURE, "Q");
}

static void lengths_must_agree(void **state)
{
    (void)state;
    use("01 R PIC X(4).\n01 S PIC X(6).\n", "R");
    check("ab  xxcd  yy", "ab|/cd|/");
    spec.lrecl = 6;
    check("ab  xx", "ab|/");
    spec.lrecl = 8;
    assert_trouble(&spec, "", 0, JT_MSG_LRECL_DIFFERS, "LRECL is 8, the copybook's longest");
    spec.recfm = JT_RECFM_VB;
    spec.lrecl = 10;
    struct reading r;
    reading_open(&r, &spec, "\0\6\0\0ab\0\10\0\0abcd", 14);
    assert_int_equal(reading_next(&r, JT_RECORD_FAULTY)->fault, JT_MSG_RECORD_SHORT);
    reading_next(&r, JT_RECORD_DATA);
    assert_value(&r, 0, "abcd");
    reading_close(&r);
    spec.lrecl = 9;
    assert_trouble(&spec, "", 0, JT_MSG_LRECL_DIFFERS, "has 10 with its RDW");
}

static void what_stands_behind_a_table_moves(void **state)
{
    (void)state;
    static const char book[] = "01 R.\n 05 N PIC 9.\n 05 T OCCURS 0 TO 3 DEPENDING ON N.\n"
                               "  10 A PIC X.\n  10 B PIC X.\n 05 C PIC X(2).\n";
    use(book, "A");
    places[1].where = "C";
    spec.n_places = 2;
    check("2abcdEF..", "a|c|EF|/");
    check("0EF......", "EF|/");
    check("3abcdefGH", "a|c|e|GH|/");
    check("4abcdefGH", "bad-occurs-count/");
    check("xabcdefGH", "bad-occurs-count/");
    check(" abcdefGH", "bad-occurs-count/"); /* and not 0, with all of the table as it is */
    places[0].where = "B(2)";
    check("3abcdefGH", "d|GH|/");
    check("1abGH....", "GH|/");
    /* one table in another, with a size that holds for all */
    use("01 R.\n 05 N PIC 9.\n 05 M PIC 9.\n 05 T OCCURS 1 TO 2 DEPENDING ON N.\n"
        "  10 U PIC X OCCURS 1 TO 2 DEPENDING ON M.\n  10 V PIC X.\n 05 C PIC X.\n",
        "V");
    places[1].where = "C";
    spec.n_places = 2;
    check("21aVbWC..", "V|W|C|/");
    check("12aaVC...", "V|C|/");
}

static void records_are_chosen_by_conditions(void **state)
{
    (void)state;
    static const char book[] = "01 R.\n 05 T PIC X(2).\n 05 S PIC 9(2).\n 05 C PIC X(3).\n";
    static const char input[] = "C 01abcD 00defCC02ghi  xxjkl";
    static const struct {
        const char *first, *second, *values;
    } conditions[] = {
        { "T=C", NULL, "abc|/passed/passed/passed/" },
        { "T=C,D", NULL, "abc|/def|/passed/passed/" },
        { "T!=C,D", NULL, "passed/passed/ghi|/jkl|/" },
        { "T=", NULL, "passed/passed/passed/jkl|/" },
        { "t of r = C", NULL, "passed/passed/passed/passed/" },
        { "t of r =C", NULL, "abc|/passed/passed/passed/" },
        { "S=1", NULL, "abc|/passed/passed/passed/" },
        { "S=001,2", NULL, "abc|/passed/ghi|/passed/" },
        { "S=0", NULL, "passed/def|/passed/passed/" },
        { "S!=1", NULL, "passed/def|/ghi|/jkl|/" },
        { "0:1:CH=C", NULL, "abc|/passed/ghi|/passed/" },
        { "0:1:CH=C", "S!=1", "passed/passed/ghi|/passed/" },
    };
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        use(book, "C");
        when[0] = conditions[i].first;
        when[1] = conditions[i].second;
        spec.n_when = conditions[i].second == NULL ? 1 : 2;
        check(input, conditions[i].values);
    }
    static const struct {
        const char *when;
        enum jt_message message;
    } bad[] = {
        { "T", JT_MSG_WHEN_BAD },       { "=C", JT_MSG_WHEN_BAD },
        { "S=x", JT_MSG_WHEN_BAD },     { "S=1,", JT_MSG_WHEN_BAD },
        { "X=1", JT_MSG_ITEM_UNKNOWN }, { "9:1:CH=1", JT_MSG_PLACE_OUTSIDE },
        { "!=1", JT_MSG_ITEM_UNKNOWN },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        when[0] = bad[i].when;
        spec.n_when = 1;
        assert_trouble(&spec, "", 0, bad[i].message, "");
    }
    struct jt_format_spec csv = {
        .kind = JT_FORMAT_CSV, .places = places, .n_places = 1, .when = when, .n_when = 1
    };
    assert_trouble(&csv, "", 0, JT_MSG_WHEN_KIND, "");
}

/* Several kinds of records in one file, each with its own places. */
static void each_kind_of_record_has_its_places(void **state)
{
    (void)state;
    static const char book[] =
        "01 A-REC.\n 05 TYP PIC X.\n 05 A-CARD PIC X(2).\n 05 FILLER PIC X(3).\n"
        "01 B-REC.\n 05 TYP PIC X.\n 05 FILLER PIC X(3).\n 05 B-CARD PIC X(2).\n";
    static const char input[] = "Aab...B...cdC12345";
    use(book, "A-CARD");
    places[1].where = "B-CARD";
    spec.n_places = 2;
    when[0] = "TYP OF A-REC=A";
    when[1] = "TYP OF B-REC=B";
    spec.n_when = 2;
    check(input, "ab|/cd|/passed/");
    /* a name of both is a condition of both */
    when[0] = "TYP=A,B";
    spec.n_when = 1;
    check(input, "ab|..|/..|cd|/passed/");
    /* one of another record chooses for all */
    use("01 H.\n 05 TYP PIC X.\n 05 FILLER PIC X(5).\n01 D.\n 05 FILLER PIC X.\n 05 C PIC X(5).\n",
        "C");
    when[0] = "TYP=B";
    spec.n_when = 1;
    check("AxxxxxByyyyy", "passed/yyyyy|/");
}

static void places_that_meet_in_one_record_reject_it(void **state)
{
    (void)state;
    use("01 A.\n 05 X1 PIC X(3).\n01 B.\n 05 X2 PIC X.\n 05 X3 PIC X(2).\n", "X1");
    places[1].where = "X3";
    spec.n_places = 2;
    when[0] = "X1 OF A!=abc";
    spec.n_when = 1;
    check("abcxyz", "bc|/values-overlap/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_by_name),
        cmocka_unit_test(names_that_mean_nothing_or_too_much),
        cmocka_unit_test(lengths_must_agree),
        cmocka_unit_test(what_stands_behind_a_table_moves),
        cmocka_unit_test(records_are_chosen_by_conditions),
        cmocka_unit_test(each_kind_of_record_has_its_places),
        cmocka_unit_test(places_that_meet_in_one_record_reject_it),
    };
    return cmocka_run_group_tests_name("batch/plan", tests, NULL, NULL);
}
