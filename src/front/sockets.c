/* SPDX-License-Identifier: Apache-2.0 */
#include "front/sockets.h"

#include <systemd/sd-daemon.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TLS_NAME "tls"

static void free_names(char **names)
{
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        free(names[i]);
    }
    free(names);
}

static enum jt_err inherit(struct jt_places *places, int n, char *const *names, bool anywhere,
                           struct jt_fault *fault)
{
    enum jt_err err = JT_OK;
    for (int i = 0; err == JT_OK && i < n; i++) {
        bool tls = names != NULL && strcmp(names[i], TLS_NAME) == 0;
        err = jt_places_inherit(places, SD_LISTEN_FDS_START + i, tls, anywhere, fault);
    }
    return err;
}

static enum jt_err find_places(const struct jt_conf *conf, struct jt_places *places,
                               struct jt_fault *fault)
{
    char **names = NULL;
    bool anywhere = strcmp(conf->front_plain_on_networks, "yes") == 0;
    int n = sd_listen_fds_with_names(1, &names);
    enum jt_err err;
    if (n > 0) {
        err = inherit(places, n, names, anywhere, fault);
    } else {
        err = jt_places_add(places, "listen", conf->front_listen, (int)conf->front_port, false,
                            anywhere, fault);
        if (err == JT_OK) {
            err = jt_places_add(places, "tls_listen", conf->front_tls_listen,
                                (int)conf->front_tls_port, true, anywhere, fault);
        }
    }
    free_names(names);
    /* Keys of development lie open: nobody is to send cards there from elsewhere. */
    if (err == JT_OK && jt_conf_is_development(conf)) {
        err = jt_places_stay_home(places, fault);
    }
    if (err == JT_OK && places->n == 0) {
        err = jt_fault_set(fault, JT_ERR_INVALID, "neither listen nor tls_listen names a place");
    }
    return err;
}

static bool wants_tls(const struct jt_places *places)
{
    for (size_t i = 0; i < places->n; i++) {
        if (places->all[i].tls) {
            return true;
        }
    }
    return false;
}

static void close_place(const struct jt_sockets *sockets, size_t place, int loop, int n_loops)
{
    for (; loop < n_loops; loop++) {
        close(sockets->fds[loop][place]);
    }
}

static enum jt_err open_places(struct jt_sockets *sockets, int n_loops, struct jt_fault *fault)
{
    int fds[JT_LOOPS_MAX];
    enum jt_err err = JT_OK;
    size_t n = 0;
    for (; err == JT_OK && n < sockets->places.n; n += err == JT_OK) {
        err = jt_place_open(&sockets->places.all[n], fds, n_loops, fault);
        for (int loop = 0; err == JT_OK && loop < n_loops; loop++) {
            sockets->fds[loop][n] = fds[loop];
        }
    }
    for (; err != JT_OK && n > 0; n--) {
        close_place(sockets, n - 1, 0, n_loops);
    }
    return err;
}

enum jt_err jt_sockets_open(const struct jt_conf *conf, int n_loops, struct jt_sockets *out,
                            struct jt_fault *fault)
{
    out->places.n = 0;
    enum jt_err err = find_places(conf, &out->places, fault);
    if (err == JT_OK && wants_tls(&out->places) && conf->front_tls_certificate[0] == '\0') {
        err = jt_fault_set(fault, JT_ERR_INVALID,
                           "TLS is to be served, and tls_certificate is not set");
    }
    if (err == JT_OK) {
        err = open_places(out, n_loops, fault);
    }
    if (err != JT_OK) {
        jt_sockets_close(out);
    }
    return err;
}

size_t jt_sockets_of(const struct jt_sockets *sockets, int loop, struct jt_tls_server *tls,
                     struct jt_door_socket out[static JT_DOOR_SOCKETS_MAX])
{
    for (size_t i = 0; i < sockets->places.n; i++) {
        out[i] = (struct jt_door_socket){ .fd = sockets->fds[loop][i],
                                          .tls = sockets->places.all[i].tls ? tls : NULL };
    }
    return sockets->places.n;
}

void jt_sockets_drop(const struct jt_sockets *sockets, int loop, int n_loops)
{
    for (size_t i = 0; i < sockets->places.n; i++) {
        close_place(sockets, i, loop, n_loops);
    }
}

int jt_sockets_port(const struct jt_sockets *sockets, bool tls)
{
    for (size_t i = 0; i < sockets->places.n; i++) {
        const struct jt_place *place = &sockets->places.all[i];
        if (place->tls == tls && place->port > 0) {
            return place->port;
        }
    }
    return 0;
}

void jt_sockets_close(struct jt_sockets *sockets)
{
    jt_places_close(&sockets->places);
}
