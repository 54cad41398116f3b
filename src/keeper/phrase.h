/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The passphrase of the master key, where a keeper finds it at its start: the first line of a file,
 * or of a credential that systemd has put aside for this service (systemd.exec(5),
 * LoadCredentialEncrypted=).
 */
#ifndef JETON_KEEPER_PHRASE_H
#define JETON_KEEPER_PHRASE_H

#include "base/fault.h"
#include "keeper/masterfile.h"

/* Lives in secret memory. */
struct jt_phrase {
    char text[JT_MASTER_PHRASE_MAX + 1];
};

/*
 * *out is NULL where both names are empty. JT_ERR_NO_FILE, JT_ERR_FILE_UNSAFE, JT_ERR_IO;
 * JT_ERR_INVALID where the line is too long or no text.
 */
enum jt_err jt_phrase_read(const char *file, const char *credential, struct jt_phrase **out,
                           struct jt_fault *fault) JT_CHECKED;
/* NULL is accepted. */
void jt_phrase_free(struct jt_phrase *phrase);

#endif
