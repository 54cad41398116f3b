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

function finish() {
    if (page == "") return
    print ".SH EXIT STATUS" >page
    print "0: done. 1: failed. 2: refused by the server. 3: stuck. 64: usage." >page
    print "69: unavailable. 77: denied. 78: configuration. They are told in" >page
    print ".BR jeton (1)." >page
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
