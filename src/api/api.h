/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The REST API of one event loop: what its requests reach, and nothing beyond. The server
 * (http/server.h) calls it through jt_api_ops, with the struct jt_api as their argument; it in turn
 * knows of the server only the exchanges (http/exchange.h) in which it answers.
 *
 * Everything happens in the loop's thread.
 */
#ifndef JETON_API_API_H
#define JETON_API_API_H

#include "api/login.h"
#include "http/server.h"
#include "model/proxies.h"
#include "vault/lanes.h"

#include <stdbool.h>

struct jt_metrics;

struct jt_api {
    struct jt_vault *vault;
    struct jt_lanes *lanes;                /* of this loop */
    struct jt_door_shared *doors;          /* what is counted at all doors */
    struct jt_request *large, *large_last; /* whose bodies are to be read, a step a round */
    struct jt_metrics *metrics;            /* of this loop; NULL: nobody counts */
    struct jt_logins logins;
    struct jt_budget_ask *budget_asks; /* reservations that are under way (api/budget.h) */
    struct jt_proxies proxies;         /* that are believed */
    bool access_log;                   /* each answer is noted (api/access.h) */
    bool closed; /* the lanes are gone: what still comes in is told that the process stops */
};

/* When the lanes are gone and before the server goes: answers what is still to be read. */
void jt_api_close(struct jt_api *api);

extern const struct jt_server_ops jt_api_ops;

#endif
