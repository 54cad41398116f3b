/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cardlist.h"

#include "cli/exit.h"
#include "cli/number.h"
#include "cli/rest.h"

#include <string.h>

#define ROW "%-32s  %-30s  %-14s%s%s\n"

static void print_cards(const json_t *cards, bool noted)
{
    size_t i;
    json_t *card;
    printf(ROW, "FIELD", "TOKEN", "CAUSE", noted ? "  " : "", noted ? "FIRST SEEN" : "");
    json_array_foreach(cards, i, card)
    {
        printf(ROW, jt_reply_text(card, "field"), jt_reply_text(card, "token"),
               jt_reply_text(card, "cause"), noted ? "  " : "",
               noted ? jt_reply_text(card, "first_seen_at") : "");
    }
}

static bool is_cursor(const char *text)
{
    return text != NULL && *text != '\0' && strlen(text) < 10 &&
           strspn(text, "0123456789") == strlen(text);
}

/* Page after page, as one list. `path` is the first page's. */
static int fetch_all(const struct jt_cli *cli, const char *path, json_t *all)
{
    char page[JT_GENERATION_PATH + 24];
    (void)snprintf(page, sizeof page, "%s", path);
    for (;;) {
        struct jt_answer answer;
        int code = jt_rest_call(cli, "GET", page, NULL, &answer);
        if (code != JT_EXIT_OK) {
            return code;
        }
        (void)json_array_extend(all, json_object_get(answer.json, "cards"));
        const char *next = json_string_value(json_object_get(answer.json, "next"));
        bool more = is_cursor(next);
        if (more) {
            (void)snprintf(page, sizeof page, "%s?cursor=%s", path, next);
        }
        jt_answer_clear(&answer);
        if (!more) {
            return JT_EXIT_OK;
        }
    }
}

int jt_cardlist_show(const struct jt_cli *cli, const char *path, bool noted)
{
    json_t *reply = json_pack("{s:[]}", "cards");
    json_t *cards = json_object_get(reply, "cards");
    int code = fetch_all(cli, path, cards);
    if (code == JT_EXIT_OK && cli->json) {
        (void)json_dumpf(reply, stdout, JSON_COMPACT);
        printf("\n");
    } else if (code == JT_EXIT_OK) {
        print_cards(cards, noted);
    }
    json_decref(reply);
    return code;
}
