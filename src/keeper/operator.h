/* SPDX-License-Identifier: Apache-2.0 */
/* An operator who proves to be one to the keeper itself, for what no front may order alone. */
#ifndef JETON_KEEPER_OPERATOR_H
#define JETON_KEEPER_OPERATOR_H

#include "keeper/keeper.h"

/* By row and present secret: JT_ERR_NOT_OPERATOR, JT_ERR_FORGED. */
enum jt_err jt_operator_check(const struct jt_keeper *k, const struct jt_client_row *row,
                              const uint8_t secret[static JT_CLIENT_SECRET_LEN]) JT_CHECKED;

#endif
