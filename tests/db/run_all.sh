#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs test programs one after the other and prints a line for each; the output of those that fail
# follows (with CMOCKA_MESSAGE_OUTPUT=TAP of all of them: ./runtests counts the tests in them).
# Their exit status 77 means skipped. Needs JETON_TEST_CONNINFO: call it through with_postgres.sh.
set -u

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0
for program in "$@"; do
    "$program" >"$log" 2>&1
    status=$?
    case $status in
    0)
        passed=$((passed + 1))
        echo "PASS: $program"
        [ "${CMOCKA_MESSAGE_OUTPUT:-}" != TAP ] || cat "$log"
        ;;
    77) skipped=$((skipped + 1)); echo "SKIP: $program" ;;
    *) failed=$((failed + 1)); echo "FAIL: $program (exit status $status)"; cat "$log" ;;
    esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
