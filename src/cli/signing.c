/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/signing.h"

#include "base/secmem.h"
#include "cli/custodianfile.h"
#include "cli/exit.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int jt_signing_complete(const struct jt_command *self, const struct jt_signing *s)
{
    return s->name != NULL && s->path != NULL
               ? JT_GO_ON
               : jt_usage_error(self, "--%s is missing", s->name == NULL ? "custodian" : "key");
}

/* A control character in the text would show other words than are signed. */
static bool is_plain(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if ((*p < 0x20 && *p != '\n') || *p > 0x7e) {
            return false;
        }
    }
    return true;
}

/* The text, whole, and the question on the terminal. */
static int confirm(const struct jt_signing *s, const char *text)
{
    char answer[16] = "";
    fprintf(stderr, "%s", text);
    if (s->yes) {
        return JT_EXIT_OK;
    }
    fprintf(stderr, "\n%s\nType yes to sign: ", s->warning);
    if (!isatty(STDIN_FILENO) || fgets(answer, sizeof answer, stdin) == NULL ||
        strcmp(answer, "yes\n") != 0) {
        jt_complain("nothing was signed");
        return JT_EXIT_FAILED;
    }
    return JT_EXIT_OK;
}

int jt_signing_sign(const struct jt_signing *s, const char *text, json_t **body)
{
    char phrase[JT_PASSPHRASE_MAX + 1], approval_text[JT_APPROVAL_TEXT_MAX + 1];
    struct jt_approval approval;
    if (strncmp(text, s->head, strlen(s->head)) != 0 || !is_plain(text)) {
        jt_complain("the server did not send the text of %s", s->what);
        return JT_EXIT_FAILED;
    }
    int code = confirm(s, text);
    if (code == JT_EXIT_OK) {
        code = jt_passphrase_get(s->phrase_path, false, phrase);
    }
    if (code == JT_EXIT_OK) {
        code = jt_custodianfile_sign(s->path, s->name, phrase, text, strlen(text), &approval);
    }
    jt_wipe(phrase, sizeof phrase);
    if (code == JT_EXIT_OK) {
        jt_approval_format(&approval, approval_text);
        *body = json_pack("{ss}", "approval", approval_text);
        code = *body == NULL ? JT_EXIT_FAILED : JT_EXIT_OK;
    }
    return code;
}
