/* SPDX-License-Identifier: Apache-2.0 */
#include "api/promtext.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define US 1000000

static void say(struct jt_buf *out, const char *text)
{
    jt_buf_put(out, text, strlen(text));
}

void jt_prom_family(struct jt_buf *out, const char *name, const char *type, const char *help)
{
    const char *const parts[] = { "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n" };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        say(out, parts[i]);
    }
}

static void say_name(struct jt_buf *out, const char *name, const char *labels)
{
    say(out, name);
    if (labels[0] != '\0') {
        say(out, "{");
        say(out, labels);
        say(out, "}");
    }
    say(out, " ");
}

void jt_prom_sample(struct jt_buf *out, const char *name, const char *labels, uint64_t value)
{
    char number[32];
    (void)snprintf(number, sizeof number, "%" PRIu64 "\n", value);
    say_name(out, name, labels);
    say(out, number);
}

void jt_prom_seconds(struct jt_buf *out, const char *name, const char *labels, uint64_t us)
{
    char number[40];
    (void)snprintf(number, sizeof number, "%" PRIu64 ".%06" PRIu64 "\n", us / US, us % US);
    say_name(out, name, labels);
    say(out, number);
}

void jt_prom_gauge(struct jt_buf *out, const char *name, const char *help, uint64_t value)
{
    jt_prom_family(out, name, "gauge", help);
    jt_prom_sample(out, name, "", value);
}

void jt_prom_counter(struct jt_buf *out, const char *name, const char *help, uint64_t value)
{
    jt_prom_family(out, name, "counter", help);
    jt_prom_sample(out, name, "", value);
}

/* The upper bound of a bucket as the label says it. */
static void bound_text(const struct jt_bounds *bounds, size_t i, bool seconds, char *out,
                       size_t len)
{
    if (i == bounds->n) {
        (void)snprintf(out, len, "+Inf");
    } else if (seconds) {
        (void)snprintf(out, len, "%g", (double)bounds->at[i] / US);
    } else {
        (void)snprintf(out, len, "%" PRIu64, bounds->at[i]);
    }
}

void jt_prom_histogram(struct jt_buf *out, const char *name, const char *labels,
                       const struct jt_histogram *h, const struct jt_bounds *bounds, bool seconds)
{
    char full[96], with[200], bound[24];
    uint64_t count = 0;
    (void)snprintf(full, sizeof full, "%s_bucket", name);
    for (size_t i = 0; i <= bounds->n; i++) {
        count += jt_figure_get(&h->counts[i]);
        bound_text(bounds, i, seconds, bound, sizeof bound);
        (void)snprintf(with, sizeof with, "%s%sle=\"%s\"", labels, labels[0] == '\0' ? "" : ",",
                       bound);
        jt_prom_sample(out, full, with, count);
    }
    (void)snprintf(full, sizeof full, "%s_sum", name);
    (seconds ? jt_prom_seconds : jt_prom_sample)(out, full, labels, jt_figure_get(&h->sum));
    (void)snprintf(full, sizeof full, "%s_count", name);
    jt_prom_sample(out, full, labels, count);
}
