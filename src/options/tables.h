/* SPDX-License-Identifier: Apache-2.0 */
/* One table for each section of the configuration file; conf.c joins them. */
#ifndef JETON_OPTIONS_TABLES_H
#define JETON_OPTIONS_TABLES_H

#include "base/conf.h"
#include "options/conf.h"

#define JT_CONF_AT(member) offsetof(struct jt_conf, member)

extern const struct jt_conf_table jt_conf_jeton;
extern const struct jt_conf_table jt_conf_keeper;
extern const struct jt_conf_table jt_conf_front;
extern const struct jt_conf_table jt_conf_database;
extern const struct jt_conf_table jt_conf_cards;
extern const struct jt_conf_table jt_conf_retirement;
extern const struct jt_conf_table jt_conf_audit;

#endif
