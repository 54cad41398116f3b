/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/course.h"

#include "base/log.h"

#include <string.h>

enum jt_err jt_course_standing(const struct jt_keeper *k)
{
    return k->course_why;
}

bool jt_course_unsaved(const struct jt_keeper *k)
{
    return k->course_moved;
}

enum jt_err jt_course_keep(struct jt_keeper *k)
{
    const struct jt_keeper_state state = k->state;
    return k->course_moved ? jt_keeper_save(k, &state) : JT_OK;
}

enum jt_err jt_course_judge(const struct jt_keeper *k, const struct jt_course *now)
{
    const struct jt_course *seen = &k->state.course;
    enum jt_err err = jt_course_follows(seen, now);
    bool grown = err == JT_OK && k->state.forked && now->timeline == seen->timeline;
    return grown ? JT_ERR_LOG_BEHIND : err;
}

/* Once for each change: whoever reads the log sees both sides. */
static void tell_refused(const struct jt_keeper *k, enum jt_err why, const struct jt_course *now)
{
    char seen_text[JT_COURSE_TEXT], now_text[JT_COURSE_TEXT];
    jt_course_format(&k->state.course, seen_text);
    jt_course_format(now, now_text);
    jt_log(JT_LOG_ERROR,
           "alarm: %s; seen: %s; shown: %s; nothing is minted, and no ring is accepted",
           jt_err_str(why), seen_text, now_text);
}

/*
 * What is known now must be known after a restart too: by it alone the database is refused then,
 * and a request of a recovery is bound to it.
 */
static enum jt_err refuse(struct jt_keeper *k, enum jt_err why, const struct jt_course *now)
{
    if (k->course_why != why) {
        tell_refused(k, why, now);
    }
    k->course_why = why;
    k->joined = false;
    k->ring_shown = false;
    if (why == JT_ERR_LOG_BEHIND && !k->state.forked) {
        k->state.forked = true;
        k->course_moved = true;
    }
    enum jt_err err = jt_course_keep(k);
    return err == JT_OK ? why : err;
}

static void tell_taken(const struct jt_keeper *k, const struct jt_course *now)
{
    char text[JT_COURSE_TEXT];
    jt_course_format(now, text);
    if (!jt_course_known(&k->state.course)) {
        jt_log(JT_LOG_INFO, "database: the first one that this keeper is shown: %s", text);
    } else if (k->course_why != JT_OK) {
        jt_log(JT_LOG_WARNING, "database: it is what this keeper has seen again: %s", text);
    } else if (now->timeline != k->state.course.timeline) {
        jt_log(JT_LOG_WARNING,
               "database: another server has taken over, and nothing that was seen is missing: %s",
               text);
    }
}

enum jt_err jt_course_look(struct jt_keeper *k, const struct jt_course *now)
{
    if (!jt_course_known(now) || now->timeline == 0) {
        return JT_ERR_INVALID;
    }
    enum jt_err err = jt_course_judge(k, now);
    return err == JT_OK ? JT_OK : refuse(k, err, now);
}

enum jt_err jt_course_note(struct jt_keeper *k, const struct jt_course *now)
{
    const struct jt_course *seen = &k->state.course;
    enum jt_err err = JT_OK;
    tell_taken(k, now);
    if (seen->system_identifier == now->system_identifier && seen->timeline == now->timeline) {
        k->course_moved = k->course_moved || memcmp(seen, now, sizeof *now) != 0;
        k->state.course = *now;
    } else {
        struct jt_keeper_state next = k->state;
        next.course = *now;
        next.forked = false;
        err = jt_keeper_save(k, &next);
    }
    if (err == JT_OK) {
        k->course_why = JT_OK;
    }
    return err;
}
