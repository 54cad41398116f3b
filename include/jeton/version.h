/* SPDX-License-Identifier: Apache-2.0 */
/* The version of Jeton's REST API and stored format that this installation speaks. */
#ifndef JETON_VERSION_H
#define JETON_VERSION_H

#define JETON_VERSION          "0.1.0"
#define JETON_API_VERSION      1 /* the /v1 of every path */
#define JETON_ENVELOPE_VERSION 1 /* first byte of an envelope's associated data */

#endif
