/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs inputs through a fuzz target, without libFuzzer: those in the files and directories that are
 * named, or else those in the corpus of the target, tests/fuzz/corpus/<name> for the program
 * fuzz_<name>. Prints TAP: one line for each input that fails, or one for all of them.
 *
 * Inputs run in a child process. When one ends it, or takes more than a minute, the input's name is
 * told and another child goes on behind it.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define INPUT_SECONDS 60

struct inputs {
    char **paths;
    size_t n;
};

static void give_up(const char *path)
{
    printf("not ok 1 - %s: %s\n", path, strerror(errno));
    exit(EXIT_FAILURE);
}

static void add_path(struct inputs *in, const char *path)
{
    char **grown = realloc(in->paths, (in->n + 1) * sizeof *grown);
    char *copy = strdup(path);
    if (grown == NULL || copy == NULL) {
        give_up(path);
    }
    in->paths = grown;
    in->paths[in->n++] = copy;
}

static void add_directory(struct inputs *in, const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    if (n < 0) {
        give_up(path);
    }
    for (int i = 0; i < n; i++) {
        char file[4096];
        if (entries[i]->d_name[0] != '.') {
            snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
            add_path(in, file);
        }
        free(entries[i]);
    }
    free(entries);
}

static void add(struct inputs *in, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        give_up(path);
    }
    if (S_ISDIR(st.st_mode)) {
        add_directory(in, path);
    } else {
        add_path(in, path);
    }
}

static void run_one(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    if (file == NULL || fstat(fileno(file), &st) != 0) {
        give_up(path);
    }
    /* Of exactly the size, for the sanitizers. */
    size_t len = (size_t)st.st_size;
    uint8_t *data = malloc(len > 0 ? len : 1);
    if (data == NULL || fread(data, 1, len, file) != len) {
        give_up(path);
    }
    fclose(file);
    alarm(INPUT_SECONDS);
    (void)LLVMFuzzerTestOneInput(data, len);
    alarm(0);
    free(data);
}

/* Runs the inputs from *at on, which is shared memory; true when all are through. */
static bool run_from(const struct inputs *in, volatile size_t *at)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0) {
        give_up("fork");
    }
    if (pid == 0) {
        for (; *at < in->n; ++*at) {
            run_one(in->paths[*at]);
        }
        exit(EXIT_SUCCESS);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS) {
        return true;
    }
    const char *how = !WIFSIGNALED(status)          ? "was refused by a sanitizer"
                      : WTERMSIG(status) == SIGALRM ? "does not end"
                                                    : strsignal(WTERMSIG(status));
    printf("not ok %zu - %s: %s\n", *at + 1, *at < in->n ? in->paths[*at] : "the end", how);
    return false;
}

int main(int argc, char **argv)
{
    struct inputs in = { 0 };
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash == NULL ? argv[0] : slash + 1;
    const char *target = strstr(name, "fuzz_");
    for (int i = 1; i < argc; i++) {
        add(&in, argv[i]);
    }
    if (argc == 1) {
        char corpus[4096];
        snprintf(corpus, sizeof corpus, "%s/%s", CORPUS_DIR, target == NULL ? name : target + 5);
        add(&in, corpus);
    }
    volatile size_t *at =
        mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED || in.n == 0) {
        give_up("no inputs");
    }
    size_t n_failed = 0;
    while (!run_from(&in, at)) {
        n_failed++;
        ++*at;
    }
    if (n_failed == 0) {
        printf("ok 1 - kept inputs\n# %zu inputs\n", in.n);
    }
    for (size_t i = 0; i < in.n; i++) {
        free(in.paths[i]);
    }
    free(in.paths);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
