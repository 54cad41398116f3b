/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the first inputs of the fuzz targets: real encodings, made by the product's own encoders
 * where there are any. What libFuzzer makes of them is kept in tests/fuzz/corpus.
 *
 *     make_seeds DIRECTORY
 *
 * The directory must be new; the files are <target>/seed-<number>.
 */
#include "seeds.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *directory;

void seed_with(const char *target, int first, int second, const void *data, size_t len)
{
    char path[4096];
    int number = 1;
    snprintf(path, sizeof path, "%s/%s", directory, target);
    MUST(mkdir(path, 0777) == 0 || errno == EEXIST);
    do {
        snprintf(path, sizeof path, "%s/%s/seed-%02d", directory, target, number++);
    } while (access(path, F_OK) == 0);
    FILE *file = fopen(path, "wb");
    MUST(file != NULL);
    if (first >= 0) {
        fputc(first, file);
    }
    if (second >= 0) {
        fputc(second, file);
    }
    MUST(fwrite(data, 1, len, file) == len && fclose(file) == 0);
}

void seed(const char *target, const void *data, size_t len)
{
    seed_with(target, -1, -1, data, len);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_seeds DIRECTORY\n");
        return EXIT_FAILURE;
    }
    directory = argv[1];
    if (mkdir(directory, 0777) != 0) {
        perror(directory);
        return EXIT_FAILURE;
    }
    seeds_of_wire();
    seeds_of_files();
    seeds_of_text();
    seeds_of_batch();
    return EXIT_SUCCESS;
}
