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
               : "must consist of letters, digits, dots, dashes and underscores";
}

static const char *check_yes_or_no(const char *value)
{
    return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0 ? NULL : "must be yes or no";
}

static const char *check_asking(const char *value)
{
    return strcmp(value, "none") == 0 || strcmp(value, "optional") == 0 ||
                   strcmp(value, "required") == 0
               ? NULL
               : "must be none, optional or required";
}

static const struct jt_conf_option options[] = {
    { "node", JT_CONF_TEXT, JT_CONF_AT(front_node), "node1", 1, JT_CONF_NODE_MAX,
      "The name of this node in the database, the audit trail and certificates. It consists of "
      "letters, "
      "digits, dots, dashes and underscores.",
      check_node },
    { "lease", JT_CONF_NUMBER, JT_CONF_AT(front_lease), "10", 3, JT_CONF_LEASE_MAX,
      "For how many seconds this node may serve cards without a word from the database. A node "
      "that "
      "is silent for longer registers anew before it serves again, and can be removed.",
      NULL },
    { "listen", JT_CONF_TEXT, JT_CONF_AT(front_listen), "127.0.0.1", 0, JT_CONF_MAX_TEXT,
      "Where REST is served without TLS: numeric loopback addresses, each with or without a port, "
      "or unix: and the path of a socket, separated by commas. Empty: nowhere. Sockets that "
      "systemd hands over stand in place of this and of tls_listen.",
      NULL },
    { "port", JT_CONF_NUMBER, JT_CONF_AT(front_port), "8080", 0, 65535,
      "The TCP port for addresses of listen that name none. 0: the kernel picks one, and port_file "
      "tells which.",
      NULL },
    { "port_file", JT_CONF_TEXT, JT_CONF_AT(front_port_file), "", 0, JT_CONF_MAX_TEXT,
      "A file that receives the number of the first port of listen once it is served. Empty: no "
      "file.",
      NULL },
    { "plain_on_networks", JT_CONF_TEXT, JT_CONF_AT(front_plain_on_networks), "no", 2, 3,
      "Whether listen may name addresses that other machines can reach: yes or no. Card numbers "
      "and API keys then cross the network in the clear, unless something else encrypts it.",
      check_yes_or_no },
    { "tls_listen", JT_CONF_TEXT, JT_CONF_AT(front_tls_listen), "", 0, JT_CONF_MAX_TEXT,
      "Where REST is served with TLS, as in listen but with any address. Empty: nowhere.", NULL },
    { "tls_port", JT_CONF_NUMBER, JT_CONF_AT(front_tls_port), "8443", 0, 65535,
      "The TCP port for addresses of tls_listen that name none. 0: the kernel picks one.", NULL },
    { "tls_port_file", JT_CONF_TEXT, JT_CONF_AT(front_tls_port_file), "", 0, JT_CONF_MAX_TEXT,
      "The same as port_file, for tls_listen.", NULL },
    { "tls_certificate", JT_CONF_TEXT, JT_CONF_AT(front_tls_certificate), "", 0, JT_CONF_MAX_TEXT,
      "A PEM file with the certificate that is shown to clients, and behind it its chain. It is "
      "taken up again when it changes, and on SIGHUP.",
      NULL },
    { "tls_key", JT_CONF_TEXT, JT_CONF_AT(front_tls_key), "", 0, JT_CONF_MAX_TEXT,
      "A PEM file with its private key, without passphrase, which others cannot read.", NULL },
    { "client_certificates", JT_CONF_TEXT, JT_CONF_AT(front_client_certificates), "none", 4, 8,
      "Whether clients that connect with TLS are asked for a certificate of their own: none, "
      "optional or required. Clients that are bound to a certificate need optional at least; with "
      "required nobody connects without one.",
      check_asking },
    { "client_ca_file", JT_CONF_TEXT, JT_CONF_AT(front_client_ca_file), "", 0, JT_CONF_MAX_TEXT,
      "A PEM file with the authorities one of which must have issued each client's certificate. "
      "Empty: any certificate is taken, also one that its owner signed, and the digest decides to "
      "which clients it belongs.",
      NULL },
    { "metrics_listen", JT_CONF_TEXT, JT_CONF_AT(front_metrics_listen), "127.0.0.1", 1, 45,
      "The numeric loopback address on which metrics are served, as GET /metrics and without a "
      "key.",
      NULL },
    { "metrics_port", JT_CONF_NUMBER, JT_CONF_AT(front_metrics_port), "-1", -1, 65535,
      "The TCP port on which metrics are served. -1: none are. 0: the kernel picks one, and "
      "metrics_port_file tells which.",
      NULL },
    { "metrics_port_file", JT_CONF_TEXT, JT_CONF_AT(front_metrics_port_file), "", 0,
      JT_CONF_MAX_TEXT, "A file that receives the number of that port. Empty: no file.", NULL },
    { "hosts", JT_CONF_TEXT, JT_CONF_AT(front_hosts), "", 0, JT_CONF_MAX_TEXT,
      "The host names that requests may name, separated by commas, without port. Empty: every "
      "well-formed name.",
      NULL },
    { "trusted_proxy", JT_CONF_TEXT, JT_CONF_AT(front_trusted_proxy), "", 0, JT_CONF_MAX_TEXT,
      "The proxies that are believed when X-Forwarded-For says whom they speak for: at most 16 "
      "addresses or networks, or unix for whoever comes over a Unix socket, separated by commas. "
      "Empty: nobody is believed.",
      NULL },
    { "max_connections", JT_CONF_NUMBER, JT_CONF_AT(front_max_connections), "0", 0, 1000000,
      "How many connections all clients together may hold. 0: as many as file descriptors allow, "
      "and 20000 at most.",
      NULL },
    { "per_address", JT_CONF_NUMBER, JT_CONF_AT(front_per_address), "1024", 16, 1000000,
      "How many connections one address may hold. At the limit, idle ones are closed to make room "
      "for new ones.",
      NULL },
    { "idle_timeout", JT_CONF_NUMBER, JT_CONF_AT(front_idle_timeout), "60", 1, 86400,
      "For how many seconds a connection may be without a request. A proxy before it should give "
      "up "
      "its idle connections sooner.",
      NULL },
    { "head_timeout", JT_CONF_NUMBER, JT_CONF_AT(front_head_timeout), "15", 1, 3600,
      "Within how many seconds from its first byte the head of a request must be complete.", NULL },
    { "request_timeout", JT_CONF_NUMBER, JT_CONF_AT(front_request_timeout), "65", 1, 3600,
      "Within how many seconds the body of a request must be complete, and then again its answer "
      "be fetched.",
      NULL },
    { "stop_delay", JT_CONF_NUMBER, JT_CONF_AT(front_stop_delay), "0", 0, 3600,
      "For how many seconds a front that was told to stop still serves, while /readyz says that it "
      "is not ready. It should be longer than a load balancer takes to notice.",
      NULL },
    { "access_log", JT_CONF_TEXT, JT_CONF_AT(front_access_log), "no", 2, 3,
      "Whether the log has a line for each request: yes or no. It tells method, route, status, "
      "bytes and time, client and address; never a path as it was sent, nor anything of a body.",
      check_yes_or_no },
    { "loops", JT_CONF_NUMBER, JT_CONF_AT(front_loops), "0", 0, 64,
      "How many event loops there are. 0: one for each processor.", NULL },
    { "max_body", JT_CONF_NUMBER, JT_CONF_AT(front_max_body), "2097152", 4096, 67108864,
      "The largest request body, in bytes.", NULL },
    { "max_items", JT_CONF_NUMBER, JT_CONF_AT(front_max_items), "10000", 1, 100000,
      "How many items one batch request may hold.", NULL },
    { "guess_lookup", JT_CONF_NUMBER, JT_CONF_AT(front_guess_lookup), "100", 0, 1000000,
      "How many different card numbers with the same first six and last four digits a client may "
      "look up in vain in a day (UTC). 0: any number.",
      NULL },
    { "guess_tokenize", JT_CONF_NUMBER, JT_CONF_AT(front_guess_tokenize), "1000", 0, 1000000,
      "About how many different new ones of these it may tokenize in a day: up to a quarter less, "
      "so that nobody learns from the limit whether a card was new. 0: any number.",
      NULL },
};

const struct jt_conf_table jt_conf_front = { "front", "How jetond serves REST.", options,
                                             sizeof options / sizeof options[0] };
