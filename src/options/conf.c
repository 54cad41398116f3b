/* SPDX-License-Identifier: Apache-2.0 */
#include "options/conf.h"

#include "options/tables.h"

#include <string.h>

static const struct jt_conf_table *const tables[] = {
    &jt_conf_jeton, &jt_conf_keeper, &jt_conf_front, &jt_conf_database, &jt_conf_retirement,
};

#define N_TABLES (sizeof tables / sizeof tables[0])

enum jt_err jt_conf_load(const char *path, struct jt_conf *conf, char *message, size_t message_len)
{
    *conf = (struct jt_conf){ 0 };
    enum jt_err err = jt_conf_read(path, tables, N_TABLES, conf, message, message_len);
    if (err != JT_OK) {
        jt_conf_clear(conf);
    }
    return err;
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
