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
