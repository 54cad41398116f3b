/* SPDX-License-Identifier: Apache-2.0 */
/* How far the retirement of a generation has come. */
#ifndef JETON_MODEL_RETIREMENT_H
#define JETON_MODEL_RETIREMENT_H

/* The numbers of the states, as macros for SQL text as well (store/sql.h). They are stored. */
#define JT_RETIREMENT_STATE_DRAINING  1
#define JT_RETIREMENT_STATE_RETIRED   2
#define JT_RETIREMENT_STATE_CERTIFIED 3

enum jt_retirement_state {
    JT_RETIREMENT_DRAINING = JT_RETIREMENT_STATE_DRAINING,
    JT_RETIREMENT_RETIRED = JT_RETIREMENT_STATE_RETIRED,
    JT_RETIREMENT_CERTIFIED = JT_RETIREMENT_STATE_CERTIFIED,
};

/* "draining", "retired", "certified"; "unknown" for anything else. */
const char *jt_retirement_state_name(enum jt_retirement_state state);

#endif
