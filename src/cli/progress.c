/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BAR_WIDTH 24
#define REDRAW_US 100000
#define LINE_US   5000000

void jt_progress_start(struct jt_progress *p, const char *label, bool wanted)
{
    int64_t now = jt_clock_us();
    *p = (struct jt_progress){ .label = label,
                               .bar = wanted || isatty(STDERR_FILENO) == 1,
                               .started_us = now,
                               .shown_us = now };
}

double jt_progress_elapsed_s(const struct jt_progress *p)
{
    return (double)(jt_clock_us() - p->started_us) / 1e6;
}

static void format_eta(int64_t eta_s, char *out, size_t room)
{
    if (eta_s < 0) {
        snprintf(out, room, "--:--");
    } else if (eta_s < 3600) {
        snprintf(out, room, "%" PRId64 ":%02" PRId64, eta_s / 60, eta_s % 60);
    } else {
        snprintf(out, room, "%" PRId64 ":%02" PRId64 ":%02" PRId64, eta_s / 3600, eta_s / 60 % 60,
                 eta_s % 60);
    }
}

void jt_progress_format(const char *label, const struct jt_progress_state *state, bool bar,
                        char out[static JT_PROGRESS_LINE])
{
    char drawn[BAR_WIDTH + 4] = "", percent[8] = " --%", eta[32];
    double fraction = state->fraction > 1 ? 1 : state->fraction;
    if (fraction >= 0) {
        snprintf(percent, sizeof percent, "%3d%%", (int)(fraction * 100));
    }
    if (bar) {
        size_t full = fraction < 0 ? 0 : (size_t)(fraction * BAR_WIDTH);
        drawn[0] = '[';
        memset(drawn + 1, '#', full);
        memset(drawn + 1 + full, '-', BAR_WIDTH - full);
        memcpy(drawn + 1 + BAR_WIDTH, "] ", 3);
    }
    format_eta(state->eta_s, eta, sizeof eta);
    int len = snprintf(out, JT_PROGRESS_LINE, "%.20s %s%s  %" PRIu64 " rows  %.0f rows/s  ETA %s",
                       label, drawn, percent, state->rows, state->rate, eta);
    if (state->note != NULL && len < JT_PROGRESS_LINE) {
        snprintf(out + len, JT_PROGRESS_LINE - (size_t)len, "  %s", state->note);
    }
}

static void draw(struct jt_progress *p, const struct jt_progress_state *state)
{
    char line[JT_PROGRESS_LINE];
    jt_progress_format(p->label, state, p->bar, line);
    if (p->bar) {
        fprintf(stderr, "\r%s\x1b[K", line); /* and erase what a longer line left */
        fflush(stderr);
        p->drawn = true;
    } else {
        fprintf(stderr, "%s\n", line);
    }
    p->shown_us = jt_clock_us();
}

void jt_progress_show(struct jt_progress *p, const struct jt_progress_state *state)
{
    if (jt_clock_us() - p->shown_us >= (p->bar ? REDRAW_US : LINE_US)) {
        draw(p, state);
    }
}

void jt_progress_update(struct jt_progress *p, double fraction, uint64_t rows)
{
    double elapsed = jt_progress_elapsed_s(p);
    struct jt_progress_state state = { .fraction = fraction, .rows = rows, .eta_s = -1 };
    state.rate = elapsed > 0 ? (double)rows / elapsed : 0;
    if (fraction > 0.001) {
        state.eta_s = (int64_t)(elapsed / fraction * (1 - fraction) + 0.5);
    }
    jt_progress_show(p, &state);
}

void jt_progress_end(struct jt_progress *p, const struct jt_progress_state *last)
{
    if (last != NULL && p->bar) {
        draw(p, last);
    }
    if (p->drawn) {
        fputc('\n', stderr);
        p->drawn = false;
    }
}
