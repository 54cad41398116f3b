/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: one file that every Jeton process on a machine reads.
 *
 * Each section has a table of its own (jeton.c, keeper.c, front.c, database.c, cards.c,
 * retirement.c). All of them stand in this low layer, and not beside what they configure, because
 * each process must know the options of the others: it refuses a misspelt one wherever it stands,
 * and the keeper may link nothing of the front. The file holds no secret: keys and credentials have
 * files of their own.
 */
#ifndef JETON_OPTIONS_CONF_H
#define JETON_OPTIONS_CONF_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define JT_CONF_PATH      "/etc/jeton/jeton.conf"
#define JT_CONF_PREFIX    "JETON_CONF_"
#define JT_CONF_NODE_MAX  63 /* bytes of a node's name, a bound of the keeper protocol */
#define JT_CONF_LEASE_MAX 60 /* seconds */

struct jt_conf {
    char *environment; /* "development" or "production" */

    char *keeper_directory;
    char *keeper_socket;
    char *keeper_front_user; /* name or number of who may connect; empty: the keeper's own user */

    char *keeper_passphrase_file;       /* of the master key; empty: none */
    char *keeper_passphrase_credential; /* the same from systemd: its name; empty: none */
    char *keeper_pkcs11_module;         /* of a hardware token; empty: none */
    char *keeper_pkcs11_pin_file;       /* empty: none */
    char *keeper_pkcs11_pin_credential; /* empty: none */
    long keeper_pkcs11_timeout;         /* seconds */
    long keeper_open_per_second;        /* cards; 0: no ceiling */
    long keeper_destroy_grace;          /* seconds */
    long keeper_open_per_day;

    char *front_node;
    long front_lease;              /* seconds */
    char *front_listen;            /* places of plain HTTP, comma-separated: front/listen.h */
    char *front_plain_on_networks; /* "yes" or "no" */
    char *front_tls_listen;        /* places of HTTPS; empty: none */
    long front_tls_port;
    char *front_tls_port_file;
    char *front_tls_certificate, *front_tls_key; /* PEM files */
    char *front_client_certificates;             /* "none", "optional" or "required" */
    char *front_client_ca_file;                  /* PEM file; empty: any certificate is taken */
    char *front_port_file;
    long front_port; /* 0: the kernel picks one; see port_file */
    char *front_metrics_listen, *front_metrics_port_file;
    long front_metrics_port;    /* -1: no metrics are served */
    char *front_access_log;     /* "yes" or "no" */
    char *front_hosts;          /* permitted host names, comma-separated; empty: all */
    char *front_trusted_proxy;  /* model/proxies.h */
    long front_max_connections; /* of all clients; 0: as many as descriptors allow */
    long front_per_address;     /* connections of one address */
    long front_idle_timeout, front_head_timeout, front_request_timeout; /* seconds */
    long front_stop_delay; /* seconds from the signal to the end of serving */
    long front_loops;      /* 0: one for each processor */
    long front_max_body;   /* bytes */
    long front_max_items;
    long
        front_guess_lookup; /* different cards of a class in a day: vault/brakes.h; 0: any number */
    long front_guess_tokenize;

    char *database_conninfo;

    long retirement_rate; /* rows per second; 0: as fast as it goes */
    long retirement_workers;
    long retirement_max_lag_ms; /* 0: lag does not matter */
    long retirement_batch;      /* rows in one transaction */

    long cards_purge_grace; /* seconds */

    char *audit_heads_file;      /* empty: none */
    char *audit_heads_syslog;    /* the same */
    long audit_retention_months; /* 0: for ever */
};

/*
 * Reads `path` over the defaults, and the environment over that: JETON_CONF_FRONT_PORT is option
 * port of section [front]. On failure `message` (of `message_len` bytes) holds one line for
 * the operator that names file, line and option; *conf is cleared. JT_ERR_NO_FILE (it cannot be
 * opened), JT_ERR_INVALID, JT_ERR_NOMEM. On success the caller ends with jt_conf_clear.
 */
enum jt_err jt_conf_load(const char *path, struct jt_conf *conf, char *message,
                         size_t message_len) JT_CHECKED;

/*
 * And over that an option of the command line, "front.port=8080". On failure `message` says what is
 * wrong with it, and *conf is cleared. JT_ERR_INVALID, JT_ERR_NOMEM.
 */
enum jt_err jt_conf_override(struct jt_conf *conf, const char *assignment, char *message,
                             size_t message_len) JT_CHECKED;

void jt_conf_clear(struct jt_conf *conf);

/* Writes what holds, without what may be a secret. */
void jt_conf_print_values(const struct jt_conf *conf, FILE *out);

bool jt_conf_is_development(const struct jt_conf *conf);

/* Writes all options as a commented file: `jeton config` prints it, docs/configuration.md has it.
 */
void jt_conf_print(FILE *out);

/* Writes the manual page jeton.conf(5), which is man/jeton.conf.5. */
void jt_conf_print_manual(FILE *out);

#endif
