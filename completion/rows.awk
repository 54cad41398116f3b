# SPDX-License-Identifier: Apache-2.0
# The arms of the case in jeton.bash.in and _jeton.in, from the rows of "jeton help --table".
# Variable: shell, bash or zsh; or names, for the names of the commands alone.
BEGIN { FS = "\t" }

function quoted(text) {
    gsub(/'/, "'\\''", text)
    return "'" text "'"
}

# What kind of value it is: a file, a directory, or something that nobody can guess.
function kind(value) {
    if (value ~ /FILE/) return "FILE"
    return value == "DIRECTORY" ? value : value == "" ? "" : "VALUE"
}

function action(value) {
    if (value ~ /FILE/) return "_files"
    return value == "DIRECTORY" ? "_files -/" : " "
}

# Explanations of zsh end at a bracket.
function explained(text) {
    gsub(/[][\\]/, "\\\\&", text)
    return "[" text "]"
}

function finish() {
    if (shell == "names") {
        if (command != "") print "        " quoted(command)
    } else if (command != "") {
        print "        " quoted(command) ") words_of=(" list ") ;;"
    }
}

$1 == "command" {
    finish()
    command = $2
    if (shell == "bash") {
        list = "--help"
        if ($3 ~ /FILE/) list = list " @FILE"
    } else {
        list = quoted("(- *)--help" explained("tell the options of the command"))
        if ($3 != "") list = list " " quoted("*:" $3 ":" action($3))
    }
    next
}

$1 == "option" {
    if (shell == "bash") list = list " --" $4 ($5 == "" ? "" : "=" kind($5))
    else list = list " " quoted("--" $4 explained($7) ($5 == "" ? "" : ":" $5 ":" action($5)))
}

END { finish() }
