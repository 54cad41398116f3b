#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes the C file that holds docs/openapi.json: docs/embed-openapi.sh FILE. Its tag is the digest
# of the text, so that it changes with every change of it.
set -eu
tag=$(sha256sum "$1" | cut -c 1-32)
cat <<'C'
/* Made by docs/embed-openapi.sh from docs/openapi.json. */
#include "api/openapi.h"

const char jt_openapi_text[] =
C
# Backslashes and quotes escaped, one string literal a line. The last line feed is that of every
# answer.
sed 's/\\/\\\\/g; s/"/\\"/g' "$1" | awk '
    { printf "%s    \"%s", (NR > 1 ? "\\n\"\n" : ""), $0 }
    END { print "\";" }'
cat <<C
const size_t jt_openapi_len = sizeof jt_openapi_text - 1;
const char jt_openapi_etag[] = "\"$tag\"";
C
