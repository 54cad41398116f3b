/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What server errors mean to Jeton; source of the codes: PostgreSQL 15 documentation, appendix A.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/sqlstate.h"

static void each_code_has_its_meaning(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate;
        enum jt_err err;
        bool ends_session;
    } codes[] = {
        { NULL, JT_ERR_DB_AWAY, true }, /* libpq's own: the connection is gone */
        { "", JT_ERR_DB_AWAY, true },
        { "2350", JT_ERR_DB_AWAY, true },      /* no code at all */
        { "08006", JT_ERR_DB_PASSING, true },  /* connection failure */
        { "25006", JT_ERR_DB_PASSING, true },  /* read-only: this server was demoted */
        { "57P01", JT_ERR_DB_PASSING, true },  /* shutdown */
        { "57P03", JT_ERR_DB_PASSING, true },  /* starting up */
        { "57014", JT_ERR_DB_PASSING, false }, /* cancelled, statement time-out */
        { "25P03", JT_ERR_DB_PASSING, false }, /* idle in transaction too long */
        { "40001", JT_ERR_DB_PASSING, false },
        { "40P01", JT_ERR_DB_PASSING, false },
        { "53100", JT_ERR_DB_FULL, false }, /* disk full */
        { "53300", JT_ERR_DB_PASSING, false },
        { "55P03", JT_ERR_DB_PASSING, false }, /* lock time-out */
        { "58030", JT_ERR_DB_PASSING, false }, /* input/output error of the server */
        { "23505", JT_ERR_DB_DUPLICATE, false },
        { "23514", JT_ERR_DB_REFUSED, false },
        { "22021", JT_ERR_DB_REFUSED, false },
        /* a statement's own word that its writes came to nothing */
        { "22P02", JT_ERR_DB_UNTRUE, false },
        { "25001", JT_ERR_DB_FAULT, false },
        { "42P01", JT_ERR_DB_FAULT, false },
        { "42501", JT_ERR_DB_FAULT, false },
        { "XX000", JT_ERR_DB_FAULT, false },
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_int_equal(jt_sqlstate_err(codes[i].sqlstate), codes[i].err);
        assert_int_equal(jt_sqlstate_ends_session(codes[i].sqlstate), codes[i].ends_session);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_code_has_its_meaning) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
