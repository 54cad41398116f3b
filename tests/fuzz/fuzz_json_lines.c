/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON lines of a file job. An input is a byte that says in which pieces the file can be read, a
 * path, a line end, and the file. See batch_input.h for what must hold: escapes in a value that is
 * replaced are spelled anew.
 */
#include "batch_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const uint8_t *end = len < 2 ? NULL : memchr(data + 1, '\n', len - 1);
    if (end == NULL || len > BATCH_MAX_FILE ||
        memchr(data + 1, '\0', (size_t)(end - data - 1)) != NULL) {
        return -1;
    }
    size_t path_len = (size_t)(end - data - 1), file_len = len - path_len - 2;
    char *path = fuzz_copy(data + 1, path_len + 1);
    path[path_len] = '\0';
    void *file = fuzz_copy(end + 1, file_len);
    struct jt_place_spec places[] = { { path }, { "/0" } };
    struct jt_format_spec spec = { .kind = JT_FORMAT_JSON,
                                   .places = places,
                                   .n_places = data[0] & 32 ? 2 : 1 };
    batch_input_check(&spec, file, file_len, data[0] % 17 + 1u, true);
    free(file);
    free(path);
    return 0;
}
