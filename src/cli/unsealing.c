/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/unsealing.h"

#include "base/secmem.h"
#include "cli/exit.h"
#include "cli/pkcs11.h"
#include "cli/secret.h"
#include <stdio.h>

static int complain(enum jt_err err)
{
    jt_complain("jeton-keeper: %s", jt_err_str(err));
    return err == JT_ERR_KEEPER_AWAY ? JT_EXIT_UNAVAILABLE : JT_EXIT_FAILED;
}

static bool is_about_share(enum jt_err err)
{
    return err == JT_ERR_NOT_SHARE || err == JT_ERR_SHARE_OTHER || err == JT_ERR_SHARE_AGAIN;
}

static enum jt_err give(struct jt_keyclient *kc, const struct jt_unsealing_files *files,
                        enum jt_unseal_kind kind, const char *text, struct jt_unsealed *out)
{
    return files != NULL && files->give != NULL ? files->give(kc, files->arg, kind, text, out)
                                                : jt_keyclient_wait_unseal(kc, kind, text, out);
}

/* *at: how many files were read so far. */
static int next_share(const struct jt_unsealing_files *files, size_t *at,
                      const struct jt_unsealed *now, char out[static JT_SECRET_MAX + 1])
{
    char prompt[64];
    if (*at < files->n_shares) {
        return jt_secret_file(files->shares[(*at)++], out);
    }
    (void)snprintf(prompt, sizeof prompt, "%s %d of %d: ", files->next ? "New share" : "Share",
                   now->given + 1, now->needed);
    return jt_secret_ask(prompt, NULL, out);
}

static int by_shares(struct jt_keyclient *kc, const struct jt_unsealing_files *files,
                     struct jt_unsealed *now)
{
    char share[JT_SECRET_MAX + 1];
    int code = JT_EXIT_OK;
    size_t at = 0;
    while (now->sealed && code == JT_EXIT_OK) {
        bool from_file = at < files->n_shares;
        code = next_share(files, &at, now, share);
        struct jt_unsealed then;
        enum jt_err err =
            code == JT_EXIT_OK ? give(kc, files, JT_UNSEAL_SHARE, share, &then) : JT_OK;
        jt_wipe(share, sizeof share);
        if (code == JT_EXIT_OK && err == JT_OK) {
            *now = then;
        } else if (err != JT_OK) {
            /* whoever has mistyped it types it again */
            int told = complain(err);
            code = !from_file && is_about_share(err) ? JT_EXIT_OK : told;
        }
    }
    if (files->n_used != NULL) {
        *files->n_used = at;
    }
    return code;
}

static int by_phrase(struct jt_keyclient *kc, const struct jt_unsealing_files *files,
                     struct jt_unsealed *now)
{
    char phrase[JT_SECRET_MAX + 1];
    int code = files->phrase != NULL
                   ? jt_secret_file(files->phrase, phrase)
                   : jt_secret_ask(files->next ? "Passphrase of the new master key: "
                                               : "Passphrase of the master key: ",
                                   NULL, phrase);
    enum jt_err err = code == JT_EXIT_OK ? give(kc, files, JT_UNSEAL_PHRASE, phrase, now) : JT_OK;
    jt_wipe(phrase, sizeof phrase);
    return err == JT_OK ? code : complain(err);
}

static int by_pkcs11(struct jt_keyclient *kc, const char *config,
                     const struct jt_unsealing_files *files, struct jt_unsealed *now)
{
    struct jt_pkcs11box box;
    char secret[JT_PKCS11_SECRET_TEXT + 1] = "";
    enum jt_err err = jt_keyclient_wait_unseal_box(kc, &box);
    if (err != JT_OK) {
        return complain(err);
    }
    int code = jt_pkcs11_process_unwrap(config, &box, secret);
    err = code == JT_EXIT_OK ? give(kc, files, JT_UNSEAL_PKCS11, secret, now) : JT_OK;
    jt_wipe(secret, sizeof secret);
    return err == JT_OK ? code : complain(err);
}

int jt_unseal_by_people(struct jt_keyclient *kc, const char *config,
                        const struct jt_unsealing_files *files)
{
    static const struct jt_unsealing_files none = { .phrase = NULL };
    jt_secret_protect();
    struct jt_unsealed now;
    enum jt_err err = give(kc, files, JT_UNSEAL_NOTHING, "", &now);
    if (err == JT_ERR_KEEPER_AWAY && files == NULL) {
        return JT_EXIT_OK;
    }
    if (err != JT_OK) {
        return complain(err);
    }
    files = files != NULL ? files : &none;
    if (!now.sealed || now.method == JT_CUSTODY_NONE) {
        return JT_EXIT_OK;
    }
    return now.method == JT_CUSTODY_SHARES   ? by_shares(kc, files, &now)
           : now.method == JT_CUSTODY_PKCS11 ? by_pkcs11(kc, config, files, &now)
                                             : by_phrase(kc, files, &now);
}
