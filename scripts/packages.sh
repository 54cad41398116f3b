# SPDX-License-Identifier: Apache-2.0
# Debian packages: which are missing, and their installation. Sourced by ./quickstart and ./runtests
# (bash).
#
# A package counts as present when dpkg says so, except that any installed PostgreSQL server will do
# for the server.

PACKAGES_BUILD=(autoconf automake gcc libc6-dev make pkg-config libssl-dev libpq-dev
    libmicrohttpd-dev libjansson-dev libinih-dev libseccomp-dev libsystemd-dev libcurl4-openssl-dev
    libp11-kit-dev)
PACKAGES_RUN=(postgresql curl ca-certificates util-linux)
PACKAGES_TEST=(libcmocka-dev clang-format-14 python3-pytest python3-hypothesis python3-requests
    python3-psycopg2 python3-cryptography openssl procps
    softhsm2 binutils mandoc prometheus spin gdb zsh gnucobol3)
# Of Jeton itself: tests/packages builds packages, judges them and installs them.
PACKAGES_TEST+=(debhelper dpkg-dev fakeroot lintian man-db systemd)

# On Debian 12 libfuzzer-14-dev lacks what -fsanitize=fuzzer links: it is in the second.
PACKAGES_FUZZ=(clang-14 libclang-rt-14-dev)

# Prints those of its arguments that are not installed.
packages_missing() {
    local p
    for p in "$@"; do
        if [ "$p" = postgresql ] && compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
            continue
        fi
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] ||
            printf '%s\n' "$p"
    done
}

# Runs as root. Debian's PostgreSQL package would make and start a cluster of its own; that is
# switched off while it is installed, and the switch is put back as it was. So it is with daemons
# that packages start (policy-rc.d(8)): of prometheus only promtool is wanted, and its unit is
# disabled afterwards.
packages_install_as_root() {
    local switch=/etc/postgresql-common/createcluster.d/jeton-no-main-cluster.conf
    local policy=/usr/sbin/policy-rc.d own_policy=
    local status=0 made_dirs=() dir
    [ -e "$policy" ] || own_policy=$policy
    for dir in /etc/postgresql-common /etc/postgresql-common/createcluster.d; do
        [ -d "$dir" ] || { mkdir "$dir" && made_dirs=("$dir" "${made_dirs[@]}"); }
    done
    trap 'rm -f "$switch" $own_policy' EXIT
    printf 'create_main_cluster = off\n' >"$switch"
    if [ -n "$own_policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    # Package lists may be old or absent: try as things are first, then with fresh lists.
    apt-get install -y -q --no-install-recommends "$@" ||
        { apt-get update -q && apt-get install -y -q --no-install-recommends "$@"; } || status=$?
    rm -f "$switch" $own_policy
    trap - EXIT
    if [[ " $* " == *" prometheus "* ]] && command -v systemctl >/dev/null; then
        systemctl disable --quiet prometheus.service 2>/dev/null || true
    fi
    for dir in "${made_dirs[@]}"; do
        rmdir --ignore-fail-on-non-empty "$dir"
    done
    return "$status"
}

# Installs what is missing of its arguments, or says what is missing and leaves with 77 ("cannot run
# here").
packages_require() {
    local missing
    mapfile -t missing < <(packages_missing "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null; then
        printf 'These Debian packages (or what corresponds to them here) are missing:\n  %s\n' \
            "${missing[*]}" >&2
        exit 77
    fi
    local log
    log=$(mktemp)
    if [ "$(id -u)" -eq 0 ]; then
        printf 'Installing packages: %s\n' "${missing[*]}"
        (packages_install_as_root "${missing[@]}") >"$log" 2>&1
    elif command -v sudo >/dev/null &&
        { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; then
        printf 'Installing packages with sudo: %s\n' "${missing[*]}"
        sudo bash -c "$(declare -f packages_install_as_root); packages_install_as_root \"\$@\"" \
            bash "${missing[@]}" >"$log" 2>&1
    else
        rm -f "$log"
        printf 'Missing packages, and no right to install them. As root, run:\n' >&2
        printf '  apt-get install %s\n' "${missing[*]}" >&2
        exit 77
    fi
    mapfile -t missing < <(packages_missing "$@")
    if [ "${#missing[@]}" -gt 0 ]; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        printf 'Could not install: %s\n' "${missing[*]}" >&2
        exit 77
    fi
    rm -f "$log"
}
