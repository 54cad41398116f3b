/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What requests say of clients as text: 'q' and a query, 'n' and a network, 's' and a place, 'p'
 * and permissions, one a line. What was taken has one form, which is taken again and means the
 * same.
 */
#include "fuzz.h"

#include "api/query.h"
#include "model/network.h"
#include "vault/access.h"

#define MAX_LEN 1024

static const struct jt_member names[] = { { .name = "cursor" }, { .name = "limit" } };
static const struct jt_members members = { names, 2 };

static void query(const char *text)
{
    json_t *read = jt_query_read((struct jt_slice){ text, strlen(text) }, &members);
    const char *name;
    json_t *value;
    MUST(read == NULL || json_object_size(read) > 0);
    json_object_foreach(read, name, value)
    {
        const char *p = json_string_value(value);
        MUST(strcmp(name, "cursor") == 0 || strcmp(name, "limit") == 0);
        MUST(p != NULL && strlen(p) == json_string_length(value) && strlen(p) <= 256);
        for (; *p != '\0'; p++) {
            MUST(*p >= ' ' && *p <= '~');
        }
    }
    json_decref(read);
}

static void network(const char *text)
{
    struct jt_network n;
    struct jt_network back;
    char form[JT_NETWORK_TEXT_MAX + 1];
    if (!jt_network_parse(text, &n)) {
        return;
    }
    jt_network_format(&n, form);
    MUST(jt_network_valid(&n) && jt_network_parse(form, &back));
    MUST(fuzz_same(&n, sizeof n, &back, sizeof back));
    const struct jt_source first = jt_source_of(n.address, jt_network_address_len(n.family));
    MUST(first.family != n.family || jt_network_has(&n, &first));
}

static void place(const char *text)
{
    struct jt_source s;
    char form[JT_NETWORK_TEXT_MAX + 1];
    if (!jt_source_parse(text, &s)) {
        return;
    }
    struct jt_source back;
    const struct jt_source again = jt_source_place(&s);
    MUST(fuzz_same(&s, sizeof s, &again, sizeof again));
    jt_source_format(&s, form);
    MUST(jt_source_parse(form, &back) && fuzz_same(&s, sizeof s, &back, sizeof back));
}

static void add_again(void *arg, const char *text)
{
    MUST(jt_may_add(arg, text));
}

static void permissions(char *text)
{
    struct jt_may may = { 0 };
    struct jt_may back = { 0 };
    for (char *line = strsep(&text, "\n"); line != NULL; line = strsep(&text, "\n")) {
        const struct jt_may before = may;
        bool taken = jt_may_add(&may, line);
        MUST(taken || fuzz_same(&before, sizeof before, &may, sizeof may));
        MUST(!taken || !jt_may_add(&may, line)); /* never twice */
    }
    jt_may_each(&may, add_again, &back);
    MUST(back.everywhere == may.everywhere);
    for (size_t i = 0; i < may.n_fields; i++) {
        const char *field = may.fields[i].field;
        MUST(jt_may_in(&may, field) == jt_may_in(&back, field));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0 || len > MAX_LEN || memchr(data, '\0', len) != NULL) {
        return -1;
    }
    char *text = malloc(len);
    MUST(text != NULL);
    memcpy(text, data + 1, len - 1);
    text[len - 1] = '\0';
    switch (data[0]) {
    case 'q': query(text); break;
    case 'n': network(text); break;
    case 's': place(text); break;
    case 'p': permissions(text); break;
    default: break;
    }
    bool known = strchr("qnsp", data[0]) != NULL;
    free(text);
    return known ? 0 : -1;
}
