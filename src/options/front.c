/* SPDX-License-Identifier: Apache-2.0 */
/* Section [front]: how jetond serves REST. */
#include "options/tables.h"

#include <string.h>

/*
 * The name stands in the database, in the audit trail and in signed certificates: it is the same
 * everywhere, and readable everywhere.
 */
static const char *check_node(const char *value)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return strspn(value, letters) == strlen(value)
               ? NULL
               : "must be of letters, digits, dots, dashes and underscores";
}

static const struct jt_conf_option options[] = {
    { "node", JT_CONF_TEXT, JT_CONF_AT(front_node), "node1", 1, JT_CONF_NODE_MAX,
      "name of this node in the database, the audit trail and certificates: letters, digits, dots, "
      "dashes, underscores",
      check_node },
    { "listen", JT_CONF_TEXT, JT_CONF_AT(front_listen), "127.0.0.1", 1, 45,
      "numeric loopback address on which REST is served", NULL },
    { "port", JT_CONF_NUMBER, JT_CONF_AT(front_port), "8080", 0, 65535,
      "TCP port; 0 lets the kernel pick one (see port_file)", NULL },
    { "port_file", JT_CONF_TEXT, JT_CONF_AT(front_port_file), "", 0, JT_CONF_MAX_TEXT,
      "file that receives the port once it is served; empty: none", NULL },
    { "hosts", JT_CONF_TEXT, JT_CONF_AT(front_hosts), "", 0, JT_CONF_MAX_TEXT,
      "host names that requests may name, comma-separated, without port; empty: any that is well "
      "formed",
      NULL },
    { "max_connections", JT_CONF_NUMBER, JT_CONF_AT(front_max_connections), "0", 0, 1000000,
      "connections of all clients together; 0: as many as file descriptors allow, 20000 at most",
      NULL },
    { "per_address", JT_CONF_NUMBER, JT_CONF_AT(front_per_address), "1024", 16, 1000000,
      "connections of one address; idle ones make room for new ones", NULL },
    { "loops", JT_CONF_NUMBER, JT_CONF_AT(front_loops), "0", 0, 64,
      "event loops; 0: one for each processor", NULL },
    { "max_body", JT_CONF_NUMBER, JT_CONF_AT(front_max_body), "2097152", 4096, 67108864,
      "largest request body, in bytes", NULL },
    { "max_items", JT_CONF_NUMBER, JT_CONF_AT(front_max_items), "10000", 1, 100000,
      "most items in one batch request", NULL },
};

const struct jt_conf_table jt_conf_front = { "front", options, sizeof options / sizeof options[0] };
