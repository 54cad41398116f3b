/* SPDX-License-Identifier: Apache-2.0 */
#include "options/conf.h"

#include "options/tables.h"

#include <string.h>
#include <unistd.h>

static const struct jt_conf_table *const tables[] = {
    &jt_conf_jeton, &jt_conf_keeper,     &jt_conf_front, &jt_conf_database,
    &jt_conf_cards, &jt_conf_retirement, &jt_conf_audit,
};

#define N_TABLES (sizeof tables / sizeof tables[0])

enum jt_err jt_conf_load(const char *path, struct jt_conf *conf, char *message, size_t message_len)
{
    *conf = (struct jt_conf){ 0 };
    enum jt_err err = jt_conf_read(path, tables, N_TABLES, conf, message, message_len);
    if (err == JT_OK) {
        err = jt_conf_set_from(tables, N_TABLES, conf, JT_CONF_PREFIX, (const char *const *)environ,
                               message, message_len);
    }
    if (err != JT_OK) {
        jt_conf_clear(conf);
    }
    return err;
}

enum jt_err jt_conf_override(struct jt_conf *conf, const char *assignment, char *message,
                             size_t message_len)
{
    enum jt_err err = jt_conf_set(tables, N_TABLES, conf, assignment, message, message_len);
    if (err != JT_OK) {
        jt_conf_clear(conf);
    }
    return err;
}

void jt_conf_print_values(const struct jt_conf *conf, FILE *out)
{
    jt_conf_write_values(tables, N_TABLES, conf, out);
}

void jt_conf_clear(struct jt_conf *conf)
{
    jt_conf_free_texts(tables, N_TABLES, conf);
    *conf = (struct jt_conf){ 0 };
}

bool jt_conf_is_development(const struct jt_conf *conf)
{
    return strcmp(conf->environment, "development") == 0;
}

void jt_conf_print(FILE *out)
{
    jt_conf_write_sample(tables, N_TABLES, out);
}

#define MANUAL_DATE "2026-11-26" /* of the last change of the words here */

static const char manual_head[] =
    ".\\\" SPDX-License-Identifier: Apache-2.0\n"
    ".\\\" Made by: jeton config --manual\n"
    ".TH JETON.CONF 5 " MANUAL_DATE " \"Jeton\" \"File Formats\"\n"
    ".SH NAME\n"
    "jeton.conf \\- configuration of Jeton\n"
    ".SH DESCRIPTION\n"
    "One file configures every Jeton process on a machine:\n"
    ".BR jetond (8),\n"
    ".BR jeton\\-keeper (8),\n"
    "and those commands of\n"
    ".BR jeton (1)\n"
    "that set the machine up. Each is told by\n"
    ".B \\-\\-config\n"
    "where another file is.\n"
    ".PP\n"
    "A line is the name of a section in brackets, or\n"
    ".IR \"name\" \" = \" \"value\" ,\n"
    "or a comment, which begins with # or ;. What follows a space and a semicolon is a comment, "
    "too.\n"
    "A value stands on one line; a line has at most 4096 bytes.\n"
    ".PP\n"
    "An option that is not set has its default. Over the file stands the environment: the "
    "variable\n"
    ".B JETON_CONF_FRONT_PORT\n"
    "is the option port of section [front], and so for each. Over both stands what a daemon is "
    "told "
    "with\n"
    ".BR \\-\\-set ,\n"
    "as in\n"
    ".BR front.port=8443 ;\n"
    "its option\n"
    ".B \\-\\-print\\-config\n"
    "shows what holds then. Unknown sections and names, an option that is set\n"
    "twice and a value out of bounds stop the program, with a message that names the line. Every\n"
    "process checks the options of all.\n"
    ".PP\n"
    ".B jeton config\n"
    "prints a commented file with all options at their defaults.\n"
    ".SH OPTIONS\n";

static const char manual_tail[] =
    ".SH FILES\n"
    ".TP\n"
    ".I " JT_CONF_PATH "\n"
    "Read by every process that is not told otherwise.\n"
    ".SH EXAMPLES\n"
    "A front that runs as the user\n"
    ".BR jeton ,\n"
    "with keys for development:\n"
    ".PP\n"
    ".nf\n"
    ".RS 4\n"
    "[jeton]\n"
    "environment = development\n"
    "[keeper]\n"
    "front_user = jeton\n"
    "[database]\n"
    "conninfo = dbname=jeton user=jeton\n"
    ".RE\n"
    ".fi\n"
    ".SH SECURITY\n"
    "The file holds no secret and may be readable by everybody: API keys and the master key have "
    "files\n"
    "of their own. Keep a database password out of\n"
    ".B conninfo\n"
    "too; libpq finds it in a password file (passfile). Whoever can change the file decides which\n"
    "keeper and which database are used, so only root should be able to.\n"
    ".SH SEE ALSO\n"
    ".BR jeton (1),\n"
    ".BR jetond (8),\n"
    ".BR jeton\\-keeper (8)\n";

void jt_conf_print_manual(FILE *out)
{
    fputs(manual_head, out);
    jt_conf_write_manual(tables, N_TABLES, out);
    fputs(manual_tail, out);
}
