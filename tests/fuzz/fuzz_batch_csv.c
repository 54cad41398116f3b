/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV files of a file job. An input is a byte that says in which pieces the file can be read, one
 * that says what is told of it, the name of a column, a line end, and the file. See batch_input.h
 * for what must hold.
 */
#include "batch_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const delimiters[] = { NULL, ",", ";", "tab" };
    const uint8_t *end = len < 3 ? NULL : memchr(data + 2, '\n', len - 2);
    if (end == NULL || len > BATCH_MAX_FILE ||
        memchr(data + 2, '\0', (size_t)(end - data - 2)) != NULL) {
        return -1;
    }
    size_t name_len = (size_t)(end - data - 2), file_len = len - name_len - 3;
    char *name = fuzz_copy(data + 2, name_len + 1);
    name[name_len] = '\0';
    void *file = fuzz_copy(end + 1, file_len);
    struct jt_place_spec places[] = { { name }, { "1" } };
    struct jt_format_spec spec = { .kind = JT_FORMAT_CSV,
                                   .places = places,
                                   .n_places = data[1] & 8 ? 2 : 1,
                                   .delimiter = delimiters[data[1] & 3],
                                   .no_header = (data[1] & 4) != 0 };
    batch_input_check(&spec, file, file_len, data[0] % 17 + 1u, false);
    free(file);
    free(name);
    return 0;
}
