/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/auditcheck.h"

#include "base/hex.h"
#include "cli/auditask.h"
#include "cli/auditjson.h"
#include "cli/exit.h"
#include "cli/rest.h"
#include "store/chain.h"
#include "wire/audit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CLAIMS 256 /* asked for at once */
#define HEX(n) (2 * (n) + 1)

/* A head that something outside of the chain vouches for. */
struct anchor {
    uint64_t number;
    uint8_t head[JT_ROW_MAC_LEN];
    uint8_t running[JT_AUDIT_DIGEST_LEN];
    uint64_t at_us; /* it was known by then */
    bool has_running, is_last, met;
};

struct chain {
    struct jt_chain at; /* how far it has come */
    bool from_start;    /* seen from its first link on: `running` is known */
    bool has_head;      /* of the link before the next one */
    uint64_t closed;    /* links up to this one were dropped when their time was over; 0: none */
    uint8_t closed_head[JT_ROW_MAC_LEN];
    bool bad; /* its first bad place was told */
    struct anchor *anchors;
    size_t n_anchors;
};

struct start {
    struct jt_audit_start start;
    bool named; /* by its successor: its chains have ended */
};

struct jt_auditcheck {
    const struct jt_cli *cli;
    bool partial;
    uint64_t until_us;
    struct start *starts;
    size_t n_starts;
    struct chain *chains;
    size_t n_chains;

    /* the link under way */
    struct jt_audit_row *rows;
    size_t n_rows;
    int64_t start;
    uint16_t connection;
    uint64_t link, at_us;

    json_t *claims; /* links that the keeper is still to be asked for, and whose they are */
    size_t claimed[CLAIMS];
    uint64_t claimed_links[CLAIMS];

    uint64_t n_seen, n_unchained, n_links, n_checked, n_bad;
};

/* --- what is told --- */

static void tell(struct jt_auditcheck *c, struct chain *chain, uint64_t link, const char *what)
{
    if (!chain->bad) {
        printf("bad: start %u, connection %u, link %" PRIu64 ": %s\n", chain->at.start,
               chain->at.connection, link, what);
        c->n_bad++;
    }
    chain->bad = true;
}

static void tell_start(struct jt_auditcheck *c, uint32_t start, const char *what)
{
    printf("bad: start %u: %s\n", start, what);
    c->n_bad++;
}

static int no_memory(void)
{
    jt_complain("out of memory");
    return JT_EXIT_FAILED;
}

/* --- starts and chains --- */

static struct start *find_start(struct jt_auditcheck *c, uint32_t id)
{
    for (size_t i = c->n_starts; i > 0; i--) {
        if (c->starts[i - 1].start.id == id) {
            return &c->starts[i - 1];
        }
    }
    return NULL;
}

/* The chain, new if it was not met before; NULL: no memory. */
static struct chain *chain_of(struct jt_auditcheck *c, uint32_t start, uint16_t connection)
{
    for (size_t i = c->n_chains; i > 0; i--) {
        struct chain *chain = &c->chains[i - 1];
        if (chain->at.start == start && chain->at.connection == connection) {
            return chain;
        }
    }
    struct chain *grown = realloc(c->chains, (c->n_chains + 1) * sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    c->chains = grown;
    struct chain *chain = &c->chains[c->n_chains++];
    *chain = (struct chain){ .from_start = true };
    jt_chain_begin(&chain->at, start, connection, (const uint8_t[JT_ROW_MAC_LEN]){ 0 });
    return chain;
}

static bool add_anchor(struct jt_auditcheck *c, uint32_t start, uint16_t connection,
                       const struct anchor *anchor)
{
    struct chain *chain = chain_of(c, start, connection);
    struct anchor *grown =
        chain == NULL ? NULL
                      : realloc(chain->anchors, (chain->n_anchors + 1) * sizeof *chain->anchors);
    if (grown != NULL) {
        chain->anchors = grown;
        grown[chain->n_anchors++] = *anchor;
    }
    return grown != NULL;
}

/* --- heads from outside --- */

#define MARK "audit-heads 1 "

/* "connection:link:head:running"; false: no memory, or not like that. */
static bool take_head(struct jt_auditcheck *c, uint32_t start, uint64_t at_us, const char *text)
{
    char head[HEX(JT_ROW_MAC_LEN)], running[HEX(JT_AUDIT_DIGEST_LEN)];
    struct anchor anchor = { .at_us = at_us, .has_running = true };
    unsigned connection;
    return sscanf(text, "%u:%" SCNu64 ":%32[0-9a-f]:%64[0-9a-f]", &connection, &anchor.number, head,
                  running) == 4 &&
           connection <= UINT16_MAX && strlen(head) == HEX(JT_ROW_MAC_LEN) - 1 &&
           strlen(running) == HEX(JT_AUDIT_DIGEST_LEN) - 1 &&
           jt_hex_decode(head, JT_ROW_MAC_LEN, anchor.head) == JT_OK &&
           jt_hex_decode(running, JT_AUDIT_DIGEST_LEN, anchor.running) == JT_OK &&
           add_anchor(c, start, (uint16_t)connection, &anchor);
}

/* "node start time", then heads */
static bool take_heads(struct jt_auditcheck *c, char *line)
{
    char *next, *node = strtok_r(line, " \r\n", &next), *start = strtok_r(NULL, " \r\n", &next),
                *time = strtok_r(NULL, " \r\n", &next);
    if (node == NULL || start == NULL || time == NULL) {
        return false;
    }
    for (char *head = strtok_r(NULL, " \r\n", &next); head != NULL;
         head = strtok_r(NULL, " \r\n", &next)) {
        if (!take_head(c, (uint32_t)strtoul(start, NULL, 10), strtoull(time, NULL, 10), head)) {
            return false;
        }
    }
    return true;
}

int jt_auditcheck_heads(struct jt_auditcheck *c, FILE *in)
{
    char *line = NULL;
    size_t size = 0;
    bool good = true;
    while (good && getline(&line, &size, in) > 0) {
        char *mark = strstr(line, MARK);
        good = mark == NULL || take_heads(c, mark + sizeof MARK - 1);
    }
    free(line);
    if (!good) {
        jt_complain("a line of the heads is cut off or was changed");
    }
    return good ? JT_EXIT_OK : JT_EXIT_FAILED;
}

void jt_auditcheck_until(struct jt_auditcheck *c, uint64_t until_us)
{
    c->until_us = until_us;
}

/* --- starts --- */

/* Whether the keeper made the start. */
static int check_start(struct jt_auditcheck *c, const struct jt_audit_start *start)
{
    struct jt_buf body;
    bool good;
    jt_buf_init(&body, JT_WIRE_MAX_FRAME);
    jt_audit_start_encode(start, &body);
    jt_buf_put(&body, start->mac, sizeof start->mac);
    int code = jt_auditask(c->cli, "starts", &body, &good);
    jt_buf_clear(&body);
    if (code == JT_EXIT_OK && !good) {
        tell_start(c, start->id, "its row was changed, or no keeper of this service made it");
    }
    return code;
}

/* A successor says where the chains of this start ended. */
static bool add_ends(struct jt_auditcheck *c, const struct jt_audit_start *start)
{
    bool good = true;
    for (size_t i = 0; i < start->n_ends && good; i++) {
        struct anchor anchor = { .number = start->ends[i].number,
                                 .at_us = start->at_us,
                                 .is_last = true };
        memcpy(anchor.head, start->ends[i].head, sizeof anchor.head);
        good = add_anchor(c, start->predecessor, start->ends[i].connection, &anchor);
    }
    return good;
}

int jt_auditcheck_start(struct jt_auditcheck *c, const json_t *json)
{
    struct start start = { .named = false };
    if (!jt_auditjson_start(json, &start.start)) {
        free(start.start.ends);
        jt_complain("a start of the audit trail is not as it should be");
        return JT_EXIT_FAILED;
    }
    const struct start *known = find_start(c, start.start.id);
    if (known != NULL) { /* an export that was gone on with has it again */
        if (memcmp(known->start.mac, start.start.mac, sizeof start.start.mac) != 0) {
            tell_start(c, start.start.id, "there are two of it");
        }
        free(start.start.ends);
        return JT_EXIT_OK;
    }
    struct start *grown = realloc(c->starts, (c->n_starts + 1) * sizeof *grown);
    if (grown == NULL || !add_ends(c, &start.start)) {
        c->starts = grown == NULL ? c->starts : grown;
        free(start.start.ends);
        return no_memory();
    }
    c->starts = grown;
    grown[c->n_starts++] = start;
    return check_start(c, &start.start);
}

/* --- closes --- */

int jt_auditcheck_close(struct jt_auditcheck *c, const json_t *json)
{
    struct jt_audit_close close;
    struct jt_buf body;
    bool good;
    if (!jt_auditjson_close(json, &close)) {
        jt_complain("a close of the audit trail is not as it should be");
        return JT_EXIT_FAILED;
    }
    struct chain *chain = chain_of(c, close.start, close.connection);
    if (chain == NULL) {
        return no_memory();
    }
    jt_buf_init(&body, JT_WIRE_MAX_FRAME);
    jt_audit_close_encode(&close, &body);
    jt_buf_put(&body, close.mac, sizeof close.mac);
    int code = jt_auditask(c->cli, "closes", &body, &good);
    jt_buf_clear(&body);
    if (code == JT_EXIT_OK && !good) {
        tell(c, chain, close.number, "no keeper of this service said that it may end here");
    } else if (code == JT_EXIT_OK) {
        chain->closed = close.number;
        memcpy(chain->closed_head, close.head, sizeof close.head);
    }
    return code;
}

/* --- links --- */

static int ask_claims(struct jt_auditcheck *c)
{
    size_t n = json_array_size(c->claims);
    if (n == 0) {
        return JT_EXIT_OK;
    }
    json_t *ask = json_pack("{sO}", "links", c->claims);
    struct jt_answer answer;
    int code = jt_rest_call(c->cli, "POST", "/v1/audit/verify", ask, &answer);
    json_t *good = code == JT_EXIT_OK ? json_object_get(answer.json, "links") : NULL;
    for (size_t i = 0; i < n && good != NULL; i++) {
        if (!json_is_true(json_array_get(good, i))) {
            tell(c, &c->chains[c->claimed[i]], c->claimed_links[i],
                 "its rows are not those that were written, or the link before it is not");
        }
    }
    c->n_checked += code == JT_EXIT_OK ? n : 0;
    jt_answer_clear(&answer);
    json_decref(ask);
    (void)json_array_clear(c->claims);
    return code;
}

static int claim(struct jt_auditcheck *c, const struct chain *chain, const struct jt_link *link)
{
    uint8_t bytes[JT_AUDIT_LINK_LEN + JT_ROW_MAC_LEN];
    char text[HEX(sizeof bytes)];
    size_t n = json_array_size(c->claims);
    if (c->cli == NULL) {
        return JT_EXIT_OK;
    }
    jt_audit_link_pack(&link->what, bytes);
    memcpy(bytes + JT_AUDIT_LINK_LEN, link->head, sizeof link->head);
    jt_hex_encode(bytes, sizeof bytes, text);
    c->claimed[n] = (size_t)(chain - c->chains);
    c->claimed_links[n] = link->what.number;
    if (json_array_append_new(c->claims, json_string(text)) != 0) {
        return no_memory();
    }
    return n + 1 == CLAIMS ? ask_claims(c) : JT_EXIT_OK;
}

/* Heads that are known from outside, where the chain comes by. */
static void meet_anchors(struct jt_auditcheck *c, struct chain *chain)
{
    for (size_t i = 0; i < chain->n_anchors; i++) {
        struct anchor *a = &chain->anchors[i];
        if (a->number != chain->at.number) {
            if (a->is_last && a->number < chain->at.number) {
                tell(c, chain, chain->at.number, "it comes after the end that its successor found");
            }
            continue;
        }
        a->met = true;
        if (memcmp(a->head, chain->at.head, sizeof a->head) != 0) {
            tell(c, chain, a->number, "its head is not the one that was kept outside");
        } else if (a->has_running && chain->from_start &&
                   memcmp(a->running, chain->at.running, sizeof a->running) != 0) {
            tell(c, chain, a->number, "rows up to it are not those that were written");
        }
    }
}

/* The first link that is met of a chain: what is before it. */
static void begin_chain(struct jt_auditcheck *c, struct chain *chain)
{
    const struct start *start = find_start(c, chain->at.start);
    if (start == NULL) {
        tell(c, chain, c->link, "the row of its start is missing");
    } else if (c->link == chain->closed + 1 && chain->closed > 0) {
        memcpy(chain->at.head, chain->closed_head, sizeof chain->at.head);
        chain->at.number = chain->closed;
        chain->has_head = true;
        chain->from_start = false;
        return;
    } else if (c->link == 1) {
        memcpy(chain->at.head, start->start.mac, sizeof chain->at.head);
        chain->has_head = true;
        return;
    }
    if (!c->partial && c->link > chain->closed) {
        tell(c, chain, chain->closed + 1, "links are missing before the first one that is there");
    }
    chain->from_start = false;
    chain->at.number = c->link - 1;
}

static int finish_link(struct jt_auditcheck *c, const uint8_t head[static JT_ROW_MAC_LEN])
{
    struct jt_link link;
    struct chain *chain = chain_of(c, (uint32_t)c->start, c->connection);
    if (chain == NULL) {
        return no_memory();
    }
    if (chain->at.number == 0 && !chain->has_head) {
        begin_chain(c, chain);
    }
    if (c->link != chain->at.number + 1) {
        tell(c, chain, chain->at.number + 1,
             c->link > chain->at.number ? "it is missing" : "a link comes twice, or out of order");
        chain->has_head = false;
    }
    if (c->at_us < chain->at.at_us) {
        tell(c, chain, c->link, "its time is before that of the link before it");
    }
    chain->at.number = c->link - 1;
    chain->at.at_us = 0;
    if (jt_chain_next(&chain->at, c->rows, c->n_rows, c->at_us, &link) != JT_OK) {
        return no_memory();
    }
    memcpy(link.head, head, sizeof link.head);
    int code = chain->has_head ? claim(c, chain, &link) : JT_EXIT_OK;
    jt_chain_stands(&chain->at, &link);
    chain->has_head = true;
    c->n_links++;
    meet_anchors(c, chain);
    return code;
}

/* --- rows --- */

static void free_rows(struct jt_auditcheck *c)
{
    for (size_t i = 0; i < c->n_rows; i++) {
        jt_auditjson_row_clear(&c->rows[i]);
    }
    c->n_rows = 0;
}

/* The rows gathered so far are not a whole link. */
static int give_up_link(struct jt_auditcheck *c, const char *what)
{
    struct chain *chain = c->n_rows == 0 ? NULL : chain_of(c, (uint32_t)c->start, c->connection);
    if (chain != NULL) {
        tell(c, chain, c->link, what);
        chain->has_head = false;
    }
    int code = c->n_rows > 0 && chain == NULL ? no_memory() : JT_EXIT_OK;
    free_rows(c);
    return code;
}

static bool same_link(const struct jt_auditcheck *c, int64_t start, int64_t connection,
                      int64_t link, int64_t at_us)
{
    return c->start == start && c->connection == connection && c->link == (uint64_t)link &&
           c->at_us == (uint64_t)at_us;
}

static int add_row(struct jt_auditcheck *c, const json_t *json, int64_t place)
{
    struct jt_audit_row *grown = realloc(c->rows, (c->n_rows + 1) * sizeof *grown);
    if (grown == NULL) {
        return no_memory();
    }
    c->rows = grown;
    if (!jt_auditjson_row(json, &grown[c->n_rows++])) {
        jt_complain("a row of the audit trail is not as it should be");
        return JT_EXIT_FAILED;
    }
    struct chain *chain = chain_of(c, (uint32_t)c->start, c->connection);
    if (chain == NULL) {
        return no_memory();
    }
    if ((size_t)place != c->n_rows) {
        tell(c, chain, c->link, "its rows are not all there, or some come twice");
    }
    if (!jt_auditjson_ids_agree(json, &grown[c->n_rows - 1])) {
        tell(c, chain, c->link, "the ids are not those that were opened");
    }
    return JT_EXIT_OK;
}

int jt_auditcheck_row(struct jt_auditcheck *c, const json_t *json)
{
    int64_t start, connection, link, place, at_us;
    uint8_t head[JT_ROW_MAC_LEN];
    bool has_head = !json_is_null(json_object_get(json, "head"));
    if (!jt_auditjson_number(json, "start", INT32_MIN, INT32_MAX, &start) ||
        !jt_auditjson_number(json, "connection", 0, INT16_MAX, &connection) ||
        !jt_auditjson_number(json, "link", 0, INT64_MAX, &link) ||
        !jt_auditjson_number(json, "place", 0, INT16_MAX, &place) ||
        !jt_auditjson_number(json, "at_us", 0, INT64_MAX, &at_us) ||
        (has_head && !jt_auditjson_hex(json, "head", head, sizeof head))) {
        jt_complain("a row of the audit trail is not as it should be");
        return JT_EXIT_FAILED;
    }
    c->n_seen++;
    if (start < 0) {
        c->n_unchained++;
        return JT_EXIT_OK;
    }
    int code = JT_EXIT_OK;
    if (c->n_rows > 0 && !same_link(c, start, connection, link, at_us)) {
        code = give_up_link(c, "its last row is missing");
    }
    c->start = start;
    c->connection = (uint16_t)connection;
    c->link = (uint64_t)link;
    c->at_us = (uint64_t)at_us;
    code = code == JT_EXIT_OK ? add_row(c, json, place) : code;
    if (code == JT_EXIT_OK && has_head) {
        code = finish_link(c, head);
        free_rows(c);
    }
    return code;
}

/* --- the end --- */

static void see_chains(struct jt_auditcheck *c)
{
    for (size_t i = 0; i < c->n_chains; i++) {
        struct chain *chain = &c->chains[i];
        for (size_t a = 0; a < chain->n_anchors && !c->partial; a++) {
            bool due = c->until_us == 0 || chain->anchors[a].at_us < c->until_us;
            due = due && chain->anchors[a].number > chain->closed;
            if (due && !chain->anchors[a].met && !chain->bad) {
                tell(c, chain, chain->at.number + 1,
                     "links are missing from here on: the end was cut off");
            }
        }
    }
}

static void see_starts(struct jt_auditcheck *c)
{
    for (size_t i = 0; i < c->n_starts; i++) {
        uint32_t predecessor = c->starts[i].start.predecessor;
        struct start *found = predecessor == 0 ? NULL : find_start(c, predecessor);
        if (found != NULL) {
            found->named = true;
        } else if (predecessor != 0) {
            tell_start(c, predecessor, "its row is missing, although its successor names it");
        }
    }
    for (size_t i = 0; i < c->n_chains; i++) {
        if (find_start(c, c->chains[i].at.start) == NULL && c->chains[i].at.number == 0) {
            tell(c, &c->chains[i], 1, "its start is missing, and so are its links");
        }
    }
}

/* How far the chains of runs that have no successor are vouched for. */
static void tell_live(struct jt_auditcheck *c)
{
    for (size_t i = 0; i < c->n_chains; i++) {
        struct chain *chain = &c->chains[i];
        const struct start *start = find_start(c, chain->at.start);
        uint64_t newest = 0;
        for (size_t a = 0; a < chain->n_anchors; a++) {
            newest = chain->anchors[a].number > newest ? chain->anchors[a].number : newest;
        }
        if (start != NULL && !start->named && chain->at.number > 0) {
            printf("not checked: start %u, connection %u: whether there was more after link "
                   "%" PRIu64 "; heads from outside reach up to link %" PRIu64 "\n",
                   chain->at.start, chain->at.connection, chain->at.number, newest);
        }
    }
}

int jt_auditcheck_end(struct jt_auditcheck *c)
{
    int code = give_up_link(c, "its last row is missing");
    if (code == JT_EXIT_OK) {
        code = ask_claims(c);
    }
    if (code != JT_EXIT_OK) {
        return code;
    }
    see_starts(c);
    see_chains(c);
    tell_live(c);
    if (c->n_unchained > 0) {
        printf("not checked: %" PRIu64 " rows of before the chain\n", c->n_unchained);
    }
    if (c->n_links > c->n_checked) {
        printf("not checked by a keeper: the heads of %" PRIu64 " links\n",
               c->n_links - c->n_checked);
    }
    printf(
        "%s: %" PRIu64 " rows, %" PRIu64 " links, %zu chains, %zu starts, %" PRIu64 " bad places\n",
        c->n_bad == 0 ? "good" : "BAD", c->n_seen, c->n_links, c->n_chains, c->n_starts, c->n_bad);
    return c->n_bad == 0 ? JT_EXIT_OK : JT_EXIT_REFUSED;
}

/* --- life --- */

struct jt_auditcheck *jt_auditcheck_new(const struct jt_cli *cli, bool partial)
{
    struct jt_auditcheck *c = calloc(1, sizeof *c);
    if (c != NULL) {
        c->cli = cli;
        c->partial = partial;
        c->claims = json_array();
    }
    return c;
}

void jt_auditcheck_free(struct jt_auditcheck *c)
{
    if (c == NULL) {
        return;
    }
    free_rows(c);
    free(c->rows);
    for (size_t i = 0; i < c->n_starts; i++) {
        free(c->starts[i].start.ends);
    }
    for (size_t i = 0; i < c->n_chains; i++) {
        free(c->chains[i].anchors);
    }
    free(c->starts);
    free(c->chains);
    json_decref(c->claims);
    free(c);
}
