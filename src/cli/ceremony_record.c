/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a ceremony: what happened, without a secret, for the file of the assessors. */
#include "base/hex.h"
#include "cli/ceremony.h"
#include "cli/exit.h"
#include "cli/local.h"
#include "cli/newfile.h"
#include "jeton/version.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECORD_MAX 8192

static void add(char *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(char *out, const char *format, ...)
{
    va_list args;
    size_t len = strlen(out);
    va_start(args, format);
    (void)vsnprintf(out + len, RECORD_MAX - len, format, args);
    va_end(args);
}

static void write_rotation(const struct jt_holding *c, char out[static RECORD_MAX])
{
    add(out, "escrow file      %s\n",
        c->backup == NULL ? "none was made" : "written, read back, and opened under the new key");
    if (c->backup != NULL) {
        add(out, "  file           %s\n", c->backup);
        add(out, "  SHA-256        %s\n", c->backup_digest);
    }
    add(out, "copy             master.key, now, to another place: without it, what opens it and\n"
             "                 an escrow file restore nothing\n");
    add(out,
        "void             what opened the old master key opens nothing of the directory; older\n"
        "                 escrow files and copies of the directory still open with it: keep\n"
        "                 both, apart, or destroy them\n");
    if (c->follow != NULL) {
        add(out, "sealed by        as on the node that the master key comes from\n");
    }
}

/* What happened, without a secret: for the file of the assessors. */
static void write_record(const struct jt_holding *c, char out[static RECORD_MAX])
{
    char when[32], host[65] = "", actor[JT_ACTOR_MAX + 1];
    char check[2 * JT_CHECK_VALUE_LEN + 1], digest[2 * JT_CUSTODY_DIGEST_LEN + 1];
    static const char *const acts[] = {
        [JT_CEREMONY_INIT] = "a master key is made",
        [JT_CEREMONY_RESHARE] = "the master key is sealed anew",
        [JT_CEREMONY_ROTATE] = "the master key is rotated: all key files lie under another one",
    };
    time_t now = time(NULL);
    struct tm utc;
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    (void)gethostname(host, sizeof host - 1);
    jt_local_actor(actor);
    jt_hex_encode(c->made.check_value, sizeof c->made.check_value, check);
    out[0] = '\0';
    add(out, "JETON KEY CEREMONY\n\n");
    add(out, "act              %s\n", acts[c->act]);
    add(out, "time             %s\n", when);
    add(out, "host             %s\n", host);
    add(out, "by               %s\n", actor);
    add(out, "program          jeton %s\n", JETON_VERSION);
    add(out, "environment      %s\n",
        jt_conf_is_development(&c->conf) ? "development" : "production");
    add(out, "key check value  %s\n", check);
    if (c->act == JT_CEREMONY_ROTATE) {
        jt_hex_encode(c->before, sizeof c->before, check);
        add(out, "  before         %s\n", check);
        write_rotation(c, out);
    }
    if (c->follow != NULL) {
        return;
    }
    if (c->token != NULL) {
        add(out, "sealed by        a key in a hardware token, which never leaves it\n");
        add(out, "token            %s, serial number %s\n", c->box.token, c->box.serial);
        add(out, "its key          %s\n", c->box.key);
        return;
    }
    if (c->n == 0) {
        add(out, "sealed by        a passphrase\n");
        return;
    }
    jt_hex_encode(c->made.set, sizeof c->made.set, digest);
    add(out, "sealed by        shares: any %ld of %ld open it\n", c->k, c->n);
    add(out, "set of shares    %s\n\n", digest);
    add(out, "share  digest            custodian                         %s\n",
        c->to != NULL ? "signature: received, kept apart, shown to nobody" : "acknowledged");
    for (size_t i = 0; i < c->made.n; i++) {
        jt_hex_encode(c->made.digests[i], sizeof c->made.digests[i], digest);
        add(out, "%-5zu  %s  %-32s  %s\n", i + 1, digest, c->custodians[i],
            c->to != NULL ? "________________________________" : "typed back and acknowledged");
    }
}

int jt_holding_record(const struct jt_holding *c)
{
    char record[RECORD_MAX];
    write_record(c, record);
    fputs(record, stdout);
    if (c->record == NULL) {
        return JT_EXIT_OK;
    }
    int code = jt_newfile_create(c->record, record, strlen(record));
    if (code != JT_EXIT_OK) {
        jt_complain(
            "what the record says HAS happened; only the file %s was not written. Keep what "
            "is printed here",
            c->record);
    }
    return code;
}
