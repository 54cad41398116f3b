/* SPDX-License-Identifier: Apache-2.0 */
/* Section [cards]: what becomes of cards whose lifetime is over. */
#include "options/tables.h"

static const struct jt_conf_option options[] = {
    { "purge_grace", JT_CONF_NUMBER, JT_CONF_AT(cards_purge_grace), "86400", 0, 31536000,
      "How many seconds after the end of its lifetime a card's row is removed. Nobody can get at "
      "the card from that end on; the row is kept so long for whoever looks into a date that was "
      "wrong.",
      NULL },
};

const struct jt_conf_table jt_conf_cards = { "cards",
                                             "What becomes of cards whose lifetime is over.",
                                             options, sizeof options / sizeof options[0] };
