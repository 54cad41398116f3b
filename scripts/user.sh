# SPDX-License-Identifier: Apache-2.0
# Who runs the services. Sourced by ./quickstart and ./runtests (bash). initdb refuses root, and
# nothing here needs root once the packages are there, so root hands over to the user `postgres`,
# whom Debian's package has made.

# Sets the array AS_USER: empty for an ordinary user, a command prefix for root.
user_choose() {
    AS_USER=()
    if [ "$(id -u)" -eq 0 ]; then
        AS_USER=(setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/nonexistent)
    fi
}

# user_state_directory PREFIX: makes and prints a fresh directory of the services' user. Its path is
# short, because Unix sockets in it have at most 107 bytes.
user_state_directory() {
    local base=${TMPDIR:-/tmp} dir
    if [ "${#base}" -gt 60 ] || ! "${AS_USER[@]}" test -w "$base" -a -x "$base"; then
        base=/tmp
    fi
    dir=$(mktemp -d "$base/$1.XXXXXX") || return 1
    [ "${#AS_USER[@]}" -eq 0 ] || chown postgres: "$dir"
    printf '%s\n' "$dir"
}

# user_gives_programs OBJ DIR: copies the programs to DIR/bin, the example's too, the library, and
# what the build makes of their help. The build may lie where the services' user cannot look, and
# may be rebuilt while they run.
user_gives_programs() {
    mkdir -p "$2/bin"
    # A build of an older tree has none of it.
    if [ -d "$1/completion" ]; then
        mkdir -p "$2/bin/completion" "$2/bin/man"
        cp "$1/completion/jeton" "$1/completion/_jeton" "$2/bin/completion/"
        cp -r "$1/man/commands" "$2/bin/man/"
    fi
    cp "$1/libjeton.so.0" "$1/libjeton.a" "$2/bin/"
    install -m 0755 "$1/jeton" "$1/jetond" "$1/jeton-keeper" "$1/jeton-pkcs11" \
        "$1/docs/examples/cards" "$2/bin/"
}

# user_gives_tree TOP DIR: copies to DIR what the tests that run as the services' user read of the
# tree: the reader that shares no code with the product, with the pages and vectors that its tests
# compare it with.
user_gives_tree() {
    mkdir -p "$2/tree/tests" "$2/tree/docs" "$2/tree/scripts" "$2/tree/systemd" \
        "$2/tree/src/batch"
    cp "$1/src/batch/messages.def" "$2/tree/src/batch/"
    cp -r "$1/scripts/." "$2/tree/scripts/"
    cp "$1"/systemd/*.in "$2/tree/systemd/"
    cp -r "$1/tests/reference" "$1/tests/vectors" "$2/tree/tests/"
    cp -r "$1/docs/." "$2/tree/docs/"
    cp -r "$1/include" "$2/tree/"
    cp "$1/README.md" "$2/"
}

# user_state_end DIR: ends whatever a test left running there, and removes it. Such a process has
# the directory's unmistakable name in its command line.
user_state_end() {
    local cmdline pid
    for cmdline in /proc/[0-9]*/cmdline; do
        pid=${cmdline#/proc/}
        pid=${pid%/cmdline}
        if [ "$pid" != "$$" ] && { tr '\0' ' ' <"$cmdline"; } 2>/dev/null | grep -qF "$1/"; then
            kill -KILL "$pid" 2>/dev/null
        fi
    done
    rm -rf "$1"
}
