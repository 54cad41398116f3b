/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton config` */
#include "cli/exit.h"
#include "cli/options.h"
#include "options/conf.h"

int jt_cmd_config(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct jt_parse parse = { 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    jt_conf_print(stdout);
    return JT_EXIT_OK;
}
