/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/nodemarks.h"

static void raise(uint64_t *mark, uint64_t to)
{
    *mark = to > *mark ? to : *mark;
}

uint64_t jt_nodemarks_known(const struct jt_keeper_state *state, uint8_t number)
{
    uint64_t known = state->node_marks[number];
    if (number != 0 && number == state->node) {
        raise(&known, state->id_mark);
    }
    return known;
}

bool jt_nodemarks_note(struct jt_keeper_state *state, uint8_t number, uint64_t mark)
{
    if (number == 0 || mark <= jt_nodemarks_known(state, number)) {
        return false;
    }
    state->node_marks[number] = mark;
    if (number == state->node) {
        raise(&state->id_mark, mark);
    }
    return true;
}

void jt_nodemarks_take(struct jt_keeper_state *state, uint8_t number)
{
    if (state->node == number) {
        return;
    }
    if (state->node != 0) {
        raise(&state->node_marks[state->node], state->id_mark);
    }
    state->node = number;
    raise(&state->id_mark, state->node_marks[number]);
}

void jt_nodemarks_settle(struct jt_keeper_state *state, uint64_t used_ms)
{
    raise(&state->node_marks[state->node], state->id_mark);
    state->id_mark = used_ms;
}
