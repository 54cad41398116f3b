# SPDX-License-Identifier: Apache-2.0
# A private build of this tree, for ./quickstart and ./runtests. Sourced (bash).
#
# The sources are copied first and everything happens in the copy: the checkout may be read-only,
# configured in place by its owner, or owned by another user, and two commands may run at once.

# Prints the directory that holds the builds of purpose $2 from the tree $1; makes it. Inside the
# tree when this user may write there, else in a directory of the user's own.
build_directory() {
    local top=$1 purpose=$2 dir
    if mkdir -p "$top/build" 2>/dev/null && [ -O "$top/build" ] && [ -w "$top/build" ]; then
        dir=$top/build/$purpose
    else
        local own=${TMPDIR:-/tmp}/jeton-build-$(id -u)
        mkdir -p -m 0700 "$own" && [ -O "$own" ] && [ ! -L "$own" ] || return 1
        # The checkout's path makes builds of different checkouts different.
        dir=$own/$(printf '%s' "$top" | cksum | cut -d' ' -f1)-$purpose
    fi
    mkdir -p "$dir" && printf '%s\n' "$dir"
}

# Lists the sources of the tree $1, relative, without what a build in place leaves behind.
build_sources() {
    (cd "$1" && find . \
        \( -path ./.git -o -path './build*' -o -name autom4te.cache -o -name .deps \
        -o -path './debian/*' -type d ! -name source -o -path ./debian/files \
        -o -path './debian/autoreconf.*' -o -path './debian/*debhelper*' \
        -o -path './debian/*.substvars' -o -name __pycache__ -o -name .pytest_cache \
        -o -name .hypothesis \) -prune -o \
        -type f \
        ! -name '*.o' ! -name '*.a' ! -name '*.log' ! -name '*.trs' ! -name '*.pyc' \
        ! -name .dirstamp ! -name '*~' \
        ! -path './m4/*.m4' ! -path ./aclocal.m4 ! -path './config*[!c]' \
        ! -path ./configure ! -path ./stamp-h1 ! -path ./Makefile ! -path ./Makefile.in \
        ! -path './completion/*jeton' ! -path ./completion/table ! -path './man/commands*/*' \
        ! -path ./completion/pages ! -path './libjeton.so*' \
        ! -path ./jeton ! -path ./jetond ! -path ./jeton-keeper ! -path ./jeton-pkcs11 \
        ! \( -path './tests/unit/*' ! -name '*.*' \) ! \( -path './tests/db/*' ! -name '*.*' \) \
        ! \( -path './tests/fuzz/*' ! -path './tests/fuzz/*/*' ! -name '*.*' \) \
        ! \( -path './bench/*' ! -name '*.*' ! -name run \) \
        -print) | sort
}

# Brings the copy $2/src up to date with the tree $1; file times are kept, so that make builds only
# what changed.
build_copy() {
    local top=$1 dir=$2
    mkdir -p "$dir/src"
    build_sources "$top" >"$dir/sources.new"
    if [ -f "$dir/sources" ]; then
        comm -23 "$dir/sources" "$dir/sources.new" | (cd "$dir/src" && xargs -r -d '\n' rm -f)
    fi
    tar -C "$top" --no-recursion --verbatim-files-from -T "$dir/sources.new" -cf - |
        tar -C "$dir/src" --no-same-owner -xf -
    mv "$dir/sources.new" "$dir/sources"
}

# build_tree TOP DIR [configure arguments]: the programs end up in DIR/obj; BUILD_TARGET says
# which, if not all. Output goes to DIR/build.log, whose end is shown on failure. The caller holds
# the lock.
build_tree() {
    local top=$1 dir=$2
    shift 2
    build_copy "$top" "$dir"
    local recipe
    recipe=$(cd "$dir/src" && {
        printf '%s\n' "$*"
        cat configure.ac Makefile.am
        find . -name include.am | sort | xargs cat
    } | cksum)
    mkdir -p "$dir/obj"
    if ! (
        set -e
        if [ ! -f "$dir/obj/Makefile" ] || [ "$(cat "$dir/recipe" 2>/dev/null)" != "$recipe" ]; then
            rm -f "$dir/recipe"
            (cd "$dir/src" && ./bootstrap)
            (cd "$dir/obj" && ../src/configure --silent "$@")
            printf '%s\n' "$recipe" >"$dir/recipe"
        fi
        make -C "$dir/obj" -j"$(nproc)" "${BUILD_TARGET:-all}"
    ) >"$dir/build.log" 2>&1; then
        tail -n 30 "$dir/build.log" >&2
        printf 'The build failed; all of its output is in %s\n' "$dir/build.log" >&2
        return 1
    fi
}

# Holds the lock of the build directory $1 on descriptor 9 until the script ends or build_unlock:
# two commands that start at once build one after the other.
build_lock() {
    exec 9>"$1/lock"
    if ! flock -n 9; then
        printf 'Waiting for another run that is using %s\n' "$1"
        flock 9
    fi
}

build_unlock() {
    exec 9>&-
}
