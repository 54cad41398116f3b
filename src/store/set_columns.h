/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of client and field rows: what their MACs cover, and the MACs. */
#ifndef JETON_STORE_SET_COLUMNS_H
#define JETON_STORE_SET_COLUMNS_H

#include "store/columns.h"
#include "model/client.h"
#include "model/field.h"

#define JT_CLIENT_ROW(FIRST, NEXT, t)            \
    FIRST(TEXT, t "id", spec.id)                 \
    NEXT(U31, t "permissions", spec.permissions) \
    NEXT(FIXED, t "secret_mac", secret_mac)      \
    NEXT(U8, t "state", state)                   \
    NEXT(U63, t "revision", revision)            \
    NEXT(U63, t "mac_epoch", mac_epoch)          \
    NEXT(FIXED, t "mac", mac)                    \
    NEXT(BYTES, t "terms", terms)

#define JT_FIELD_ROW(FIRST, NEXT, t)                    \
    FIRST(U31, t "id", spec.id)                         \
    NEXT(TEXT, t "name", spec.name)                     \
    NEXT(U8, t "kind", spec.kind)                       \
    NEXT(BOOL, t "dedup", spec.dedup)                   \
    NEXT(BOOL, t "allow_bad_luhn", spec.allow_bad_luhn) \
    NEXT(BOOL, t "mask_eight", spec.mask_eight)         \
    NEXT(U8, t "state", state)                          \
    NEXT(U63, t "revision", revision)                   \
    NEXT(U63, t "mac_epoch", mac_epoch)                 \
    NEXT(FIXED, t "mac", mac)                           \
    NEXT(BYTES, t "rules", spec.rules)                  \
    NEXT(U8, t "token_form", spec.token_form)           \
    NEXT(TEXT, t "app_column", spec.column)

void jt_client_row_read(struct jt_row *row, int column, struct jt_client_row *out);
void jt_field_row_read(struct jt_row *row, int column, struct jt_field_row *out);

#endif
