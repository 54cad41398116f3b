/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `jeton ceremony init`, `reshare`, `unseal`, and `jeton seal`: the master key and the people who
 * keep it.
 *
 * A ceremony runs a keeper of its own, in which the key is made and stays; what comes here are the
 * shares, one at a time, for the eyes of one custodian each. Nothing is on disk before the last
 * custodian has typed the share back. Who is interrupted begins anew.
 */
#include "base/secmem.h"
#include "cli/ceremony.h"
#include "cli/database.h"
#include "cli/exit.h"
#include "cli/keeper_process.h"
#include "cli/newfile.h"
#include "cli/options.h"
#include "cli/pkcs11.h"
#include "cli/secret.h"
#include "cli/unsealing.h"
#include "keyclient/custody.h"
#include "model/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEEPER_TIMEOUT_MS 20000
#define CLEAR_SCREEN      "\033[H\033[2J\033[3J"

int jt_holding_complain(enum jt_err err)
{
    jt_complain("jeton-keeper: %s", jt_err_str(err));
    return JT_EXIT_FAILED;
}

/* --- shares, for one custodian each --- */

static int say(const char *text)
{
    char line[JT_SECRET_MAX + 1];
    int code = jt_secret_tell(text, line);
    jt_wipe(line, sizeof line);
    return code;
}

/* Shows it, and clears the screen; then it is typed back, until it is right. */
static int by_terminal(struct jt_holding *c, const struct jt_ceremony_share *share)
{
    char text[600];
    const char *name = c->custodians[share->place - 1];
    (void)snprintf(text, sizeof text,
                   JT_CLEAR_SCREEN
                   "Share %d of %ld, for %s. Nobody else looks at the screen. Press "
                   "Enter to see it. ",
                   share->place, c->n, name);
    int code = say(text);
    (void)snprintf(text, sizeof text,
                   "\n  %s\n\nWrite it down. Press Enter when that is done; the screen is "
                   "cleared then. ",
                   share->text);
    code = code == JT_EXIT_OK ? say(text) : code;
    jt_wipe(text, sizeof text);
    struct jt_ceremony_share typed = { .place = share->place };
    enum jt_err err = JT_ERR_NOT_SHARE;
    while (code == JT_EXIT_OK && err != JT_OK) {
        code = jt_secret_ask(err == JT_ERR_NOT_SHARE ? CLEAR_SCREEN "Type the share back: "
                                                     : "Type the share back: ",
                             NULL, typed.text);
        err = code == JT_EXIT_OK ? jt_keyclient_wait_ceremony_prove(c->kc, &typed) : JT_OK;
        if (err == JT_ERR_NOT_SHARE || err == JT_ERR_SHARE_OTHER) {
            (void)jt_holding_complain(err);
        } else if (err != JT_OK) {
            code = jt_holding_complain(err);
        }
    }
    jt_wipe(&typed, sizeof typed);
    while (code == JT_EXIT_OK) {
        (void)snprintf(text, sizeof text,
                       "I hold this share, show it to nobody and keep it apart from the others. "
                       "Type your name (%s) to acknowledge: ",
                       name);
        code = jt_secret_tell(text, typed.text);
        if (code == JT_EXIT_OK && strcmp(typed.text, name) == 0) {
            break;
        }
    }
    jt_secret_clear_screen();
    return code;
}

/* A file for each custodian, read back from the disk. */
static int by_file(struct jt_holding *c, const struct jt_ceremony_share *share)
{
    char path[4096], line[JT_SECRET_MAX + 2];
    struct jt_ceremony_share back = { .place = share->place };
    (void)snprintf(path, sizeof path, "%s/%s.share", c->to, c->custodians[share->place - 1]);
    int len = snprintf(line, sizeof line, "%s\n", share->text);
    int code = jt_newfile_create(path, line, (size_t)len);
    jt_wipe(line, sizeof line);
    if (code == JT_EXIT_OK) {
        code = jt_secret_file(path, back.text);
    }
    enum jt_err err = code == JT_EXIT_OK ? jt_keyclient_wait_ceremony_prove(c->kc, &back) : JT_OK;
    jt_wipe(&back, sizeof back);
    return err == JT_OK ? code : jt_holding_complain(err);
}

int jt_holding_hand_out(struct jt_holding *c)
{
    int code = JT_EXIT_OK;
    for (uint8_t place = 1; place <= c->n && code == JT_EXIT_OK; place++) {
        struct jt_ceremony_share share;
        enum jt_err err = jt_keyclient_wait_ceremony_share(c->kc, place, &share);
        code = err != JT_OK    ? jt_holding_complain(err)
               : c->to != NULL ? by_file(c, &share)
                               : by_terminal(c, &share);
        jt_wipe(&share, sizeof share);
    }
    return code;
}

/* --- the whole --- */

/* A token gives its secret here; what it has encrypted goes into the file. */
static int fill_order(struct jt_holding *c, struct jt_ceremony_order *o)
{
    if (c->token != NULL) {
        int code = jt_pkcs11_process_wrap(c->config, c->token, c->token_key, &o->box, o->phrase);
        c->box = o->box;
        return code;
    }
    return c->n > 0 ? JT_EXIT_OK
           : c->phrase_file != NULL
               ? jt_secret_file(c->phrase_file, o->phrase)
               : jt_secret_ask("New passphrase of the master key: ", "Again: ", o->phrase);
}

int jt_holding_order(struct jt_holding *c)
{
    struct jt_ceremony_order o = { .method = c->token != NULL ? JT_CUSTODY_PKCS11
                                             : c->n > 0       ? JT_CUSTODY_SHARES
                                                              : JT_CUSTODY_PHRASE,
                                   .k = (uint8_t)c->k,
                                   .n = (uint8_t)c->n };
    int code = fill_order(c, &o);
    enum jt_err err =
        code == JT_EXIT_OK ? jt_keyclient_wait_ceremony_make(c->kc, &o, &c->made) : JT_OK;
    jt_wipe(&o, sizeof o);
    if (err == JT_ERR_INVALID) {
        jt_complain("a passphrase of a master key has 12 characters or more");
        return JT_EXIT_USAGE;
    }
    return err == JT_OK ? code : jt_holding_complain(err);
}

/* The record is of what has happened, so it comes last. */
static int end(struct jt_holding *c)
{
    enum jt_err err = jt_keyclient_wait_ceremony_end(c->kc);
    if (err != JT_OK) {
        (void)jt_holding_complain(err);
        jt_complain("whether %s/master.key is the new one is not known: keep what opened the old "
                    "one and what opens the new one, and see which of them it takes",
                    c->conf.keeper_directory);
        return JT_EXIT_FAILED;
    }
    return jt_holding_record(c);
}

static int hold(struct jt_holding *c)
{
    struct jt_unsealed now;
    enum jt_err err = jt_keyclient_wait_unseal(c->kc, JT_UNSEAL_NOTHING, "", &now);
    if (err != JT_OK) {
        return jt_holding_complain(err);
    }
    bool anew = c->act == JT_CEREMONY_RESHARE;
    if (anew != (now.method != JT_CUSTODY_CLEAR && now.method != JT_CUSTODY_NONE)) {
        jt_complain(anew ? "%s has no sealed master key: hold jeton ceremony init"
                         : "%s has a master key already; nothing was changed",
                    c->conf.keeper_directory);
        return JT_EXIT_FAILED;
    }
    int code = anew ? jt_unseal_by_people(c->kc, c->config, &c->present) : JT_EXIT_OK;
    if (code == JT_EXIT_OK) {
        code = jt_holding_order(c);
    }
    if (code == JT_EXIT_OK) {
        code = jt_holding_hand_out(c);
    }
    if (code != JT_EXIT_OK) {
        jt_complain("nothing was changed in %s", c->conf.keeper_directory);
        return code;
    }
    return end(c);
}

static int with_keeper(struct jt_holding *c)
{
    struct jt_keeper_process keeper;
    int code = jt_keeper_process_start(c->config, JT_KEEPER_FOR_CEREMONY, &keeper);
    if (code != JT_EXIT_OK) {
        return code;
    }
    enum jt_err err = jt_keyclient_open(NULL, keeper.fd, KEEPER_TIMEOUT_MS, &c->kc);
    if (err == JT_OK) {
        keeper.fd = -1; /* the client closes it */
        code = hold(c);
    } else {
        code = jt_holding_complain(err);
    }
    jt_keyclient_free(c->kc);
    jt_keeper_process_stop(&keeper);
    return code;
}

/* Names with commas between. */
static bool split_names(struct jt_holding *c)
{
    long n = 0;
    for (const char *p = c->names; p != NULL && *p != '\0'; n++) {
        size_t len = strcspn(p, ",");
        if (n == JT_CUSTODY_SHARES_MAX || len > JT_CLIENT_ID_MAX) {
            return false;
        }
        memcpy(c->custodians[n], p, len);
        if (!jt_client_id_valid(c->custodians[n])) {
            return false;
        }
        for (long i = 0; i < n; i++) {
            if (strcmp(c->custodians[i], c->custodians[n]) == 0) {
                return false;
            }
        }
        p += len + (p[len] == ',');
    }
    return n == c->n;
}

/* JT_EXIT_OK, or JT_EXIT_USAGE after a message. */
static int check_next(const struct jt_command *self, struct jt_holding *c, bool by_phrase)
{
    if (c->follow != NULL) {
        return c->n == 0 && c->to == NULL && c->token == NULL
                   ? JT_EXIT_OK
                   : jt_usage_error(self,
                                    "with --follow the key is sealed as on the other node: no "
                                    "shares are made, and no token is named");
    }
    if (by_phrase + (c->n > 0) + (c->token != NULL) != 1 ||
        (c->token == NULL) != (c->token_key == NULL)) {
        return jt_usage_error(self, "either --shares, --threshold and --custodians are needed, or "
                                    "--passphrase, or --pkcs11-token and --pkcs11-key");
    }
    if (c->n > 0 && (c->k < 2 || c->k > c->n || !split_names(c))) {
        return jt_usage_error(self,
                              "--threshold is 2 to the number of shares, and --custodians are "
                              "as many different names as there are shares, each of a-z 0-9 "
                              "and -, beginning with a letter");
    }
    if (c->n > 0 && c->to == NULL && !jt_secret_can_ask()) {
        return jt_usage_error(self, "there is no terminal to show shares at: use --to");
    }
    return JT_EXIT_OK;
}

/* What is written at the end must not fail there for want of a directory. */
static bool can_write_in(const char *path, bool is_directory)
{
    char directory[4096];
    const char *slash = strrchr(path, '/');
    size_t len = is_directory ? strlen(path) : slash == NULL ? 0 : (size_t)(slash - path);
    if (len >= sizeof directory) {
        return false;
    }
    memcpy(directory, path, len);
    directory[len] = '\0';
    const char *where = len > 0 ? directory : slash == path ? "/" : ".";
    if (access(where, W_OK | X_OK) != 0) {
        jt_complain("%s: %s", where, strerror(errno));
        return false;
    }
    return true;
}

static int check_files(const struct jt_command *self, const struct jt_holding *c)
{
    if (c->record != NULL && access(c->record, F_OK) == 0) {
        return jt_usage_error(self, "--record must name a new file");
    }
    if ((c->record != NULL && !can_write_in(c->record, false)) ||
        (c->backup != NULL && !can_write_in(c->backup, false)) ||
        (c->to != NULL && !can_write_in(c->to, true))) {
        return JT_EXIT_USAGE;
    }
    if (c->act != JT_CEREMONY_ROTATE) {
        return JT_EXIT_OK;
    }
    if (c->backup != NULL && access(c->backup, F_OK) == 0) {
        return jt_usage_error(self, "--backup must name a new file");
    }
    if (c->follow == NULL && (c->backup != NULL) == c->no_backup) {
        return jt_usage_error(self, "either --backup is needed, or --no-backup: older escrow files "
                                    "open with the old master key only");
    }
    return JT_EXIT_OK;
}

/* In a keeper of its own, or in the one that serves. */
static int run(struct jt_holding *c)
{
    if (c->act != JT_CEREMONY_ROTATE) {
        return with_keeper(c);
    }
    enum jt_err err = jt_keyclient_open(c->conf.keeper_socket, -1, KEEPER_TIMEOUT_MS, &c->kc);
    int code = err == JT_OK ? jt_rotate(c) : jt_holding_complain(err);
    jt_keyclient_free(err == JT_OK ? c->kc : NULL);
    return code;
}

/* Options that only the later ceremonies have come last. */
static const size_t not_for[] = {
    [JT_CEREMONY_INIT] = 4, [JT_CEREMONY_RESHARE] = 3, [JT_CEREMONY_ROTATE] = 0
};

static int ceremony(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv,
                    enum jt_ceremony_act act)
{
    struct jt_holding c = { .act = act };
    bool by_phrase = false;
    const char *shares[2 * JT_CUSTODY_SHARES_MAX];
    const struct jt_option options[] = {
        JT_NUMBER("shares", "N", &c.n, 2, JT_CUSTODY_SHARES_MAX, "how many shares are made"),
        JT_NUMBER("threshold", "K", &c.k, 2, JT_CUSTODY_SHARES_MAX,
                  "how many of them open the master key"),
        JT_TEXT("custodians", "NAMES", &c.names,
                "who gets them, a name for each share, with commas between"),
        JT_TEXT("to", "DIRECTORY", &c.to,
                "write each share to a file of its own, NAME.share, instead of showing it"),
        JT_FLAG("passphrase", &by_phrase, "no shares: a passphrase opens it"),
        JT_TEXT("passphrase-file", "FILE", &c.phrase_file,
                "the new passphrase is the first line of this file, mode 0600"),
        JT_TEXT("pkcs11-token", "LABEL", &c.token,
                "no shares: a key in the hardware token of this label opens it"),
        JT_TEXT("pkcs11-key", "LABEL", &c.token_key, "the label of that key in the token"),
        JT_TEXT("record", "FILE", &c.record, "write the record of the ceremony to this new file"),
        JT_TEXT("present-passphrase-file", "FILE", &c.present.phrase,
                "the passphrase that opens the key now is the first line of this file"),
        JT_TEXT("backup", "FILE", &c.backup,
                "write an escrow file under the new master key, and read it back, before it is "
                "the keeper's"),
        JT_FLAG("no-backup", &c.no_backup, "make no escrow file"),
        JT_TEXT("follow", "FILE", &c.follow,
                "no new one is made: go over to the master key of another node, whose master.key "
                "this is"),
    };
    struct jt_parse parse = {
        options, sizeof options / sizeof options[0] - not_for[act],       shares,
        0,       act == JT_CEREMONY_INIT ? 0 : 2 * JT_CUSTODY_SHARES_MAX, 0
    };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    c.present.shares = shares;
    c.present.n_shares = parse.n_arguments;
    c.config = cli->config;
    code = check_next(self, &c, by_phrase || c.phrase_file != NULL);
    code = code == JT_EXIT_OK ? check_files(self, &c) : code;
    if (code != JT_EXIT_OK) {
        return code;
    }
    jt_secret_protect();
    code = jt_load_conf(cli, &c.conf);
    if (code == JT_EXIT_OK) {
        code = run(&c);
        jt_conf_clear(&c.conf);
    }
    return code;
}

int jt_cmd_ceremony_init(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    return ceremony(self, cli, argc, argv, JT_CEREMONY_INIT);
}

int jt_cmd_ceremony_reshare(const struct jt_command *self, struct jt_cli *cli, int argc,
                            char **argv)
{
    return ceremony(self, cli, argc, argv, JT_CEREMONY_RESHARE);
}

int jt_cmd_ceremony_rotate(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    return ceremony(self, cli, argc, argv, JT_CEREMONY_ROTATE);
}

/* --- the keeper that serves --- */

static int speak(struct jt_cli *cli, int (*act)(struct jt_keyclient *kc, void *arg), void *arg)
{
    struct jt_conf conf;
    struct jt_keyclient *kc;
    int code = jt_load_conf(cli, &conf);
    if (code != JT_EXIT_OK) {
        return code;
    }
    enum jt_err err = jt_keyclient_open(conf.keeper_socket, -1, KEEPER_TIMEOUT_MS, &kc);
    code = err == JT_OK ? act(kc, arg) : jt_holding_complain(err);
    jt_keyclient_free(err == JT_OK ? kc : NULL);
    jt_conf_clear(&conf);
    return code;
}

struct unsealing {
    const char *config;
    struct jt_unsealing_files files;
};

static int unseal(struct jt_keyclient *kc, void *arg)
{
    const struct unsealing *u = arg;
    int code = jt_unseal_by_people(kc, u->config, &u->files);
    if (code == JT_EXIT_OK) {
        printf("The keeper is not sealed: it serves.\n");
    }
    return code;
}

int jt_cmd_ceremony_unseal(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *shares[JT_CUSTODY_SHARES_MAX];
    struct unsealing u = { cli->config, { .shares = shares } };
    const struct jt_option options[] = {
        JT_TEXT("passphrase-file", "FILE", &u.files.phrase,
                "the passphrase is the first line of this file, mode 0600; else it is asked for on "
                "the terminal"),
    };
    struct jt_parse parse = {
        options, sizeof options / sizeof options[0], shares, 0, JT_CUSTODY_SHARES_MAX, 0
    };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    u.files.n_shares = parse.n_arguments;
    u.config = cli->config; /* it may stand behind the command */
    return code != JT_GO_ON ? code : speak(cli, unseal, &u);
}

static int seal(struct jt_keyclient *kc, void *arg)
{
    (void)arg;
    enum jt_err err = jt_keyclient_wait_seal(kc);
    if (err == JT_ERR_OTHER_METHOD) {
        jt_complain("the master key lies in the clear, for development: stop the keeper instead");
        return JT_EXIT_FAILED;
    }
    if (err != JT_OK && err != JT_ERR_SEALED) {
        return jt_holding_complain(err);
    }
    printf("Sealed: the keeper has wiped all its keys. jeton ceremony unseal opens it again.\n");
    return JT_EXIT_OK;
}

int jt_cmd_seal(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct jt_parse parse = { 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    return code != JT_GO_ON ? code : speak(cli, seal, NULL);
}
