/* SPDX-License-Identifier: Apache-2.0 */
/* When what a client's row says ends, by the keeper's clock. */
#ifndef JETON_KEEPER_EXPIRY_H
#define JETON_KEEPER_EXPIRY_H

#include "model/client.h"

/* The wall clock in seconds since 1970. */
uint64_t jt_expiry_now_s(void);

/* Milliseconds up to a time in such seconds; 0 when it has come. */
uint64_t jt_expiry_left_ms(uint64_t until_s);

/* Whether the client has expired. A row whose terms cannot be read has. */
bool jt_expiry_is_over(const struct jt_client_row *row);

#endif
