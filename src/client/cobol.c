/* SPDX-License-Identifier: Apache-2.0 */
/* CALL "JETON": the calls of jeton/client.h for COBOL programs, by way of an area (cobolarea.h). */
#include "client/cobolarea.h"
#include "client/cobolcards.h"
#include "client/internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY_MAX         86400
#define HTTP_UNAUTHORIZED 401
#define DEFAULT_URL       "http://127.0.0.1:8080"

/*
 * GnuCOBOL's run-time library, where it is in the process: of the CALL that is under way it knows
 * how many parameters there are, and how large each of them is.
 */
extern int cob_get_num_params(void) __attribute__((weak));
extern int cob_get_param_size(int n) __attribute__((weak));
extern void *cob_get_param_data(int n) __attribute__((weak));

/* --- the configuration, of the environment --- */

/* Not of a program that runs with more rights than whoever set it. */
static const char *setting(const char *name, const char *otherwise)
{
    const char *value = secure_getenv(name);
    return value == NULL || value[0] == '\0' ? otherwise : value;
}

/* The reason, or NULL. */
static const char *open_client(struct jeton_client **out)
{
    char *end;
    long retry_for_s = strtol(setting("JETON_RETRY_FOR", "30"), &end, 10);
    struct jeton_options options = { .url = setting("JETON_URL", DEFAULT_URL),
                                     .key_file = setting("JETON_KEY_FILE", NULL),
                                     .ca_file = setting("JETON_CA_FILE", NULL),
                                     .cert_file = setting("JETON_CERT_FILE", NULL),
                                     .cert_key_file = setting("JETON_CERT_KEY_FILE", NULL),
                                     .batch = JETON_COBOL_SLICE,
                                     .once = setting("JETON_ONCE", NULL) != NULL };
    if (*end != '\0' || retry_for_s < 0 || retry_for_s > RETRY_MAX) {
        return "config-retry";
    }
    options.retry_for_ms = retry_for_s == 0 ? -1 : retry_for_s * 1000;
    if (!jeton_url_is_safe(options.url)) {
        return "config-url";
    }
    enum jeton_status status = jeton_open(&options, out);
    return status == JETON_OK ? NULL : status == JETON_INVALID ? "config-key" : "out-of-memory";
}

/* --- the client of a thread --- */

struct session {
    struct jeton_client *client; /* NULL: none is open */
    pid_t pid;                   /* the process that opened it */
};

static pthread_key_t session_key;
static pthread_once_t session_once = PTHREAD_ONCE_INIT;
static bool session_works;

static void close_session(struct session *session)
{
    if (session->client != NULL && session->pid != getpid()) {
        jeton_abandon(session->client);
    } else {
        jeton_close(session->client);
    }
    session->client = NULL;
}

static void end_session(void *at)
{
    close_session(at);
    free(at);
}

static void begin_sessions(void)
{
    session_works = pthread_key_create(&session_key, end_session) == 0;
}

/* This thread's; NULL: out of memory. */
static struct session *session_of_thread(void)
{
    if (pthread_once(&session_once, begin_sessions) != 0 || !session_works) {
        return NULL;
    }
    struct session *session = pthread_getspecific(session_key);
    if (session == NULL) {
        session = calloc(1, sizeof *session);
        if (session != NULL && pthread_setspecific(session_key, session) != 0) {
            free(session);
            session = NULL;
        }
    }
    return session;
}

/* The reason, or NULL: a client of this process is open. */
static const char *reach_client(struct session *session)
{
    if (session->client != NULL && session->pid != getpid()) {
        close_session(session);
    }
    session->pid = getpid();
    return session->client != NULL ? NULL : open_client(&session->client);
}

/* --- the call --- */

static const struct function {
    char name[JETON_AREA_FUNCTION + 1];
    jeton_verb verb; /* NULL: none of cards */
} functions[] = {
    { "OPEN", NULL },           { "CLOS", NULL },
    { "TOKN", jeton_tokenize }, { "DETK", jeton_detokenize },
    { "MASK", jeton_mask },
};

static const struct function *function_of(const struct jeton_area *area)
{
    char name[JETON_AREA_FUNCTION + 1];
    jeton_area_function(area, name);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (strcmp(functions[i].name, name) == 0) {
            return &functions[i];
        }
    }
    return NULL;
}

static void serve(const struct jeton_area *area, const struct function *function,
                  struct jeton_outcome *o)
{
    struct session *session = session_of_thread();
    if (session == NULL) {
        jeton_outcome_fail(o, JETON_AREA_AWAY, "out-of-memory");
        jeton_outcome_spread(o, area, 0, area->count);
        return;
    }
    if (function->verb == NULL) {
        close_session(session); /* OPEN reads the configuration again */
    }
    if (strcmp(function->name, "CLOS") == 0) {
        return;
    }
    const char *reason = reach_client(session);
    if (reason != NULL) {
        jeton_outcome_fail(o, JETON_AREA_AWAY, reason);
        jeton_outcome_spread(o, area, 0, function->verb == NULL ? 0 : area->count);
    } else if (function->verb != NULL) {
        jeton_cobol_cards(session->client, area, function->verb, o);
    }
    if (o->status == HTTP_UNAUTHORIZED) {
        close_session(session); /* the key file may have another key by the next call */
    }
}

static bool lengths_are_right(const struct jeton_area *area)
{
    char value[JETON_AREA_VALUE + 1];
    bool right = true;
    for (size_t i = 0; i < area->count && right; i++) {
        right = jeton_area_value(area, i, value);
    }
    explicit_bzero(value, sizeof value);
    return right;
}

/* How large the parameter is, as far as anybody knows. */
static size_t size_of(const void *area)
{
    if (cob_get_num_params == NULL || cob_get_param_size == NULL || cob_get_param_data == NULL) {
        return SIZE_MAX;
    }
    int n = cob_get_num_params();
    if (n == 0) {
        return 0; /* CALL "JETON" without USING */
    }
    if (n < 0 || cob_get_param_data(1) != area) {
        return SIZE_MAX; /* it is not COBOL that calls */
    }
    int size = cob_get_param_size(1);
    return size < 0 ? 0 : (size_t)size;
}

int JETON(void *area)
{
    struct jeton_area taken;
    struct jeton_outcome o = { 0 };
    const char *wrong = jeton_area_take(area, size_of(area), &taken);
    if (taken.at == NULL) {
        return JETON_AREA_CALL;
    }
    jeton_area_blank(&taken);
    const struct function *function = wrong == NULL ? function_of(&taken) : NULL;
    if (wrong == NULL && function == NULL) {
        wrong = "call-function";
    }
    if (wrong == NULL && function->verb != NULL && !lengths_are_right(&taken)) {
        wrong = "call-length";
    }
    if (wrong != NULL) {
        jeton_outcome_fail(&o, JETON_AREA_CALL, wrong);
        jeton_outcome_spread(&o, &taken, 0, taken.capacity);
    } else {
        serve(&taken, function, &o);
    }
    jeton_area_end(&taken, o.code, o.status, o.reason, o.message);
    jeton_area_refused(&taken, o.first, o.refused);
    return o.code;
}
