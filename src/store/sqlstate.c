/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlstate.h"

#include <stdio.h>
#include <string.h>

static bool is_class(const char *sqlstate, const char *class)
{
    return strncmp(sqlstate, class, 2) == 0;
}

enum jt_err jt_sqlstate_err(const char *sqlstate)
{
    static const char passing_classes[][3] = { "08", "40", "53", "57", "58" };
    static const char *const passing[] = { JT_SQLSTATE_READ_ONLY, JT_SQLSTATE_IDLE_IN_TRANSACTION,
                                           JT_SQLSTATE_LOCK_NOT_AVAILABLE };

    if (sqlstate == NULL || strlen(sqlstate) != 5) {
        return JT_ERR_DB_AWAY;
    }
    if (strcmp(sqlstate, JT_SQLSTATE_DISK_FULL) == 0) {
        return JT_ERR_DB_FULL;
    }
    for (size_t i = 0; i < sizeof passing_classes / sizeof passing_classes[0]; i++) {
        if (is_class(sqlstate, passing_classes[i])) {
            return JT_ERR_DB_PASSING;
        }
    }
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        if (strcmp(sqlstate, passing[i]) == 0) {
            return JT_ERR_DB_PASSING;
        }
    }
    if (strcmp(sqlstate, JT_SQLSTATE_UNIQUE) == 0) {
        return JT_ERR_DB_DUPLICATE;
    }
    if (strcmp(sqlstate, JT_SQLSTATE_INVALID_TEXT) == 0) {
        /* a statement that saw its own writes come to nothing: OR_FAIL in store/statements.c */
        return JT_ERR_DB_UNTRUE;
    }
    if (strcmp(sqlstate, JT_SQLSTATE_DIVISION_BY_ZERO) == 0) {
        return JT_ERR_ONCE_LOST; /* ONCE_HELD, in the same file */
    }
    return is_class(sqlstate, "22") || is_class(sqlstate, "23") ? JT_ERR_DB_REFUSED
                                                                : JT_ERR_DB_FAULT;
}

bool jt_sqlstate_ends_session(const char *sqlstate)
{
    if (sqlstate == NULL || strlen(sqlstate) != 5) {
        return true;
    }
    return strcmp(sqlstate, JT_SQLSTATE_READ_ONLY) == 0 || is_class(sqlstate, "08") ||
           strncmp(sqlstate, "57P", 3) == 0;
}

static void one_line(char *text)
{
    for (size_t len = strlen(text); len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' ');
         len--) {
        text[len - 1] = '\0';
    }
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ') {
            *text = ' ';
        }
    }
}

void jt_sqlstate_describe(const PGresult *res, char out[static JT_DB_MESSAGE_LEN])
{
    const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    if (primary == NULL) {
        primary = PQresultErrorMessage(res); /* made by libpq itself: the connection is gone */
    }
    if (sqlstate == NULL) {
        (void)snprintf(out, JT_DB_MESSAGE_LEN, "%s", primary);
    } else {
        (void)snprintf(out, JT_DB_MESSAGE_LEN, "%s %s", sqlstate, primary);
    }
    one_line(out);
}

void jt_sqlstate_describe_connection(const PGconn *conn, char out[static JT_DB_MESSAGE_LEN])
{
    (void)snprintf(out, JT_DB_MESSAGE_LEN, "%s", PQerrorMessage(conn));
    one_line(out);
}
