/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts, lists of permitted hosts, media types. An input is a list, a line end, and the value of a
 * field. A good host, without its port, is permitted by the list that holds it alone, in any case
 * of its letters, and not by one that holds another.
 */
#include "fuzz.h"

#include "http/media.h"

#include <ctype.h>
#include <strings.h>

static size_t without_port(struct jt_slice host)
{
    const char *end = host.p[0] == '[' ? memchr(host.p, ']', host.len) : NULL;
    const char *colon = end != NULL ? end + 1 : memchr(host.p, ':', host.len);
    return colon == NULL ? host.len : (size_t)(colon - host.p);
}

static void check_host(struct jt_slice host)
{
    size_t n = without_port(host);
    char *name = malloc(n + 1);
    MUST(name != NULL);
    memcpy(name, host.p, n);
    name[n] = '\0';
    MUST(jt_host_list_valid(name) && jt_host_permitted(name, host));
    for (size_t i = 0; i < n; i++) {
        name[i] = (char)toupper((unsigned char)name[i]);
    }
    MUST(jt_host_valid((struct jt_slice){ name, n }) && jt_host_permitted(name, host));
    MUST(!jt_host_permitted("another.example.", host) ||
         strncasecmp(name, "another.example.", n) == 0);
    free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const uint8_t *end = len == 0 ? NULL : memchr(data, '\n', len);
    if (end == NULL || memchr(data, '\0', (size_t)(end - data)) != NULL) {
        return -1;
    }
    size_t list_len = (size_t)(end - data), value_len = len - list_len - 1;
    char *list = fuzz_copy(data, list_len + 1);
    char *value = fuzz_copy(end + 1, value_len);
    struct jt_slice text = { value, value_len };
    list[list_len] = '\0';
    (void)jt_host_list_valid(list);
    (void)jt_host_permitted(list, text);
    if (jt_host_valid(text)) {
        check_host(text);
        MUST(!jt_media_is_json(text));
    }
    (void)jt_media_is_json(text);
    free(value);
    free(list);
    return 0;
}
