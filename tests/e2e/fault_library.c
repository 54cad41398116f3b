/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fails calls that a program makes, one at a time: loaded before libc by LD_PRELOAD, it stands
 * before every function of fault_calls.def.
 *
 * A place is a function and the innermost callers of it within the program. Each place that is
 * reached is noted in a table, which the test shares (a file, JETON_TEST_FAULT_TABLE). The test
 * arms a place, and the next call there fails, once. Only the program named by
 * JETON_TEST_FAULT_PROGRAM is concerned, and only its own calls, those of jansson for memory (which
 * it takes from the program), and those for memory of the libraries that JETON_TEST_FAULT_BENEATH
 * names, as far as the program called them. Everything is looked up and mapped before main, so that
 * the cell around jetond allows it.
 *
 * For x86-64: any function of any arguments is stood for by the same few instructions.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unwind.h>

#ifndef __x86_64__
#error "for x86-64 only"
#endif

/* --- the functions and the ways in which they fail --- */

#define CANNOT(name)

enum { INSTEAD, AFTER, CUTS, CLOSES, STREAM_0 };
#define STREAM(n) (STREAM_0 + (n))

enum function {
#define CALL(name, how, value, error) F_##name,
#define ALSO(name, how, value, error)
#include "fault_calls.def"
#undef CALL
#undef ALSO
    N_FUNCTIONS
};

static const char *const names[] = {
#define CALL(name, how, value, error) #name,
#define ALSO(name, how, value, error)
#include "fault_calls.def"
#undef CALL
#undef ALSO
};

struct way {
    enum function function;
    int how;
    int64_t value;
    int error;
};

static const struct way ways[] = {
#define CALL(name, how, value, error) { F_##name, (how), (value), (error) },
#define ALSO(name, how, value, error) CALL(name, how, value, error)
#include "fault_calls.def"
#undef CALL
#undef ALSO
};

/* --- the table: the same in tests/e2e/callfaults.py --- */

#define N_PLACES 16384 /* a power of two */
#define N_FRAMES 6

struct place {
    _Atomic uint64_t name; /* a hash of the rest; 0: free */
    uint32_t function;
    _Atomic uint32_t reached;
    uint64_t frames[N_FRAMES]; /* of the program: offset of what follows the call */
};

struct table {
    _Atomic uint32_t armed; /* 1 + the place; 0: none */
    uint32_t way;           /* of the function, from 0 */
    _Atomic uint32_t fired;
    _Atomic uint32_t full;
    uint32_t depth;  /* callers that make a place */
    int32_t written; /* of the failed call: the descriptor of a stream that it was to write */
    uint32_t unused[10];
    struct place places[N_PLACES];
};

static struct table *table;

/* --- the program --- */

struct range {
    uintptr_t from, to;
};

static uintptr_t base;
#define N_BENEATH 4
static struct range program, json, beneath[N_BENEATH];
static int n_beneath;
static void *real[N_FUNCTIONS];
static __thread bool busy __attribute__((tls_model("initial-exec")));

static bool within(const struct range *r, uintptr_t p)
{
    return p >= r->from && p < r->to;
}

/* Where the instructions of an object are. */
static struct range range_of(const struct dl_phdr_info *info)
{
    struct range range = { 0, 0 };
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && (p->p_flags & PF_X) != 0) {
            range.from = info->dlpi_addr + p->p_vaddr;
            range.to = range.from + p->p_memsz;
        }
    }
    return range;
}

static bool is_named(const char *names, const char *object)
{
    char copy[200], *rest = copy, *name;
    snprintf(copy, sizeof copy, "%s", names == NULL ? "" : names);
    while ((name = strsep(&rest, ",")) != NULL) {
        if (*name != '\0' && strstr(object, name) != NULL) {
            return true;
        }
    }
    return false;
}

static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    if (program.to == 0) { /* it is the first */
        base = info->dlpi_addr;
        program = range_of(info);
    } else if (is_named("libjansson.", info->dlpi_name)) {
        json = range_of(info);
    } else if (is_named(arg, info->dlpi_name) && n_beneath < N_BENEATH) {
        beneath[n_beneath++] = range_of(info);
    }
    return 0;
}

static bool is_ours(void)
{
    char path[4096];
    const char *ours = getenv("JETON_TEST_FAULT_PROGRAM");
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (ours == NULL || n <= 0) {
        return false;
    }
    path[n] = '\0';
    return strcmp(strrchr(path, '/') + 1, ours) == 0;
}

static void *look_up(enum function f)
{
    void *found = real[f];
    if (found == NULL) {
        bool was = busy;
        busy = true;
        found = dlsym(RTLD_NEXT, names[f]);
        busy = was;
        if (found == NULL) {
            abort(); /* nobody calls what is not there */
        }
        real[f] = found;
    }
    return found;
}

__attribute__((constructor)) static void set_up(void)
{
    const char *path = getenv("JETON_TEST_FAULT_TABLE");
    if (path == NULL || !is_ours()) {
        return;
    }
    busy = true;
    for (int f = 0; f < N_FUNCTIONS; f++) {
        real[f] = dlsym(RTLD_NEXT, names[f]);
    }
    dl_iterate_phdr(look, getenv("JETON_TEST_FAULT_BENEATH"));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *p =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        abort();
    }
    close(fd);
    busy = false;
    table = p;
}

/* --- places --- */

struct walk {
    uint64_t frames[N_FRAMES];
    unsigned n, depth, steps;
};

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *arg)
{
    struct walk *walk = arg;
    uintptr_t ip = _Unwind_GetIP(context);
    if (within(&program, ip)) {
        walk->frames[walk->n++] = ip - base;
    }
    return walk->n == walk->depth || ++walk->steps == 60 ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static uint64_t hash(enum function f, const struct walk *walk)
{
    uint64_t h = 0x9e3779b97f4a7c15u * (f + 1);
    for (unsigned i = 0; i < walk->n; i++) {
        h = (h ^ walk->frames[i]) * 0xff51afd7ed558ccdu;
        h ^= h >> 33;
    }
    return h == 0 ? 1 : h;
}

/* The number of the place, which is new or known; -1: there is none, or the table is full. */
static int place_of(enum function f)
{
    struct walk walk = { .depth = table->depth < N_FRAMES ? table->depth : N_FRAMES };
    _Unwind_Backtrace(step, &walk);
    if (walk.n == 0) {
        return -1; /* a thread of a library */
    }
    uint64_t name = hash(f, &walk);
    for (uint32_t i = 0; i < N_PLACES; i++) {
        uint32_t at = (uint32_t)(name + i) % N_PLACES;
        struct place *place = &table->places[at];
        uint64_t none = 0;
        if (atomic_compare_exchange_strong(&place->name, &none, name)) {
            place->function = f;
            memcpy(place->frames, walk.frames, sizeof walk.frames);
            return (int)at;
        }
        if (none == name) {
            return (int)at;
        }
    }
    atomic_store(&table->full, 1);
    return -1;
}

static bool is_concerned(enum function f, uintptr_t caller)
{
    bool memory = f <= F_reallocarray;
    bool is = within(&program, caller) || (memory && within(&json, caller));
    for (int i = 0; i < n_beneath && memory && !is; i++) {
        is = within(&beneath[i], caller);
    }
    return is;
}

/* Whether this call fails, and how. */
static const struct way *choose(enum function f)
{
    int place = place_of(f);
    if (place < 0) {
        return NULL;
    }
    atomic_fetch_add(&table->places[place].reached, 1);
    uint32_t armed = (uint32_t)place + 1;
    if (!atomic_compare_exchange_strong(&table->armed, &armed, 0)) {
        return NULL;
    }
    const struct way *way = ways;
    while (way->function != f) {
        way++;
    }
    way += table->way;
    atomic_fetch_add(&table->fired, 1);
    return way;
}

/* --- what stands before each function --- */

#define AND_CALL 1 /* a struct way has no odd address */

struct verdict {
    void *go;      /* the function */
    uintptr_t way; /* 0: go on there; else how to answer, and AND_CALL: after the call */
};

__attribute__((visibility("hidden"))) struct verdict jeton_test_decide(unsigned f, uintptr_t caller,
                                                                       const uint64_t *last);
__attribute__((visibility("hidden"))) int64_t jeton_test_answer(uintptr_t way);

/* What goes before the failure. `last` is the sixth argument; the first lies above it. */
static void prepare(const struct way *way, const uint64_t *last)
{
    const void *first = (const void *)(uintptr_t)last[5];
    FILE *stream = way->how == STREAM_0  ? stdout
                   : way->how > STREAM_0 ? (FILE *)(uintptr_t)last[6 + STREAM_0 - way->how]
                   : way->function == (int)F_fclose ? (FILE *)(uintptr_t)last[5]
                                                    : NULL;
    table->written = -1;
    if (way->how == CUTS) {
        int (*socket_of)(const void *) = (int (*)(const void *))dlsym(RTLD_NEXT, "PQsocket");
        (void)shutdown(socket_of(first), SHUT_RDWR);
    } else if (way->how == CLOSES) {
        (void)close((int)last[4]);
    } else if (stream != NULL) {
        stream->_flags |= 0x20; /* _IO_ERR_SEEN: what ferror tells */
        table->written = (stream->_flags & 8) == 0 ? fileno(stream) : -1; /* _IO_NO_WRITES */
    }
}

struct verdict jeton_test_decide(unsigned f, uintptr_t caller, const uint64_t *last)
{
    struct verdict verdict = { look_up(f), 0 };
    if (table == NULL || busy || !is_concerned(f, caller)) {
        return verdict;
    }
    int saved = errno;
    busy = true;
    const struct way *way = choose(f);
    if (way != NULL) {
        prepare(way, last);
    }
    busy = false;
    errno = saved;
    if (way != NULL && way->how != CUTS) {
        verdict.way = (uintptr_t)way | (way->how == AFTER ? AND_CALL : 0);
    }
    return verdict;
}

int64_t jeton_test_answer(uintptr_t way)
{
    const struct way *chosen = (const struct way *)(way & ~(uintptr_t)AND_CALL);
    if (chosen->error != 0) {
        errno = chosen->error;
    }
    return chosen->value;
}

/* clang-format off */
asm(".text\n"
    ".type gate, @function\n"
    "gate:\n"
    ".cfi_startproc\n"
    "pushq %rbp\n"
    ".cfi_def_cfa_offset 16\n"
    ".cfi_offset %rbp, -16\n"
    "movq %rsp, %rbp\n"
    ".cfi_def_cfa_register %rbp\n"
    "pushq %rdi\n" "pushq %rsi\n" "pushq %rdx\n" "pushq %rcx\n" "pushq %r8\n" "pushq %r9\n"
    "pushq %rax\n" /* how many vectors hold arguments */
    "pushq %r11\n"
    "subq $128, %rsp\n"
    "movups %xmm0, (%rsp)\n"   "movups %xmm1, 16(%rsp)\n" "movups %xmm2, 32(%rsp)\n"
    "movups %xmm3, 48(%rsp)\n" "movups %xmm4, 64(%rsp)\n" "movups %xmm5, 80(%rsp)\n"
    "movups %xmm6, 96(%rsp)\n" "movups %xmm7, 112(%rsp)\n"
    "movl %r11d, %edi\n"
    "movq 8(%rbp), %rsi\n"
    "leaq -48(%rbp), %rdx\n"
    "call jeton_test_decide\n"
    "movq %rax, %r10\n"
    "movq %rdx, -64(%rbp)\n"
    "movups (%rsp), %xmm0\n"   "movups 16(%rsp), %xmm1\n" "movups 32(%rsp), %xmm2\n"
    "movups 48(%rsp), %xmm3\n" "movups 64(%rsp), %xmm4\n" "movups 80(%rsp), %xmm5\n"
    "movups 96(%rsp), %xmm6\n" "movups 112(%rsp), %xmm7\n"
    "addq $128, %rsp\n"
    "popq %r11\n"
    "popq %rax\n" "popq %r9\n" "popq %r8\n" "popq %rcx\n" "popq %rdx\n" "popq %rsi\n" "popq %rdi\n"
    "testq %r11, %r11\n"
    "jnz 1f\n"
    ".cfi_remember_state\n"
    "popq %rbp\n"
    ".cfi_def_cfa %rsp, 8\n"
    "jmp *%r10\n"
    ".cfi_restore_state\n"
    "1: pushq %r11\n"
    "subq $8, %rsp\n"
    "testq $1, %r11\n"
    "jz 2f\n"
    "call *%r10\n"
    "2: movq 8(%rsp), %rdi\n"
    "call jeton_test_answer\n"
    "addq $16, %rsp\n"
    "popq %rbp\n"
    ".cfi_def_cfa %rsp, 8\n"
    "ret\n"
    ".cfi_endproc\n"
    ".size gate, .-gate\n");

/* The number of each goes to the gate in a register that no argument is in. */
asm(".set number, 0\n"
#define CALL(name, how, value, error)               \
    ".globl " #name "\n.type " #name ", @function\n" \
    #name ":\n.cfi_startproc\n"                      \
    "movl $number, %r11d\njmp gate\n.cfi_endproc\n"  \
    ".size " #name ", .-" #name "\n"                 \
    ".set number, number + 1\n"
#define ALSO(name, how, value, error)
#include "fault_calls.def"
);
/* clang-format on */
