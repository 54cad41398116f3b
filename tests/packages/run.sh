#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh TREE DIR [--long]
# Builds Debian packages of a copy of TREE in DIR, looks at what is in them, and installs them on a
# fresh machine (machine.sh), where docs/install.md is followed. --long builds them a second time
# elsewhere and compares. Prints TAP; what the tools said is in DIR/*.log.
set -u -o pipefail
TOP=$1 DIR=$2 LONG=${3-} N=0 FAILED=0
HERE=$TOP/tests/packages
. "$TOP/scripts/build.sh"

# ok NAME COMMAND...: a line of TAP; what the command says is shown if it fails.
ok() {
    local name=$1
    shift
    N=$((N + 1))
    if "$@" >"$DIR/said" 2>&1; then
        printf 'ok %d - %s\n' "$N" "$name"
    else
        printf 'not ok %d - %s\n' "$N" "$name"
        FAILED=1
        tail -n 30 "$DIR/said" | sed 's/^/# /'
    fi
}

skip() {
    N=$((N + 1))
    printf 'ok %d # SKIP %s\n' "$N" "$1"
}

# build DIRECTORY: packages of a copy of the tree in there.
build() {
    mkdir -p "$1" && rm -rf "$1"/src "$1"/sources "$1"/*.deb "$1"/*.changes "$1"/*.buildinfo &&
        build_copy "$TOP" "$1" && cd "$1/src" &&
        DEB_BUILD_OPTIONS="parallel=$(nproc) nocheck noautodbgsym" \
            dpkg-buildpackage -us -uc -b >"$1/build.log" 2>&1 || {
        tail -n 20 "$1/build.log"
        return 1
    }
}

packages() { find "$DIR/packages" -maxdepth 1 -name '*.deb' | sort; }
five_packages() { [ "$(packages | sed 's|.*/||; s|_.*||' | xargs)" = "$1" ]; }
lintian_is_content() {
    lintian --allow-root --pedantic --display-info --fail-on error,warning "$DIR"/packages/*.changes
}

# Files are root's, nobody else may write them, and none runs as somebody else than who starts it.
modes_are_right() {
    local package bad
    for package in $(packages); do
        bad=$(dpkg-deb -c "$package" |
            awk '$2 != "root/root" || $1 !~ /^l/ && ($1 ~ /[sStT]/ || $1 ~ /^.....w|^........w/)')
        [ -z "$bad" ] || { printf '%s:\n%s\n' "$package" "$bad" && return 1; }
    done
}

# Of the configuration every line but headings and one option is a comment.
configuration_is_as_printed() {
    local conf=$DIR/root/etc/jeton/jeton.conf
    "$DIR/root/usr/bin/jeton" config | diff - "$conf" >"$DIR/conf.diff"
    [ "$(grep -c '^[<>]' "$DIR/conf.diff")" = 2 ] &&
        grep -qx '> front_user = jeton' "$DIR/conf.diff"
}

# At most 1.5 of 10, as systemd judges.
unit_is_hardened() { systemd-analyze security --offline=true --threshold=15 --no-pager "$1"; }

# The next version: the same files under another number.
make_next() {
    local name
    mkdir -p "$DIR/out/next"
    for name in jeton-server jeton-tools jeton-doc; do
        rm -rf "$DIR/next" && dpkg-deb -R "$DIR/packages/$name"_*.deb "$DIR/next" &&
            sed -i -E 's/^(Version: .*|(.*)jeton-tools \(= [^)]*)/\1+next/' \
                "$DIR/next/DEBIAN/control" &&
            dpkg-deb --root-owner-group -b "$DIR/next" "$DIR/out/next" || return 1
    done
    rm -rf "$DIR/next"
}

# The lines of the machine's own TAP are counted on.
try_on_a_machine() {
    local status
    rm -rf "$DIR/out" && mkdir -p "$DIR/out/packages" && cp $(packages) "$DIR/out/packages/" &&
        cp "$TOP/docs/install.md" "$DIR/out/"
    make_next >"$DIR/next.log" 2>&1
    "$HERE/machine.sh" "$DIR/out" >"$DIR/machine.log" 2>&1
    status=$?
    if [ "$status" -eq 77 ]; then
        skip "$(tail -n 1 "$DIR/machine.log")"
        return
    fi
    awk -v n="$N" '/^not ok|^ok/ { sub(/ok [0-9]+/, "ok " ++n) } !/^1\.\./' "$DIR/out/tap"
    N=$((N + $(grep -cE '^(not )?ok' "$DIR/out/tap")))
    [ "$status" -eq 0 ] && return
    FAILED=1
    tail -n 80 "$DIR/out/details" "$DIR/machine.log" 2>/dev/null | sed 's/^/# /'
}

# The same tree in another directory gives the same bytes.
same_bytes() {
    local package
    build "$DIR/elsewhere/and/deeper" || return 1
    for package in $(packages); do
        cmp "$package" "$DIR/elsewhere/and/deeper/${package##*/}" || return 1
    done
    rm -rf "$DIR/elsewhere"
}

mkdir -p "$DIR"
ok "the packages are built" build "$DIR/packages"
[ "$FAILED" -eq 0 ] || exit 1
ok "there are five" five_packages "jeton-doc jeton-server jeton-tools libjeton-dev libjeton0"
ok "lintian is content" lintian_is_content
ok "owners and modes" modes_are_right
rm -rf "$DIR/root"
for package in server tools; do
    dpkg-deb -x "$DIR/packages/jeton-${package}"_*.deb "$DIR/root"
done
ok "the configuration has every option, and sets the front's user" configuration_is_as_printed
if command -v systemd-analyze >/dev/null; then
    for unit in jeton-keeper jetond jeton-unseal; do
        ok "$unit.service is hardened" unit_is_hardened "$DIR/root/lib/systemd/system/$unit.service"
    done
else
    skip "there is no systemd-analyze to judge the units"
fi
try_on_a_machine
[ "$LONG" != --long ] || ok "a second build has the same bytes" same_bytes
printf '1..%d\n' "$N"
exit "$FAILED"
