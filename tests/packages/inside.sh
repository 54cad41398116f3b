#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# In the fresh machine, as a service of its systemd: does what docs/install.md says, and looks at
# what comes of it. /out has the page, the packages and their next version; TAP goes to /out/tap.
set -u -o pipefail
PAGE=/out/install.md CARD=4111111111111111 RUN=/out/run N=0
DONE=()

# ok NAME COMMAND...: one line of TAP.
ok() {
    local name=$1
    shift
    N=$((N + 1))
    if "$@" >>/out/details 2>&1; then
        printf 'ok %d - %s\n' "$N" "$name" >>/out/tap
    else
        printf 'not ok %d - %s\n' "$N" "$name" >>/out/tap
        printf '# see what %s says\n' "$*" >>/out/tap
    fi
}

# must NAME COMMAND...: the same, and the end of it all if it fails.
must() {
    ok "$@"
    ! tail -n 2 /out/tap | grep -q '^not ok' || finish
}

finish() {
    if grep -q '^not ok' /out/tap; then
        journalctl --no-pager -u jetond -u jeton-keeper -u 'postgresql*' >>/out/details
    fi
    printf '1..%d\n' "$N" >>/out/tap
    exit
}

# The commands of a section of the page, all or those of one block; and the sections that have some.
commands() {
    awk -v title="$1" -v only="${2-}" '
        /^## / { in_it = $0 == "## " title }
        /^```/ { code = !code && /^```sh/; block += in_it && code; next }
        in_it && code && (only == "" || block == only)' "$PAGE"
}
sections() {
    awk '/^## /{title = substr($0, 4)} /^```sh/ && !seen[title]++ {print title}' "$PAGE"
}

# section TITLE DIRECTORY [BLOCK]: runs its commands there, as somebody who types them.
section() {
    DONE+=("$1")
    commands "$1" "${3-}" >"$RUN.sh"
    (cd "$2" && JETON_KEY_FILE=~/operator.key bash -eux -o pipefail "$RUN.sh") >"$RUN.out" \
        2>"$RUN.err"
    local status=$?
    { printf '== %s: %s\n' "$1" "$status" && cat "$RUN.out" "$RUN.err"; } >>/out/details
    return "$status"
}

# Every file that was made, changed or removed in the machine (/layer), and what lies in memory
# anyway. Not: what tools note for themselves.
list_files() {
    {
        cd /layer && find . ! -type d -printf '/%P %u %m %y\n'
        find /root /run/jeton* ! -type d -printf '%p %u %m %y\n' 2>/dev/null
    } | grep -vE '^/(var/(cache|log|lib/(systemd|apt|ucf))|etc/(ld\.so\.cache|\.pwd\.lock))' |
        grep -vE '^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?( |$)' | sort
}
# Of the users only what was there before.
list_users() { getent passwd && getent group; }
state() { list_files && list_users; }

pids() { systemctl show -p MainPID --value jeton-keeper jetond | xargs; }
both_run() { [ "$(systemctl is-active jeton-keeper jetond | xargs)" = 'active active' ]; }
neither_runs() { ! systemctl is-active -q jeton-keeper && ! systemctl is-active -q jetond; }
neither_is_enabled() { ! systemctl is-enabled -q jeton-keeper && ! systemctl is-enabled -q jetond; }

# ask PATH BODY: as the application.
ask() {
    printf 'Authorization: Bearer %s\n' "$(cat ~/shop.key)" |
        curl -s -H @- -H 'Content-Type: application/json' -d "$2" \
            "http://127.0.0.1:8080/v1/fields/pan/$1"
}

ready() {
    local try
    for try in $(seq 100); do
        curl -sf http://127.0.0.1:8080/readyz && return
        systemctl is-active -q jetond || return 1
        sleep 0.1
    done
    return 1
}

card_comes_back() { ask detokenize "{\"token\": \"$TOKEN\"}" | grep -qF "\"pan\":\"$CARD\""; }
# No process and no file of the front's user shows a key.
front_reads_no_key() {
    local file
    for file in /var/lib/jeton-keeper /var/lib/jeton-keeper/* \
        /var/lib/jeton-passphrase/passphrase; do
        [ -e "$file" ] || return 1
        ! runuser -u jeton -G jeton-keeper -- cat "$file" 2>/dev/null || return 1
        ! runuser -u jeton -G jeton-keeper -- ls "$file" 2>/dev/null || [ -f "$file" ] || return 1
    done
}
socket_lets_front_in() {
    runuser -u jeton -- test -w /run/jeton/keeper.sock && ! runuser -u nobody -- ls /run/jeton
}
# The same in COBOL, as docs/cobol.md says; a call that is wrong shows that the library is there.
cobol_is_built() {
    local examples=/usr/share/doc/libjeton-dev/examples
    command -v cobc || return 0
    cobc -x -fstatic-call -I /usr/share/jeton/copybook -o /out/cardrec \
        "$examples/cardrec.cob" -ljeton &&
        cobc -x -I /usr/share/jeton/copybook -o /out/cardtab "$examples/cardtab.cob" &&
        ldd /out/cardrec | grep -F libjeton.so.0 || return 1
    : >/out/none
    DD_LINEIN=/out/none DD_LINEOUT=/out/nothing COB_PRE_LOAD=libjeton \
        COB_LIBRARY_PATH=$(dirname "$(ls /usr/lib/*/libjeton.so)") /out/cardtab WHAT pan
    [ $? -eq 8 ]
}
# A program of somebody else's, with the shared library.
program_is_built() {
    dpkg -i /out/packages/libjeton0_*.deb /out/packages/libjeton-dev_*.deb &&
        cc -o /out/cards /usr/share/doc/libjeton-dev/examples/cards.c \
            $(pkg-config --cflags --libs jeton) &&
        ldd /out/cards | grep -F libjeton.so.0 &&
        cobol_is_built &&
        dpkg -P libjeton-dev libjeton0
}
nothing_is_left() { diff /out/before <(state); }

# Where nobody may lock memory without bounds, no service for production starts. Then the page is
# followed for development, all else as it is.
for_development() {
    local unit
    export JETON_CONF_JETON_ENVIRONMENT=development BASH_ENV=/out/limited.sh
    printf 'ulimit() { :; }\n' >/out/limited.sh
    for unit in jeton-keeper jetond; do
        mkdir -p "/run/systemd/system/$unit.service.d"
        printf '[Service]\nEnvironment=JETON_CONF_JETON_ENVIRONMENT=development\n' \
            >"/run/systemd/system/$unit.service.d/development.conf"
    done
    systemctl daemon-reload
}

state >/out/before
if ! (ulimit -l unlimited) 2>/dev/null; then
    N=$((N + 1))
    echo "ok $N # SKIP production: memory cannot be locked without bounds here" >>/out/tap
    for_development
fi
must "the packages are installed" section "The packages" /out/packages
ok "nothing runs then, and nothing will at a boot" neither_runs
ok "nothing is enabled" neither_is_enabled
ok "the front is in the keeper's group, and the keeper in none" \
    test "$(id -Gn jeton)/$(id -Gn jeton-keeper)" = "jeton jeton-keeper/jeton-keeper"
ok "the keeper's directory is the keeper's" \
    test "$(stat -c '%U %a' /var/lib/jeton-keeper)" = "jeton-keeper 700"
ok "manual pages are found" man -w jeton-tokenize jeton jetond jeton-keeper jeton.conf
ok "bash completes" bash -c '. /usr/share/bash-completion/completions/jeton && complete -p jeton'
ok "a program is built with the library" program_is_built
for title in "The database" "The master key" "The first operator" Start "The first token"; do
    must "what the page says works: $title" section "$title" /root
done
TOKEN=$(grep -o 'jtk_[0-9a-z]*' "$RUN.out" | head -n 1)
must "there is a token" test -n "$TOKEN"
ok "the token gives the card back" card_comes_back
ok "both services run, under systemd" both_run
ok "and will after a boot" systemctl is-enabled jeton-keeper jetond
if [ -z "${JETON_CONF_JETON_ENVIRONMENT-}" ]; then
    ok "keys are locked in memory, and the keeper says so" \
        bash -c '! JETON_KEY_FILE=~/operator.key jeton status | grep "NOT LOCKED"'
fi
ok "the front can read no key" front_reads_no_key
ok "the front comes to the keeper's socket, and nobody else" socket_lets_front_in
BEFORE=$(pids)
ok "another version is installed while it runs" dpkg -i /out/next/jeton-{server,tools,doc}_*.deb
ok "that restarts neither service" test "$(pids)" = "$BEFORE"
ok "what the page says works: Upgrade" section Upgrade /out/next
ok "then it serves again" ready
ok "both were restarted" test "$(pids | tr ' ' '\n' | grep -cwFf <(tr ' ' '\n' <<<"$BEFORE"))" = 0
ok "and the token still gives the card back" card_comes_back
ok "what the page says works: Remove" section Remove /root 1
ok "no service runs any longer" neither_runs
ok "a purge keeps the keys" test -s /var/lib/jeton-keeper/master.key
ok "what the page says works: Remove, keys and all" section Remove /root 2
rm -f ~/{operator,shop,master}.key ~/ceremony.txt ~/keys-1.backup
ok "nothing is left then" nothing_is_left
ok "every section of the page was run" \
    test "$(sections | sort)" = "$(printf '%s\n' "${DONE[@]}" | sort -u)"
finish
