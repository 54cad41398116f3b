/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of the tables: whether what stands in the schema is what the migrations made, and
 * nothing of a stranger's beside it. A table that is UNLOGGED loses cards in a crash, a trigger or
 * a rule makes something else of a write, a policy hides rows, an index that is not unique lets one
 * card have two tokens: all without an error.
 *
 * What it should be is written down once, in the migrations. They are run once more, as temporary
 * tables in a transaction that is rolled back, and the server describes both, tables and model, in
 * its own words; the model's are kept for the life of the program. So there is no second list that
 * could drift, a version of PostgreSQL that words a constraint differently words both so, and
 * nothing in the database is believed about it. It needs the right TEMPORARY on the database, which
 * everybody has by default.
 *
 * Described are: kind of table, persistence, access method, row security, inheritance and
 * partitions; columns with type, collation, NOT NULL, default, identity and generation;
 * constraints; indexes and whether they are valid; triggers, those of foreign keys included; rules;
 * policies. Not described, because operators may choose them: owner, storage parameters,
 * tablespace, statistics; further indexes that are neither unique nor over an expression or a part.
 * Beyond the tables: functions and operators in the schema, which could stand in for PostgreSQL's
 * own. And the rights that the program needs on each table.
 *
 * Not noticed: what a superuser can do beneath the catalogue.
 */
#ifndef JETON_STORE_SHAPE_H
#define JETON_STORE_SHAPE_H

#include "store/db.h"

struct jt_shape {
    char *text; /* one line a fact; NULL: not learnt yet */
};

#define JT_SHAPE_MESSAGE 1024

/*
 * Runs the model. Of the class REPEAT: later; any other: it cannot be run here, and jt_db_fault
 * says why.
 */
enum jt_err jt_shape_learn(struct jt_db *db, struct jt_shape *shape) JT_CHECKED;
void jt_shape_clear(struct jt_shape *shape);

/*
 * One query of the catalogue, some milliseconds. JT_ERR_OUT_OF_SHAPE: it is another shape, and
 * `message` (for the log: names in it are the database's) tells the first differences.
 * JT_ERR_DB_AWAY.
 */
enum jt_err jt_shape_check(struct jt_db *db, const struct jt_shape *shape,
                           char message[static JT_SHAPE_MESSAGE]) JT_CHECKED;

#endif
