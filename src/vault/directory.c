#include "vault/directory.h"

#include "base/clock.h"
#include "base/secmem.h"
#include "crypto/digest.h"
#include "vault/registry.h"

#include <stdlib.h>
#include <string.h>

#define FRESH_MS 1000
#define STALE_MS 5000
#define SLOTS 256 /* direct-mapped: two names on one slot only cost look-ups */

struct client_slot {
    char id[JT_CLIENT_ID_MAX + 1];
    uint8_t secret_hash[JT_SHA256_LEN];
    uint32_t permissions;
    int64_t checked_ms; /* 0: empty */
    bool refreshing;
};

struct field_slot {
    struct jt_field_spec spec;
    int64_t checked_ms;
    bool refreshing;
};

struct jt_directory {
    struct jt_vault *vault;
    struct jt_inbox *inbox;
    struct client_slot clients[SLOTS];
    struct field_slot fields[SLOTS];
};

/* FNV-1a; names are not secret and a collision costs a look-up, nothing else. */
static size_t slot_of(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name != '\0'; name++) {
        h = (h ^ (uint8_t)*name) * 16777619u;
    }
    return h % SLOTS;
}

enum jt_err jt_directory_new(struct jt_vault *vault, struct jt_inbox *inbox, struct jt_directory **out)
{
    struct jt_directory *d = calloc(1, sizeof *d);
    *out = d;
    if (d == NULL) {
        return JT_ERR_NOMEM;
    }
    d->vault = vault;
    d->inbox = inbox;
    return JT_OK;
}

void jt_directory_free(struct jt_directory *d)
{
    free(d);
}

/* --- clients --- */

struct client_job {
    struct jt_job job; /* first: the job is cast back */
    struct jt_directory *directory;
    struct jt_credential credential;
    uint8_t secret_hash[JT_SHA256_LEN];
    uint32_t permissions;
    enum jt_err err;
    jt_directory_client_fn *done; /* NULL: a refresh behind the scenes */
    void *arg;
};

static void run_client(struct jt_job *job, struct jt_work_ctx *ctx)
{
    struct client_job *j = (struct client_job *)job;
    j->err = jt_registry_check_client(ctx, &j->credential, &j->permissions);
}

static void client_done(struct jt_job *job)
{
    struct client_job *j = (struct client_job *)job;
    struct client_slot *slot = &j->directory->clients[slot_of(j->credential.id)];
    bool same = strcmp(slot->id, j->credential.id) == 0;
    if (j->err == JT_OK) {
        memcpy(slot->id, j->credential.id, sizeof slot->id);
        memcpy(slot->secret_hash, j->secret_hash, sizeof slot->secret_hash);
        slot->permissions = j->permissions;
        slot->checked_ms = jt_clock_ms();
    } else if (j->err == JT_ERR_DENIED && same && jt_equal_ct(slot->secret_hash, j->secret_hash, JT_SHA256_LEN)) {
        slot->checked_ms = 0; /* what was good is good no longer */
    }
    if (same) {
        slot->refreshing = false;
    }
    if (j->done != NULL) {
        j->done(j->arg, j->err, j->permissions);
    }
    jt_wipe(j, sizeof *j);
    free(j);
}

static enum jt_err post_client(struct jt_directory *d, const struct jt_credential *credential, const uint8_t *secret_hash,
                               jt_directory_client_fn *done, void *arg)
{
    struct client_job *j = calloc(1, sizeof *j);
    if (j == NULL) {
        return JT_ERR_NOMEM;
    }
    j->job = (struct jt_job){ .run = run_client, .done = client_done, .inbox = d->inbox };
    j->directory = d;
    j->credential = *credential;
    memcpy(j->secret_hash, secret_hash, sizeof j->secret_hash);
    j->done = done;
    j->arg = arg;
    enum jt_err err = jt_workers_post(d->vault->workers, &j->job);
    if (err != JT_OK) {
        jt_wipe(j, sizeof *j);
        free(j);
    }
    return err;
}

void jt_directory_client(struct jt_directory *d, const struct jt_credential *credential, jt_directory_client_fn *done, void *arg)
{
    uint8_t hash[JT_SHA256_LEN];
    if (jt_sha256(credential->secret, sizeof credential->secret, hash) != JT_OK) {
        done(arg, JT_ERR_UNAVAILABLE, 0);
        return;
    }
    struct client_slot *slot = &d->clients[slot_of(credential->id)];
    int64_t age = jt_clock_ms() - slot->checked_ms;
    bool known = slot->checked_ms != 0 && age < STALE_MS && strcmp(slot->id, credential->id) == 0 &&
                 jt_equal_ct(slot->secret_hash, hash, sizeof hash);
    if (!known) {
        if (post_client(d, credential, hash, done, arg) != JT_OK) {
            done(arg, JT_ERR_UNAVAILABLE, 0);
        }
        return;
    }
    if (age >= FRESH_MS && !slot->refreshing) {
        slot->refreshing = post_client(d, credential, hash, NULL, NULL) == JT_OK;
    }
    done(arg, JT_OK, slot->permissions);
}

/* --- fields --- */

struct field_job {
    struct jt_job job; /* first: the job is cast back */
    struct jt_directory *directory;
    char name[JT_FIELD_NAME_MAX + 1];
    struct jt_field_spec spec;
    enum jt_err err;
    jt_directory_field_fn *done; /* NULL: a refresh behind the scenes */
    void *arg;
};

static void run_field(struct jt_job *job, struct jt_work_ctx *ctx)
{
    struct field_job *j = (struct field_job *)job;
    j->err = jt_registry_get_field(ctx, j->name, &j->spec);
}

static void field_done(struct jt_job *job)
{
    struct field_job *j = (struct field_job *)job;
    struct field_slot *slot = &j->directory->fields[slot_of(j->name)];
    bool same = strcmp(slot->spec.name, j->name) == 0;
    if (j->err == JT_OK) {
        slot->spec = j->spec;
        slot->checked_ms = jt_clock_ms();
    } else if (same && (j->err == JT_ERR_NOT_FOUND || j->err == JT_ERR_DENIED)) {
        slot->checked_ms = 0;
    }
    if (same) {
        slot->refreshing = false;
    }
    if (j->done != NULL) {
        j->done(j->arg, j->err, &j->spec);
    }
    free(j);
}

static enum jt_err post_field(struct jt_directory *d, const char *name, jt_directory_field_fn *done, void *arg)
{
    struct field_job *j = calloc(1, sizeof *j);
    if (j == NULL) {
        return JT_ERR_NOMEM;
    }
    j->job = (struct jt_job){ .run = run_field, .done = field_done, .inbox = d->inbox };
    j->directory = d;
    memcpy(j->name, name, strlen(name) + 1);
    j->done = done;
    j->arg = arg;
    enum jt_err err = jt_workers_post(d->vault->workers, &j->job);
    if (err != JT_OK) {
        free(j);
    }
    return err;
}

void jt_directory_field(struct jt_directory *d, const char *name, jt_directory_field_fn *done, void *arg)
{
    if (!jt_field_name_valid(name)) {
        done(arg, JT_ERR_NOT_FOUND, NULL);
        return;
    }
    struct field_slot *slot = &d->fields[slot_of(name)];
    int64_t age = jt_clock_ms() - slot->checked_ms;
    if (slot->checked_ms == 0 || age >= STALE_MS || strcmp(slot->spec.name, name) != 0) {
        if (post_field(d, name, done, arg) != JT_OK) {
            done(arg, JT_ERR_UNAVAILABLE, NULL);
        }
        return;
    }
    if (age >= FRESH_MS && !slot->refreshing) {
        slot->refreshing = post_field(d, name, NULL, NULL) == JT_OK;
    }
    done(arg, JT_OK, &slot->spec);
}
