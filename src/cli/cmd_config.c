/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton config`: the configuration file, or its manual page. */
#include "cli/exit.h"
#include "cli/options.h"
#include "options/conf.h"

int jt_cmd_config(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    bool manual = false;
    const struct jt_option options[] = {
        JT_FLAG("manual", &manual, "print the manual page jeton.conf(5), in man(7), instead"),
    };
    struct jt_parse parse = { .options = options, .n_options = 1 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (manual) {
        jt_conf_print_manual(stdout);
    } else {
        jt_conf_print(stdout);
    }
    return JT_EXIT_OK;
}
