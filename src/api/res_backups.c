/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/backups: a sealed file of all keys; whether one that was written somewhere opens, which
 * records it; those that are recorded; and the word that a file is gone.
 */
#include "api/backup_json.h"
#include "api/operation.h"
#include "base/base64.h"
#include "base/hex.h"
#include "vault/inspect.h"

#include <stdlib.h>
#include <string.h>

/* --- make --- */

struct made {
    struct jt_escrow_file file;
};

static enum jt_err make(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    return jt_backups_make(ctx, call->actor, &((struct made *)state)->file);
}

static json_t *made_answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct jt_escrow_file *file = &((const struct made *)state)->file;
    char text[JT_BASE64_LEN(JT_ESCROW_MAX) + 1];
    jt_base64_encode(file->bytes, file->len, text);
    return json_pack("{ss}", "file", text);
}

const struct jt_operation jt_operation_backup_make = {
    .state_size = sizeof(struct made),
    .act = make,
    .status = 200,
    .answer = made_answer,
    .once = JT_ONCE_IGNORED, /* asked again, it makes another file of the same keys */
};

/* --- what a list of them lacks --- */

/* The generations that a backup should have, and what is found. */
struct backups {
    json_t *found;
    struct jt_generation_row wanted[JT_KEY_IDS];
    size_t n_wanted;
    bool failed;
};

/* Future and live ones. */
static void want(void *arg, const struct jt_generation_info *info)
{
    struct backups *b = arg;
    if (info->row.state <= JT_GENERATION_DRAINING && b->n_wanted < JT_KEY_IDS) {
        b->wanted[b->n_wanted++] = info->row;
    }
}

static json_t *json_with_lacks(const struct backups *b, const struct jt_backup_info *info)
{
    json_t *json = jt_backup_json(info), *lacks = json_array();
    bool failed = false;
    for (size_t i = 0; i < b->n_wanted; i++) {
        if (!jt_backup_has(&info->backup, &b->wanted[i])) {
            json_int_t number = (json_int_t)b->wanted[i].number;
            failed |= json_array_append_new(lacks, json_integer(number)) != 0;
        }
    }
    if (json_object_set_new(json, "lacks", lacks) != 0 || failed) {
        json_decref(json);
        return NULL;
    }
    return json;
}

/* --- verify --- */

struct sent {
    char text[JT_BASE64_LEN(JT_ESCROW_MAX) + 1];
    struct jt_backup_info info;
    struct backups all;
};

static bool is_base64(const char *text)
{
    uint8_t bytes[JT_ESCROW_MAX];
    size_t len, text_len = strlen(text);
    return text_len > 0 && jt_base64_decode(text, text_len, bytes, sizeof bytes, &len) == JT_OK;
}

static const struct jt_member members_of_verify[] = {
    { "file", &jt_member_text, JT_MEMBER_AT(struct sent, text), .required = true,
      .valid = is_base64, .must = "the bytes of a backup in base64" },
};

static enum jt_err verify(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct sent *sent = state;
    struct jt_escrow_file file = { .len = 0 };
    enum jt_err err =
        jt_base64_decode(sent->text, strlen(sent->text), file.bytes, sizeof file.bytes, &file.len);
    if (err == JT_OK) {
        err = jt_backups_verify(ctx, &file, call->actor, &sent->info);
    }
    return err == JT_OK ? jt_inspect_kept_generations(ctx, want, &sent->all) : err;
}

static json_t *verified_answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct sent *sent = state;
    return json_with_lacks(&sent->all, &sent->info);
}

const struct jt_operation jt_operation_backup_verify = {
    .members = JT_MEMBERS(members_of_verify),
    .state_size = sizeof(struct sent),
    .act = verify,
    .status = 200,
    .answer = verified_answer,
    .once = JT_ONCE_IGNORED, /* asked again, it opens the same file */
};

/* --- list --- */

static bool add(void *arg, const struct jt_backup_info *info)
{
    struct backups *b = arg;
    b->failed |= json_array_append_new(b->found, json_with_lacks(b, info)) != 0;
    return !b->failed;
}

static enum jt_err list(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    (void)call;
    struct backups *b = state;
    b->found = json_array();
    enum jt_err err = jt_inspect_kept_generations(ctx, want, b);
    if (err == JT_OK) {
        err = jt_backups_list(ctx, add, b);
    }
    return err == JT_OK && b->failed ? JT_ERR_NOMEM : err;
}

static json_t *list_answer(const struct jt_api *api, void *state)
{
    (void)api;
    return json_pack("{sO}", "backups", ((const struct backups *)state)->found);
}

static void list_clear(void *state)
{
    json_decref(((struct backups *)state)->found);
}

const struct jt_operation jt_operation_backups_list = {
    .state_size = sizeof(struct backups),
    .act = list,
    .status = 200,
    .answer = list_answer,
    .clear = list_clear,
};

/* --- forget --- */

struct gone {
    char digest[JT_BACKUP_DIGEST_TEXT];
};

static enum jt_err forget(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    struct gone *gone = state;
    uint8_t digest[JT_BACKUP_DIGEST_LEN];
    memcpy(gone->digest, call->params.digest, sizeof gone->digest);
    enum jt_err err = jt_hex_decode(gone->digest, sizeof digest, digest);
    return err == JT_OK ? jt_backups_forget(ctx, digest, call->actor) : err;
}

static json_t *gone_answer(const struct jt_api *api, void *state)
{
    (void)api;
    return json_pack("{ss}", "forgotten", ((const struct gone *)state)->digest);
}

const struct jt_operation jt_operation_backup_forget = {
    .state_size = sizeof(struct gone),
    .act = forget,
    .status = 200,
    .answer = gone_answer,
};
