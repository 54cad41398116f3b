/* SPDX-License-Identifier: Apache-2.0 */
/* batch/message.h: the table keeps what its comment promises. */
#include "batch/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TRAILER_TEXT 60 /* columns of it in a trailer */

#define N_MESSAGES (JT_MSG_END - 1)

static void an_id_has_number_and_severity(void **state)
{
    (void)state;
    assert_string_equal(jt_message_id(JT_MSG_COLUMN_UNKNOWN), "JET1100E");
    assert_int_equal(jt_message_severity(JT_MSG_COLUMN_UNKNOWN), 'E');
    assert_string_equal(jt_message_id(JT_MSG_RECORD_LONG), "JET2002W");
    assert_string_equal(jt_message_name(JT_MSG_RECORD_LONG), "record-too-long");
    assert_string_equal(jt_message_id(JT_MSG_NONE), "");
    assert_string_equal(jt_message_text(JT_MSG_END), "");
}

/* What rejects a record has a name, nothing else has; and no two have a number or a name. */
static void numbers_and_names_are_unique_and_fit_their_severity(void **state)
{
    (void)state;
    for (int m = 1; m < JT_MSG_END; m++) {
        const char *id = jt_message_id((enum jt_message)m);
        const char *name = jt_message_name((enum jt_message)m);
        assert_int_equal(strlen(id), 8);
        assert_int_equal(strspn(id + 3, "0123456789"), 4);
        assert_non_null(strchr("IWES", id[7]));
        assert_true(strlen(jt_message_text((enum jt_message)m)) > 0);
        bool rejects = id[3] == '2';
        assert_true(!rejects || strlen(jt_message_text((enum jt_message)m)) <= TRAILER_TEXT);
        assert_int_equal(rejects, name[0] != '\0');
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-0123456789"), strlen(name));
        for (int other = 1; other < m; other++) {
            assert_true(strncmp(jt_message_id((enum jt_message)other), id, 7) != 0);
            assert_true(name[0] == '\0' ||
                        strcmp(jt_message_name((enum jt_message)other), name) != 0);
        }
    }
    assert_true(N_MESSAGES > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_has_number_and_severity),
        cmocka_unit_test(numbers_and_names_are_unique_and_fit_their_severity),
    };
    return cmocka_run_group_tests_name("batch/message", tests, NULL, NULL);
}
