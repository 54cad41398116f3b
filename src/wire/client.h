/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs CLIENT_MAKE, CLIENT_REVOKE and CLIENT_CHECK, and the row of a client in them. */
#ifndef JETON_WIRE_CLIENT_H
#define JETON_WIRE_CLIENT_H

#include "base/buf.h"
#include "model/client.h"
#include "wire/set_row.h"

void jt_client_make_encode(const struct jt_client_spec *spec,
                           const uint8_t secret[static JT_CLIENT_SECRET_LEN],
                           const struct jt_set_row *set, struct jt_buf *out);
enum jt_err jt_client_make_decode(struct jt_reader *in, struct jt_client_spec *spec,
                                  uint8_t secret[static JT_CLIENT_SECRET_LEN],
                                  struct jt_set_row *set) JT_CHECKED;
/* The request of CLIENT_REVOKE, and the reply of CLIENT_MAKE and CLIENT_REVOKE: whole messages. */
void jt_client_change_encode(const struct jt_client_change *change, struct jt_buf *out);
enum jt_err jt_client_change_decode(struct jt_reader *in,
                                    struct jt_client_change *change) JT_CHECKED;
void jt_client_row_encode(const struct jt_client_row *row, struct jt_buf *out);
/* leaves what follows unread */
enum jt_err jt_client_row_decode(struct jt_reader *in, struct jt_client_row *row) JT_CHECKED;
void jt_client_check_encode(const struct jt_client_row *row,
                            const uint8_t secret[static JT_CLIENT_SECRET_LEN], struct jt_buf *out);
enum jt_err jt_client_check_decode(struct jt_reader *in, struct jt_client_row *row,
                                   uint8_t secret[static JT_CLIENT_SECRET_LEN]) JT_CHECKED;

#endif
