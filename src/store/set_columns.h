/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The columns of client and field rows that their MACs cover, in the order in which they are read.
 */
#ifndef JETON_STORE_SET_COLUMNS_H
#define JETON_STORE_SET_COLUMNS_H

#include "store/row.h"
#include "model/client.h"
#include "model/field.h"

#define JT_CLIENT_COLUMNS(t)                                                                       \
    t ".id, " t ".permissions, " t ".secret_mac, " t ".state, " t ".revision, " t ".mac_epoch, " t \
      ".mac"
#define JT_N_CLIENT_COLUMNS 7
#define JT_FIELD_COLUMNS(t)                                                             \
    t ".id, " t ".name, " t ".kind, " t ".dedup, " t ".allow_bad_luhn, " t ".state, " t \
      ".revision, " t ".mac_epoch, " t ".mac"

/* From column `at` on; jt_row_status says whether they were good. */
void jt_client_columns_read(struct jt_row *row, int at, struct jt_client_row *out);
void jt_field_columns_read(struct jt_row *row, int at, struct jt_field_row *out);

#endif
