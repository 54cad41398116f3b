/* SPDX-License-Identifier: Apache-2.0 */
/* Which request it is: an id of its own, or the trace that its client says it belongs to. */
#ifndef JETON_API_ORIGIN_H
#define JETON_API_ORIGIN_H

#include "http/host.h"
#include "model/network.h"
#include "model/origin.h"

/*
 * Fills `request`: the trace id of `traceparent` where that is valid (W3C Trace Context, section
 * 3.2), else random. Nothing else of what the client sent goes anywhere.
 */
void jt_origin_name(struct jt_slice traceparent, struct jt_origin *out);

/* Where it comes from; nothing, of a Unix socket. */
void jt_origin_place(const struct jt_source *source, struct jt_origin *out);

#endif
