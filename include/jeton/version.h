/* SPDX-License-Identifier: Apache-2.0 */
/* The version of this installation. configure.ac has it first; tests/lint/lint.py compares. */
#ifndef JETON_VERSION_H
#define JETON_VERSION_H

#define JETON_VERSION     "0.1.0"
#define JETON_API_VERSION 1 /* the /v1 of every path */

#endif
