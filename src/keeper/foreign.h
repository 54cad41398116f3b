/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs to another installation: a keeper that was set up with another master key, a
 * directory or a database of elsewhere. It is refused like anything forged. But it also says of
 * itself where it belongs, and that is believed as far as it explains the refusal, so that an
 * operator finds what is wrong. The log has only the check value of this keeper's own: the other
 * may be anything.
 */
#ifndef JETON_KEEPER_FOREIGN_H
#define JETON_KEEPER_FOREIGN_H

#include "keeper/keeper.h"

/* As jt_state_ring_authentic; JT_ERR_KEY_WRONG where the ring names another service root. */
enum jt_err jt_foreign_ring(const struct jt_root *root, bool development,
                            const struct jt_ring_row *row, struct jt_ring *ring) JT_CHECKED;

/*
 * JT_ERR_MASTER_OTHER unless the check value is that of this keeper's master key, and
 * JT_ERR_ROOT_OTHER unless it is that of its service root.
 */
enum jt_err jt_foreign_master(const struct jt_keeper *k,
                              const uint8_t check_value[static JT_CHECK_VALUE_LEN]) JT_CHECKED;
enum jt_err jt_foreign_root(const struct jt_keeper *k,
                            const uint8_t check_value[static JT_CHECK_VALUE_LEN]) JT_CHECKED;

#endif
