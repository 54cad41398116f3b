# SPDX-License-Identifier: Apache-2.0
# What came out of tests, whatever ran them: one line for each test in the file $RESULTS, "PASS
# name", "FAIL name" or "SKIP name". Sourced by ./runtests (bash).

# results_from_tap SUITE FILE STATUS: TAP, as cmocka 1.1 and tests/lint write it ("not ok N # SKIP
# name" is cmocka's skip). A program that failed without saying which test did counts as one
# failure.
results_from_tap() {
    awk -v suite="$1" -v status="$3" '
        function outcome(word) { print word " " suite ": " $0; n++ }
        /^(not )?ok [0-9]+ # SKIP/ { sub(/^.*# SKIP */, ""); outcome("SKIP"); next }
        /^ok [0-9]+/ { sub(/^ok [0-9]+ (- )?/, ""); outcome("PASS"); next }
        /^not ok [0-9]+/ { sub(/^not ok [0-9]+ (- )?/, ""); outcome("FAIL"); failed++; next }
        END {
            if (status != 0 && status != 77 && !failed)
                print "FAIL " suite ": ended with status " status
            else if (status == 77 && !n) print "SKIP " suite
            else if (status == 0 && !n) print "PASS " suite
        }' "$2" >>"$RESULTS"
    if [ "$3" -ne 0 ] && [ "$3" -ne 77 ]; then
        grep -vE '^(ok |1\.\.)' "$2" | tail -n 40
    fi
}

# results_from_automake TARGET DIRECTORY STATUS LOG: after "make check", the .trs and .log files
# that automake left for each program.
results_from_automake() {
    local trs name outcome n=0 before
    before=$(grep -c '^FAIL ' "$RESULTS")
    while read -r trs; do
        name=${trs#"$2/"}
        outcome=$(sed -n 's/^:global-test-result: //p' "$trs")
        n=$((n + 1))
        case $outcome in
            PASS) outcome=0 ;;
            SKIP) outcome=77 ;;
            *) outcome=1 ;;
        esac
        results_from_tap "${name%.trs}" "${trs%.trs}.log" "$outcome"
    done < <(find "$2" -name '*.trs' | sort)
    if [ "$n" -eq 0 ] ||
        { [ "$3" -ne 0 ] && [ "$(grep -c '^FAIL ' "$RESULTS")" -eq "$before" ]; }; then
        tail -n 30 "$4"
        printf 'FAIL make %s: status %s, %s programs ran\n' "$1" "$3" "$n" >>"$RESULTS"
    fi
}

# results_from_run_all TARGET STATUS LOG: what tests/db/run_all.sh printed: a line for each program,
# its TAP after it.
results_from_run_all() {
    local n
    n=$(grep -cE '^(PASS|FAIL|SKIP): ' "$3")
    awk '
        function close_program() {
            if (program == "" || n > 0 && (outcome != "FAIL" || failed)) return
            print outcome, program
        }
        function test(word) { print word " " program ": " $0; n++ }
        /^(PASS|FAIL|SKIP): / {
            close_program()
            outcome = substr($1, 1, 4)
            program = $2
            n = failed = 0
            next
        }
        /^(not )?ok [0-9]+ # SKIP/ { sub(/^.*# SKIP */, ""); test("SKIP"); next }
        /^ok [0-9]+/ { sub(/^ok [0-9]+ (- )?/, ""); test("PASS"); next }
        /^not ok [0-9]+/ { sub(/^not ok [0-9]+ (- )?/, ""); test("FAIL"); failed++; next }
        END { close_program() }' "$3" >>"$RESULTS"
    [ "$2" -eq 0 ] || grep -vE '^(ok |1\.\.)' "$3" | tail -n 40
    if [ "$n" -eq 0 ]; then
        printf 'FAIL make %s: status %s, nothing ran\n' "$1" "$2" >>"$RESULTS"
    fi
}

# results_from_junit SUITE FILE STATUS: pytest's report. Status 5: no test was selected.
results_from_junit() {
    /usr/bin/python3 - "$1" "$2" "$3" >>"$RESULTS" <<'END'
import sys, xml.etree.ElementTree
suite, path, status = sys.argv[1], sys.argv[2], int(sys.argv[3])
failed = False
try:
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = "SKIP" if "skipped" in kinds else "PASS"
        if kinds & {"failure", "error"}:
            outcome = "FAIL"
        failed = failed or outcome == "FAIL"
        print(outcome, f"{suite}: {case.get('classname')}::{case.get('name')}")
except (OSError, xml.etree.ElementTree.ParseError):
    pass
if status not in (0, 5) and not failed:
    print(f"FAIL {suite}: pytest ended with status {status}")
END
}

# Names what failed, then the one line that counts. The status of ./runtests.
results_report() {
    local passed failed skipped
    passed=$(grep -c '^PASS ' "$RESULTS")
    failed=$(grep -c '^FAIL ' "$RESULTS")
    skipped=$(grep -c '^SKIP ' "$RESULTS")
    printf '\n'
    sed -n 's/^FAIL /failed: /p; s/^SKIP /skipped: /p' "$RESULTS"
    printf '%s passed, %s failed' "$passed" "$failed"
    [ "$skipped" -eq 0 ] || printf ', %s skipped' "$skipped"
    printf '\n'
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
