/* SPDX-License-Identifier: Apache-2.0 */
/* A keeper that misbehaves on purpose, in a child process. */
#ifndef JETON_TESTS_UNIT_KEYCLIENT_FAKE_KEEPER_H
#define JETON_TESTS_UNIT_KEYCLIENT_FAKE_KEEPER_H

#include <sys/types.h>

enum fake_manner {
    FAKE_SILENT,        /* greets, then never answers */
    FAKE_WRONG_VERSION, /* greets with another version */
    FAKE_NO_GREETING,   /* never greets */
    FAKE_WRONG_VERB,    /* answers with the verb of another request */
    FAKE_TOO_FEW,       /* answers an OPEN with one result, whatever was asked */
    FAKE_LONG_FRAME,    /* announces a frame beyond every bound */
    FAKE_CLOSES,        /* closes at the first request */
    FAKE_UNASKED,       /* sends a reply that nobody asked for, straight after the greeting */
    FAKE_BAD_STATUS,    /* answers with a status byte that does not exist */
    FAKE_SLOW_BYTES,    /* answers an OPEN of one item rightly, byte by byte */
};

struct fake_keeper {
    char dir[64];
    char socket[96];
    pid_t pid;
};

void fake_start(struct fake_keeper *f, enum fake_manner manner);
void fake_stop(struct fake_keeper *f);

#endif
