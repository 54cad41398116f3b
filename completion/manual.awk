# SPDX-License-Identifier: Apache-2.0
# A manual page in man(7) for each command, from the rows of "jeton help --table". Variables:
# directory, where the pages go; date; version.
BEGIN { FS = "\t" }

# Text as roff takes it: dashes stay dashes, and no line begins a request by accident.
function roff(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    return text ~ /^[.']/ ? "\\&" text : text
}

# One example: what it does, and the command.
function example(what, command) {
    if (what !~ /^The column/) print ".PP" >page # none behind the heading
    print roff(what) >page
    print ".PP" >page
    print ".nf" >page
    print roff(command) >page
    print ".fi" >page
}

# What ends the page of a file job.
function finish_job(place) {
    place = " --field pan --column pan "
    print ".SH EXAMPLES" >page
    example("The column pan of a CSV file:", "jeton " dashed " in.csv" place "--out out.csv")
    example("The same as a part of a pipe:",
        "zcat in.csv.gz | jeton " dashed " -" place "--out - --rejects rejects")
    example("A member of JSON lines:",
        "jeton " dashed " in.jsonl --field card.number=pan --out out.jsonl")
    example("An item of a copybook, in records of EBCDIC:",
        "jeton " dashed " IN --recfm FB --codepage IBM1047 --copybook card.cpy " \
        "--field CARD-NO=pan --out OUT")
    example("Go on with a job that did not end:",
        "jeton " dashed " in.csv" place "--out out.csv --restart")
    print ".SH EXIT STATUS" >page
    print "0: clean. 4: records were rejected. 8: more were than may be." >page
    print "12: parameters, authority or balance. 16: the surroundings." >page
    print "Messages have ids, which docs/messages.md lists." >page
}

function finish() {
    if (page == "") return
    if (dashed ~ /^(tokenize|detokenize|mask)$/) finish_job("")
    else {
        print ".SH EXIT STATUS" >page
        print "0: done. 1: failed. 2: refused by the server. 3: stuck. 64: usage." >page
        print "69: unavailable. 77: denied. 78: configuration. They are told in" >page
        print ".BR jeton (1)." >page
    }
    print ".SH SEE ALSO" >page
    print ".BR jeton (1)," >page
    print ".BR jeton.conf (5)," >page
    print ".BR jetond (8)," >page
    print ".BR jeton\\-keeper (8)" >page
    close(page)
}

# command, name, arguments, summary
$1 == "command" {
    finish()
    dashed = $2
    gsub(/ /, "-", dashed)
    page = directory "/jeton-" dashed ".1"
    summary = $4
    sub(/\.$/, "", summary)
    print ".\\\" SPDX-License-Identifier: Apache-2.0" >page
    print ".\\\" Made from the table of commands: completion/manual.awk" >page
    title = "JETON\\-" roff(toupper(dashed)) " 1 " date " \"Jeton " version "\""
    print ".TH " title " \"User Commands\"" >page
    print ".SH NAME" >page
    summary = tolower(substr(summary, 1, 1)) substr(summary, 2)
    print "jeton\\-" roff(dashed) " \\- " roff(summary) >page
    print ".SH SYNOPSIS" >page
    print ".B jeton " roff($2) >page
    print ".RI [ OPTIONS ]" >page
    if ($3 != "") print ".I " roff($3) >page
    print ".SH DESCRIPTION" >page
    print roff($4) >page
    print "What it does, in more words, stands in" >page
    print ".BR jeton (1)." >page
    print ".SH OPTIONS" >page
    next
}

# option, name of the command, own or shared, option, value, bounds, words
$1 == "option" {
    print ".TP" >page
    if ($5 == "") print ".B \\-\\-" roff($4) >page
    else print ".BI \\-\\-" roff($4) " \" " roff($5) "\"" >page
    print roff(toupper(substr($7, 1, 1)) substr($7, 2)) "." >page
    if ($6 != "") print toupper(substr($6, 1, 1)) substr($6, 2) "." >page
}

END { finish() }
