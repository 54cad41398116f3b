/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/duty.h"

#include "base/clock.h"
#include "base/cond.h"

#include <stdlib.h>

struct jt_duty {
    jt_duty_step_fn *step;
    void *arg;
    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    bool stopping, news;
};

/* Waits until the next step is due; false when there is none. */
static bool wait_for(struct jt_duty *duty, struct jt_again again)
{
    int64_t due_ms = jt_clock_ms() + again.ms;
    pthread_mutex_lock(&duty->mutex);
    while (!duty->stopping && !(again.on_news && duty->news)) {
        int64_t left_ms = due_ms - jt_clock_ms();
        if (again.ms < 0) {
            pthread_cond_wait(&duty->changed, &duty->mutex);
        } else if (left_ms <= 0) {
            break;
        } else {
            (void)jt_cond_wait_ms(&duty->changed, &duty->mutex, (int)left_ms);
        }
    }
    if (again.on_news) {
        duty->news = false; /* else it is kept for the step that waits for it */
    }
    bool go_on = !duty->stopping;
    pthread_mutex_unlock(&duty->mutex);
    return go_on;
}

static void *work(void *arg)
{
    struct jt_duty *duty = arg;
    while (wait_for(duty, duty->step(duty->arg))) {
    }
    return NULL;
}

static void duty_free(struct jt_duty *duty)
{
    pthread_cond_destroy(&duty->changed);
    pthread_mutex_destroy(&duty->mutex);
    free(duty);
}

enum jt_err jt_duty_start(jt_duty_step_fn *step, void *arg, struct jt_duty **out)
{
    *out = NULL;
    struct jt_duty *duty = calloc(1, sizeof *duty);
    if (duty == NULL) {
        return JT_ERR_NOMEM;
    }
    duty->step = step;
    duty->arg = arg;
    pthread_mutex_init(&duty->mutex, NULL);
    jt_cond_init(&duty->changed);
    if (pthread_create(&duty->thread, NULL, work, duty) != 0) {
        duty_free(duty);
        return JT_ERR_NOMEM;
    }
    *out = duty;
    return JT_OK;
}

void jt_duty_stop(struct jt_duty *duty)
{
    if (duty == NULL) {
        return;
    }
    pthread_mutex_lock(&duty->mutex);
    duty->stopping = true;
    pthread_cond_signal(&duty->changed);
    pthread_mutex_unlock(&duty->mutex);
    pthread_join(duty->thread, NULL);
    duty_free(duty);
}

void jt_duty_nudge(struct jt_duty *duty)
{
    pthread_mutex_lock(&duty->mutex);
    duty->news = true;
    pthread_cond_signal(&duty->changed);
    pthread_mutex_unlock(&duty->mutex);
}
