/* SPDX-License-Identifier: Apache-2.0 */
/* The migrations of schema/, as schema/embed.sh compiles them in. */
#ifndef JETON_STORE_MIGRATIONS_H
#define JETON_STORE_MIGRATIONS_H

struct jt_migration {
    int number; /* 1, 2, 3 ... without gaps */
    const char *name;
    const char *sql;
};

extern const struct jt_migration jt_migrations[];
extern const int jt_n_migrations;

#endif
