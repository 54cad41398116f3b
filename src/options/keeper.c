/* SPDX-License-Identifier: Apache-2.0 */
/* Section [keeper]: where the keeper is found, by itself and by the front. */
#include "options/tables.h"

#define MAX_SOCKET_PATH 107 /* sun_path of unix(7), less its NUL */

static const struct jt_conf_option options[] = {
    { "directory", JT_CONF_TEXT, JT_CONF_AT(keeper_directory), "/var/lib/jeton-keeper", 1,
      JT_CONF_MAX_TEXT,
      "The keeper's directory of key files. It belongs to the keeper's user and has mode 0700.",
      NULL },
    { "socket", JT_CONF_TEXT, JT_CONF_AT(keeper_socket), "/run/jeton/keeper.sock", 1,
      MAX_SOCKET_PATH, "The Unix socket on which the keeper serves the front.", NULL },
    { "front_user", JT_CONF_TEXT, JT_CONF_AT(keeper_front_user), "", 0, 32,
      "The user, by name or number, whose processes may connect to the socket. The user must be in "
      "the keeper's group. Empty: the keeper's own user, which is refused in production.",
      NULL },
    { "passphrase_file", JT_CONF_TEXT, JT_CONF_AT(keeper_passphrase_file), "", 0, JT_CONF_MAX_TEXT,
      "The file whose first line is the passphrase of the master key: of the keeper's user, mode "
      "0600, and better on another disk than the keys. Empty: none is read; a keeper whose master "
      "key is sealed then waits for jeton ceremony unseal.",
      NULL },
    { "passphrase_credential", JT_CONF_TEXT, JT_CONF_AT(keeper_passphrase_credential), "", 0, 64,
      "The same as a credential of systemd: its name in LoadCredentialEncrypted= of the unit. It "
      "is "
      "read where passphrase_file is empty.",
      NULL },
    { "pkcs11_module", JT_CONF_TEXT, JT_CONF_AT(keeper_pkcs11_module), "", 0, JT_CONF_MAX_TEXT,
      "The PKCS #11 module of the hardware token that opens the master key, a path from /. Only "
      "root and the user who unseals may be able to change the file. Empty: none.",
      NULL },
    { "pkcs11_pin_file", JT_CONF_TEXT, JT_CONF_AT(keeper_pkcs11_pin_file), "", 0, JT_CONF_MAX_TEXT,
      "The file whose first line is the PIN of the hardware token: of the user who unseals, mode "
      "0600. Empty: none is read; the PIN is asked for on the terminal.",
      NULL },
    { "pkcs11_pin_credential", JT_CONF_TEXT, JT_CONF_AT(keeper_pkcs11_pin_credential), "", 0, 64,
      "The same as a credential of systemd: its name in LoadCredentialEncrypted= of "
      "jeton-unseal.service. It is read where pkcs11_pin_file is empty.",
      NULL },
    { "pkcs11_timeout", JT_CONF_NUMBER, JT_CONF_AT(keeper_pkcs11_timeout), "60", 1, 600,
      "For how many seconds the hardware token may take before unsealing is given up.", NULL },
    { "open_per_second", JT_CONF_NUMBER, JT_CONF_AT(keeper_open_per_second), "0", 0, 1000000000L,
      "How many cards the keeper opens in a second, for all clients together. What is more is "
      "refused, whatever the front says. 0: any number.",
      NULL },
    { "open_per_day", JT_CONF_NUMBER, JT_CONF_AT(keeper_open_per_day), "0", 0, 1000000000000L,
      "The same for a day of UTC, over restarts. 0: any number.", NULL },
    { "destroy_grace", JT_CONF_NUMBER, JT_CONF_AT(keeper_destroy_grace), "2592000", 0, 315360000L,
      "For how many seconds the keeper keeps the key of a generation after it has seen that two "
      "custodians approve its destruction; whoever still uses the key in that time cancels it. "
      "Longer than any backup of the database is kept. In production a day or more.",
      NULL },
};

const struct jt_conf_table jt_conf_keeper = {
    "keeper", "Where the keeper is found, by itself and by the front.", options,
    sizeof options / sizeof options[0]
};
