/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/secret.h"

#include "base/file.h"
#include "base/secmem.h"
#include "cli/exit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#define INTERRUPT 3 /* Ctrl-C */

void jt_secret_protect(void)
{
    const struct rlimit no_core = { 0, 0 };
    if (setrlimit(RLIMIT_CORE, &no_core) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        jt_complain("this process cannot be kept from others of this user: %s", strerror(errno));
    }
}

void jt_secret_clear_screen(void)
{
    static const char clear[] = JT_CLEAR_SCREEN;
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (tty >= 0) {
        ssize_t n = write(tty, clear, sizeof clear - 1);
        (void)n; /* a terminal that is gone shows nothing */
        close(tty);
    }
}

static void cut_line(char *text)
{
    text[strcspn(text, "\r\n")] = '\0';
}

static int first_line(const char *path, bool private_only, char out[static JT_SECRET_MAX + 1])
{
    struct jt_buf contents;
    jt_buf_init(&contents, JT_SECRET_MAX + 2); /* with the end of a line */
    enum jt_err err = jt_file_read(AT_FDCWD, path, private_only, &contents);
    memset(out, 0, JT_SECRET_MAX + 1);
    size_t len = 0;
    while (err == JT_OK && len < contents.len && contents.data[len] != '\n' &&
           contents.data[len] != '\r') {
        len++;
    }
    err = len > JT_SECRET_MAX ? JT_ERR_LIMIT : err;
    if (err == JT_OK && len > 0) {
        memcpy(out, contents.data, len);
    } else if (err != JT_OK) {
        jt_complain("%s: %s", path,
                    err == JT_ERR_FILE_UNSAFE
                        ? "must be a file of this user that nobody else can read (chmod 600)"
                    : err == JT_ERR_IO || err == JT_ERR_NO_FILE ? strerror(errno)
                                                                : jt_err_str(err));
    }
    jt_buf_clear(&contents);
    return err == JT_OK ? JT_EXIT_OK : JT_EXIT_CONFIG;
}

int jt_secret_file(const char *path, char out[static JT_SECRET_MAX + 1])
{
    return first_line(path, true, out);
}

int jt_secret_credential(const char *name, char out[static JT_SECRET_MAX + 1])
{
    char path[PATH_MAX];
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    int n = directory == NULL ? -1 : snprintf(path, sizeof path, "%s/%s", directory, name);
    if (n < 0 || n >= PATH_MAX) {
        jt_complain("systemd has given no credentials: the unit needs LoadCredentialEncrypted=%s",
                    name);
        return JT_EXIT_CONFIG;
    }
    /* systemd's directory is private, and its files may be this user's by an access list only */
    return first_line(path, false, out);
}

/* A line of the terminal; what is typed at the prompt is shown or not. */
static bool ask(int tty, const char *prompt, bool shown, char out[static JT_SECRET_MAX + 1])
{
    struct termios before, quiet;
    if (tcgetattr(tty, &before) != 0) {
        return false;
    }
    quiet = before;
    /* keys that would end this process end the line instead: the caller clears the screen */
    quiet.c_lflag &= ~(tcflag_t)(shown ? ISIG : ISIG | ECHO);
    quiet.c_cc[VEOL] = INTERRUPT;
    memset(out, 0, JT_SECRET_MAX + 1);
    /* quiet first: what is typed at the prompt is never shown */
    bool asked = tcsetattr(tty, TCSAFLUSH, &quiet) == 0 &&
                 write(tty, prompt, strlen(prompt)) == (ssize_t)strlen(prompt);
    ssize_t n = asked ? read(tty, out, JT_SECRET_MAX) : -1;
    bool back = tcsetattr(tty, TCSAFLUSH, &before) == 0;
    asked = (shown || write(tty, "\n", 1) == 1) && back && n > 0 &&
            memchr(out, INTERRUPT, (size_t)n) == NULL;
    cut_line(out);
    return asked;
}

static int open_terminal(void)
{
    return open("/dev/tty", O_RDWR | O_CLOEXEC);
}

bool jt_secret_can_ask(void)
{
    int tty = open_terminal();
    if (tty >= 0) {
        close(tty);
    }
    return tty >= 0;
}

int jt_secret_ask(const char *prompt, const char *again, char out[static JT_SECRET_MAX + 1])
{
    char second[JT_SECRET_MAX + 1] = "";
    int tty = open_terminal();
    if (tty < 0) {
        jt_complain("there is no terminal to ask at: give a file instead");
        return JT_EXIT_USAGE;
    }
    bool had = ask(tty, prompt, false, out);
    if (had && again != NULL) {
        had = ask(tty, again, false, second);
    }
    close(tty);
    bool same = had && (again == NULL || strcmp(out, second) == 0);
    jt_wipe(second, sizeof second);
    if (!same) {
        jt_complain(had ? "the two are not the same" : "nothing was read");
        return JT_EXIT_FAILED;
    }
    return JT_EXIT_OK;
}

int jt_secret_tell(const char *text, char line[static JT_SECRET_MAX + 1])
{
    int tty = open_terminal();
    bool good = tty >= 0 && ask(tty, text, true, line);
    if (tty >= 0) {
        close(tty);
    }
    if (!good) {
        jt_complain("the terminal is gone");
    }
    return good ? JT_EXIT_OK : JT_EXIT_FAILED;
}
