/* SPDX-License-Identifier: Apache-2.0 */
/* batch/copybook.h: layouts of copybooks in both forms, and what is wrong with one. */
#include "batch/copybook.h"
#include "batch/copytext.h"
#include "batch/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* "NAME@offset+size" of all items, "xN" for tables and "~" for what varies or moves. */
static void tell(const struct jt_copybook *book, char *out, size_t size)
{
    out[0] = '\0';
    for (int i = 0; i < book->n_items; i++) {
        const struct jt_item *item = &book->items[i];
        char occurs[20] = "";
        if (item->has_occurs) {
            (void)snprintf(occurs, sizeof occurs, "x%u", item->occurs_max);
        }
        size_t used = strlen(out);
        (void)snprintf(out + used, size - used, "%s%s@%u+%u%s%s%s", used > 0 ? " " : "",
                       item->name[0] != '\0' ? item->name : "-", item->offset, item->size, occurs,
                       item->moves ? "~" : "", item->varies ? "~~" : "");
    }
}

static void check(const char *text, const char *expected)
{
    struct jt_copybook *book;
    struct jt_trouble trouble = { 0 };
    char told[2000];
    if (jt_copybook_parse(text, strlen(text), &book, &trouble) != JT_OK) {
        fail_msg("%s: %s line %u: %s", text, jt_message_id(trouble.message), (unsigned)trouble.line,
                 trouble.detail);
    }
    tell(book, told, sizeof told);
    assert_string_equal(told, expected);
    jt_copybook_free(book);
}

static void usages_and_their_lengths(void **state)
{
    (void)state;
    check("01 R.\n"
          "  05 A PIC X(3).\n"
          "  05 B PIC 9(16).\n"
          "  05 C PIC S9(4) COMP.\n"
          "  05 D PIC S9(5) USAGE IS BINARY.\n"
          "  05 E PIC 9(10) COMP-4.\n"
          "  05 F PIC 9(18) COMPUTATIONAL-5.\n"
          "  05 G PIC S9(16) COMP-3.\n"
          "  05 H PIC 9(15) PACKED-DECIMAL.\n"
          "  05 I COMP-1.\n"
          "  05 J USAGE COMP-2.\n"
          "  05 K PIC S9(3) SIGN IS LEADING SEPARATE CHARACTER.\n"
          "  05 L PIC S9(3) TRAILING.\n"
          "  05 M PIC 9(3) SIGN TRAILING SEPARATE.\n"
          "  05 N PIC S9(5)V99 COMP-3.\n"
          "  05 O PIC Z(5)9.99.\n"
          "  05 P PIC N(4).\n"
          "  05 Q PIC 999PPP DISPLAY.\n",
          "R@0+104 A@0+3 B@3+16 C@19+2 D@21+4 E@25+8 F@33+8 G@41+9 H@50+8 I@58+4 J@62+8 K@70+4 "
          "L@74+3 M@77+3 N@80+4 O@84+9 P@93+8 Q@101+3");
}

static void groups_tables_and_redefines(void **state)
{
    (void)state;
    check("01  CUSTOMER.\n"
          "    05  KEY-PART.\n"
          "        10  CUST-ID        PIC 9(9) COMP-3.\n"
          "        10  FILLER         PIC X.\n"
          "    05  CARD OCCURS 3 TIMES ASCENDING KEY IS CARD-NO INDEXED BY IX, IY.\n"
          "        10  CARD-NO        PIC X(16) VALUE SPACES.\n"
          "        10  EXPIRY         PIC 9(4) OCCURS 2.\n"
          "    05  REST               PIC X(10).\n"
          "    05  REST-N REDEFINES REST.\n"
          "        10  N1             PIC 9(5).\n"
          "            88  IS-ONE     VALUE 1 2 THRU 5.\n"
          "        10                 PIC 9(5).\n"
          "    05  LAST-ONE           PIC X JUSTIFIED RIGHT BLANK WHEN ZERO.\n"
          "    66  ALIAS RENAMES REST THRU LAST-ONE.\n"
          "77  OTHER PIC X(4).\n",
          "CUSTOMER@0+89 KEY-PART@0+6 CUST-ID@0+5 -@5+1 CARD@6+24x3 CARD-NO@0+16 EXPIRY@16+4x2 "
          "REST@78+10 REST-N@78+10 N1@0+5 -@5+5 LAST-ONE@88+1 OTHER@0+4");
    check("05 A PIC X. 05 B REDEFINES A PIC X(3). 05 C PIC X.\n", "-@0+4 A@0+1 B@0+3 C@3+1");
    check("01 G USAGE COMP-3. 03 A PIC 9(3). 03 B PIC X(2) DISPLAY. 03 H SIGN LEADING SEPARATE."
          " 05 I PIC S9(2) DISPLAY.\n",
          "G@0+7 A@0+2 B@2+2 H@4+3 I@0+3");
    check("01 A PIC X(4). 01 B PIC X(7). 01 C REDEFINES A PIC X(2).\n", "A@0+4 B@0+7 C@0+2");
}

static void tables_that_depend(void **state)
{
    (void)state;
    check("01 R.\n 05 N PIC 9(2).\n 05 T OCCURS 0 TO 5 TIMES DEPENDING ON N OF R.\n"
          "  10 CARD PIC X(16).\n 05 B PIC X(4).\n 05 C REDEFINES B PIC 9(4).\n",
          "R@0+86~~ N@0+2 T@2+16x5 CARD@0+16 B@82+4~ C@82+4~");
    check("01 R. 05 N PIC 9 COMP-3. 05 T OCCURS 3 DEPENDING N PIC X. 05 U PIC X.\n",
          "R@0+5~~ N@0+1 T@1+1x3 U@4+1~");
}

/* Each is looked at once: what redefines another is not reckoned anew for all before it. */
static void many_redefinitions_behind_a_table(void **state)
{
    (void)state;
    enum { PAIRS = 200 };
    static char text[PAIRS * 64] = "01 R.\n05 N PIC 9.\n05 T OCCURS 1 TO 3 DEPENDING ON N PIC X.\n";
    static uint8_t record[PAIRS + 8] = "2";
    for (int i = 0; i < PAIRS; i++) {
        size_t at_end = strlen(text);
        (void)snprintf(text + at_end, sizeof text - at_end,
                       "05 A%d PIC X.\n05 B%d REDEFINES A%d PIC X.\n", i, i, i);
    }
    size_t used = strlen(text);
    (void)snprintf(text + used, sizeof text - used,
                   "05 C PIC X.\n05 D REDEFINES C PIC X.\n05 E REDEFINES D PIC X(2).\n");
    struct jt_copybook *book;
    struct jt_trouble trouble = { 0 };
    struct jt_codepage cp;
    struct jt_layout layout;
    struct jt_item_ref ref;
    uint32_t at;
    size_t n;
    assert_int_equal(jt_codepage_open("ASCII", &cp, &trouble), JT_OK);
    assert_int_equal(jt_copybook_parse(text, strlen(text), &book, &trouble), JT_OK);
    for (const char *name = "CDE"; *name != '\0'; name++) {
        const char one[] = { *name, '\0' };
        assert_int_equal(jt_copyname_find(book, one, JT_NO_ITEM, &ref, &trouble), JT_OK);
        jt_layout_start(&layout, book, &cp, record, sizeof record);
        assert_true(jt_layout_find(&layout, &ref, &at, 1, &n));
        assert_int_equal(layout.fault, JT_MSG_NONE);
        assert_int_equal(n, 1);
        assert_int_equal(at, 3 + PAIRS);
    }
    jt_copybook_free(book);
}

/* Columns as on a card: numbers in front, code, and what stands behind column 72. */
static void the_fixed_form(void **state)
{
    (void)state;
    static const char text[] =
        "000100* A comment, with a period.                                       CARDREC \n"
        "000200 01  CARD-REC.                                                     CARDREC \n"
        "000300     05  CARD-NO     PIC X(16)                                    VALUE X.\n"
        "000400         VALUE 'it''s. a \"'.                                      CARDREC \n"
        "000500/\n"
        "000600D    05  DEBUG-ONLY  PIC X.\n"
        "000700     EJECT\n"
        "       SKIP1.\n"
        "      $SET SOURCEFORMAT\"FIXED\"\n"
        "\t   05  LONG-LITERAL PIC X(40) VALUE \"begins here and\n"
        "      -    \" goes on there.\".\n"
        "           05  A-NAME-THAT-\n"
        "      -    GOES-ON         PIC 9(3).\r\n"
        "\r\n";
    assert_false(jt_copytext_is_free(text, strlen(text)));
    check(text, "CARD-REC@0+59 CARD-NO@0+16 LONG-LITERAL@16+40 A-NAME-THAT-GOES-ON@56+3");
    check("\xef\xbb\xbf       01 R. *> inline\n          05 A, PIC X(2). 05 B; PIC X, .\n"
          "      * 05 C PIC X.\n",
          "R@0+3 A@0+2 B@2+1");
}

static void which_form_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_free;
    } forms[] = {
        { "01 R.\n", true },
        { "01 CARD PIC X.\n", true },
        { "  05 A PIC X.\n", true },
        { "*> a comment\n       01 R PIC X.\n", true },
        { "       01 R PIC X.\n", false },
        { "000100 01 R PIC X.\n000200\n", false },
        { "CHG001 01 R PIC X.\n", false },
        { "      *\n", false },
        { ">>SOURCE FORMAT IS FREE\n       01 R PIC X.\n", true },
        { "      $SET SOURCEFORMAT\"FREE\"\n       01 R PIC X.\n", true },
        { "       >>SOURCE FIXED\n01 R.\n", false },
        { "\t01 R PIC X.\n", false },
        { "", false },
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (jt_copytext_is_free(forms[i].text, strlen(forms[i].text)) != forms[i].is_free) {
            fail_msg("%s", forms[i].text);
        }
    }
}

static void a_malformed_line_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum jt_message message;
        unsigned line, column;
        const char *detail;
    } bad[] = {
        { "", JT_MSG_COPYBOOK_EMPTY, 0, 0, "" },
        { "      * nothing\n", JT_MSG_COPYBOOK_EMPTY, 0, 0, "" },
        { "01 R.\n 05 A PIC X", JT_MSG_COPYBOOK_END, 2, 0, "" },
        { "01 R.\n 05 A PIC Q(3).\n", JT_MSG_COPYBOOK_PICTURE, 2, 11, "Q(3): it has" },
        { "01 R.\n 05 A PIC X OCCURS 0.\n", JT_MSG_COPYBOOK_OCCURS, 2, 0, "0" },
        { "01 R.\n 05 A PIC X OCCURS 3 TO 2 DEPENDING ON B.\n", JT_MSG_COPYBOOK_OCCURS, 2, 0, "" },
        { "01 R.\n 05 A PIC X OCCURS 1 TO 2.\n", JT_MSG_COPYBOOK_DEPENDING, 2, 0, "" },
        { "01 R.\n 05 A PIC X OCCURS 1 TO 2 DEPENDING ON B.\n", JT_MSG_COPYBOOK_DEPENDING, 2, 0,
          "B" },
        { "01 R.\n 05 A PIC X OCCURS 1 TO 2 DEPENDING B.\n 05 B PIC 9.\n",
          JT_MSG_COPYBOOK_DEPENDING, 2, 0, "in front" },
        { "01 R.\n 05 B PIC X.\n 05 A PIC X OCCURS 1 TO 2 DEPENDING B.\n",
          JT_MSG_COPYBOOK_DEPENDING, 3, 0, "whole number" },
        { "01 R.\n 05 A.\n", JT_MSG_COPYBOOK_NO_PICTURE, 2, 2, "A" },
        { "01 R.\n 05 A PIC X COMP-3.\n", JT_MSG_COPYBOOK_USAGE, 2, 2, "A: it does not go" },
        { "01 R.\n 05 A PIC 9(19) COMP.\n", JT_MSG_COPYBOOK_USAGE, 2, 2, "" },
        { "01 R.\n 05 A USAGE POINTER.\n", JT_MSG_COPYBOOK_USAGE, 2, 0, "POINTER" },
        { "01 R.\n 05 A PIC 9(4) COMP SYNC.\n", JT_MSG_COPYBOOK_SYNC, 2, 2, "A" },
        { "01 R SYNCHRONIZED.\n 05 A PIC 9(4) COMP.\n", JT_MSG_COPYBOOK_SYNC, 1, 1, "R" },
        { "01 R.\n 05 A PIC X.\n 05 B REDEFINES C PIC X.\n", JT_MSG_COPYBOOK_REDEFINES, 3, 17,
          "C" },
        { "01 R.\n 05 A PIC X.\n 05 C PIC X.\n 05 B REDEFINES A PIC X.\n",
          JT_MSG_COPYBOOK_REDEFINES, 4, 17, "A" },
        { "01 R.\n 05 A PIC X.\n  10 B PIC X.\n", JT_MSG_COPYBOOK_LEVEL, 2, 2, "A: an item" },
        { "01 R PIC X.\n50 A PIC X.\n", JT_MSG_COPYBOOK_LEVEL, 2, 1, "50" },
        { "77 R PIC X.\n05 A PIC X.\n", JT_MSG_COPYBOOK_LEVEL, 2, 1, "no group" },
        { "01 R.\n COPY OTHER.\n", JT_MSG_COPYBOOK_LEVEL, 2, 2, "COPY" },
        { "01 R.\n 05 A PIC X MYSTERY.\n", JT_MSG_COPYBOOK_WORD, 2, 13, "MYSTERY" },
        { "01 R.\n 05 A$B PIC X.\n", JT_MSG_COPYBOOK_WORD, 2, 5, "A$B" },
        { "01 R.\n 05 A PIC X VALUE 'x.\n", JT_MSG_COPYBOOK_QUOTE, 2, 0, "" },
        { "01 R.\n 05 A PIC X(1000000).\n 05 B PIC X(1000000).\n", JT_MSG_COPYBOOK_SIZE, 3, 2,
          "B" },
        { "01 R.\n 05 A PIC X(100000) OCCURS 1000000.\n", JT_MSG_COPYBOOK_SIZE, 2, 2, "A" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct jt_copybook *book;
        struct jt_trouble trouble = { 0 };
        if (jt_copybook_parse(bad[i].text, strlen(bad[i].text), &book, &trouble) !=
                JT_ERR_INVALID ||
            trouble.message != bad[i].message || trouble.line != bad[i].line ||
            (bad[i].column != 0 && trouble.column != bad[i].column) ||
            strstr(trouble.detail, bad[i].detail) == NULL) {
            fail_msg("%s: %s %u:%u %s", bad[i].text, jt_message_id(trouble.message),
                     (unsigned)trouble.line, (unsigned)trouble.column, trouble.detail);
        }
        assert_null(book);
    }
}

static void a_file_is_read_or_the_reason_told(void **state)
{
    (void)state;
    struct jt_copybook *book;
    struct jt_trouble trouble;
    assert_int_equal(jt_copybook_read("/nonexistent/book", &book, &trouble), JT_ERR_INVALID);
    assert_int_equal(trouble.message, JT_MSG_COPYBOOK_FILE);
    assert_non_null(strstr(trouble.detail, "No such file"));
    char path[40];
    int fd = memfd_create("copybook", 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert_int_equal(write(fd, "01 R PIC X(3).\n", 15), 15);
    assert_int_equal(jt_copybook_read(path, &book, &trouble), JT_OK);
    assert_int_equal(jt_copybook_longest(book), 3);
    jt_copybook_free(book);
    assert_int_equal(ftruncate(fd, JT_COPYBOOK_MAX + 1), 0);
    assert_int_equal(jt_copybook_read(path, &book, &trouble), JT_ERR_INVALID);
    assert_int_equal(trouble.message, JT_MSG_COPYBOOK_LONG);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usages_and_their_lengths),
        cmocka_unit_test(groups_tables_and_redefines),
        cmocka_unit_test(tables_that_depend),
        cmocka_unit_test(many_redefinitions_behind_a_table),
        cmocka_unit_test(the_fixed_form),
        cmocka_unit_test(which_form_it_is),
        cmocka_unit_test(a_malformed_line_is_told_with_its_place),
        cmocka_unit_test(a_file_is_read_or_the_reason_told),
    };
    return cmocka_run_group_tests_name("batch/copybook", tests, NULL, NULL);
}
