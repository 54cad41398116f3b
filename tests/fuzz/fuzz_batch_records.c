/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of fixed form. An input is seven bytes that say in which pieces the file can be read, of
 * which form it is, its record length, and where two places are; and the file. See batch_input.h
 * for what must hold. What a condition looks at is no place: a record that is changed must be
 * chosen again.
 */
#include "batch_input.h"

#define HEAD 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const types[] = { "char", "ZD", "packed", "BI" };
    char first[40], second[40];
    if (len < HEAD || len > BATCH_MAX_FILE) {
        return -1;
    }
    void *file = fuzz_copy(data + HEAD, len - HEAD);
    bool chosen = (data[1] & 8) != 0;
    snprintf(first, sizeof first, "%u:%u:%s", data[3] | chosen, data[4] >> 2, types[data[4] & 3]);
    snprintf(second, sizeof second, "%u:%u:%s", data[5] | chosen, data[6] >> 2, types[data[6] & 3]);
    struct jt_place_spec places[] = { { first }, { second } };
    const char *when = "0:1:char=A,B";
    struct jt_format_spec spec = { .kind = JT_FORMAT_RECORDS,
                                   .places = places,
                                   .n_places = data[1] & 1 ? 2 : 1,
                                   .recfm = data[1] & 2 ? JT_RECFM_VB : JT_RECFM_FB,
                                   .lrecl = data[2],
                                   .codepage = data[1] & 4 ? "ASCII" : "IBM037",
                                   .when = &when,
                                   .n_when = chosen };
    batch_input_check(&spec, file, len - HEAD, data[0] % 17 + 1u, false);
    free(file);
    return 0;
}
