/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/bound.h"

#include "cli/exit.h"

#include <signal.h>
#include <unistd.h>

static unsigned left;

/* In the midst of the module's code: nothing but what signal-safety(7) allows. */
static void too_long(int number)
{
    static const char message[] =
        "jeton: the hardware token, or its module, does not answer: pkcs11_timeout in [keeper] is "
        "over\n";
    (void)number;
    ssize_t n = write(STDERR_FILENO, message, sizeof message - 1);
    (void)n; /* there is nobody else to tell */
    _exit(JT_EXIT_UNAVAILABLE);
}

void jt_pkcs11_bound_begin(long seconds)
{
    struct sigaction action = { .sa_handler = too_long };
    sigset_t alarms;
    (void)sigemptyset(&alarms);
    (void)sigaddset(&alarms, SIGALRM);
    (void)sigaction(SIGALRM, &action, NULL);
    (void)sigprocmask(SIG_UNBLOCK, &alarms, NULL); /* whatever started us has left behind */
    (void)alarm((unsigned)seconds);
}

void jt_pkcs11_bound_pause(void)
{
    left = alarm(0);
}

void jt_pkcs11_bound_go_on(void)
{
    (void)alarm(left > 0 ? left : 1);
}
