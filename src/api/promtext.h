/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prometheus' text format, version 0.0.4: families of samples into a bounded buffer, whose status
 * tells at the end whether all had room. Names, labels and help are this program's own words:
 * nothing is escaped.
 */
#ifndef JETON_API_PROMTEXT_H
#define JETON_API_PROMTEXT_H

#include "base/buf.h"
#include "base/histogram.h"

#define JT_PROM_MEDIA_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* The two lines before the samples of `name`; `type` is counter, gauge or histogram. */
void jt_prom_family(struct jt_buf *out, const char *name, const char *type, const char *help);

/* One sample. `labels` as in `a="b",c="d"`; empty: none. */
void jt_prom_sample(struct jt_buf *out, const char *name, const char *labels, uint64_t value);

/* The same of a number of microseconds, as seconds. */
void jt_prom_seconds(struct jt_buf *out, const char *name, const char *labels, uint64_t us);

/* Family and sample of what has one. */
void jt_prom_gauge(struct jt_buf *out, const char *name, const char *help, uint64_t value);
void jt_prom_counter(struct jt_buf *out, const char *name, const char *help, uint64_t value);

/* All samples of a histogram; `seconds`: its values are microseconds. */
void jt_prom_histogram(struct jt_buf *out, const char *name, const char *labels,
                       const struct jt_histogram *h, const struct jt_bounds *bounds, bool seconds);

#endif
