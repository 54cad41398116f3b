/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs ESCROW_RECEIPT and BACKUP_CHECK, and the bytes of a receipt (model/backup.h). */
#ifndef JETON_WIRE_BACKUP_H
#define JETON_WIRE_BACKUP_H

#include "base/buf.h"
#include "model/backup.h"

/* What the MAC is over: one form, numbers strictly ascending, and nothing behind. */
void jt_backup_body_encode(const struct jt_backup *backup, struct jt_buf *out);
enum jt_err jt_backup_body_decode(struct jt_reader *in, struct jt_backup *backup) JT_CHECKED;

/* The reply to ESCROW_RECEIPT and the request of BACKUP_CHECK. Nothing is looked at but lengths. */
void jt_backup_receipt_encode(const struct jt_backup_receipt *receipt, struct jt_buf *out);
enum jt_err jt_backup_receipt_decode(struct jt_reader *in,
                                     struct jt_backup_receipt *receipt) JT_CHECKED;

/* The body of a receipt whose MAC a keeper has checked. */
enum jt_err jt_backup_receipt_read(const struct jt_backup_receipt *receipt,
                                   struct jt_backup *backup) JT_CHECKED;

#endif
