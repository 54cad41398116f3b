/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a long job is, on standard error: a bar with rate and time to go that redraws itself on a
 * terminal, else a plain line every five seconds.
 */
#ifndef JETON_CLI_PROGRESS_H
#define JETON_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JT_PROGRESS_LINE 120

struct jt_progress {
    const char *label;
    bool bar;
    bool drawn; /* a bar stands on the current line */
    int64_t started_us, shown_us;
};

/* What one line shows. */
struct jt_progress_state {
    double fraction;  /* 0 to 1; negative: unknown */
    uint64_t rows;    /* done */
    double rate;      /* rows per second */
    int64_t eta_s;    /* seconds to go; -1: unknown */
    const char *note; /* what else there is to say; NULL: nothing */
};

/*
 * `label` stays the caller's. The bar is drawn if standard error is a terminal, or if it is
 * `wanted` all the same.
 */
void jt_progress_start(struct jt_progress *p, const char *label, bool wanted);

/* Shows the state when it is time to. Rate and ETA are reckoned from the start. */
void jt_progress_update(struct jt_progress *p, double fraction, uint64_t rows);

/* Shows a state whose rate and ETA come from elsewhere. */
void jt_progress_show(struct jt_progress *p, const struct jt_progress_state *state);

/* Ends the bar's line, after a last drawing of `last` when that is not NULL. */
void jt_progress_end(struct jt_progress *p, const struct jt_progress_state *last);

/* One line as shown, without line end. */
void jt_progress_format(const char *label, const struct jt_progress_state *state, bool bar,
                        char out[static JT_PROGRESS_LINE]);

/* Seconds since the start. */
double jt_progress_elapsed_s(const struct jt_progress *p);

#endif
