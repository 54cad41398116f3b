/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that people and programs send: HTTP, JSON, CSV, configuration, tokens, card numbers. */
#include "seeds.h"

#include "base/base32.h"
#include "http/head.h"
#include "options/conf.h"

#define N(array) (sizeof(array) / sizeof(array)[0])

static const char *const heads[] = {
    "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
    ("POST /v1/fields/pan/tokenize HTTP/1.1\r\nHost: localhost:8080\r\nAuthorization: Bearer "
     "jck_a_0\r\n"
     "Content-Type: application/json; charset=\"utf-8\"\r\nContent-Length: 27\r\n"
     "Expect: 100-continue\r\nConnection: keep-alive, close\r\n\r\n"),
    "POST http://a.example:80/v1/x?y=1 HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET https://a?b HTTP/1.1\r\nHost:\tb \r\nContent-Encoding: gzip\r\nX:y\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n",
    "GET /../a HTTP/2.0\r\nHost: a\r\n folded\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "\x16\x03\x01",
};

static const char *const chunked[] = {
    "0\r\n\r\n",
    "4\r\nabcd\r\nA\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
    "0000000000000004;a=\"b c\" ; d\r\n\r\n\r\n\r\n0 ;x\r\nX-Sum: 1\r\nY:\r\n\r\n",
    "ffffffffffffffff\r\nabc",
    "3\r\nabcd\r\n",
    "0\r\nX : a\r\n b\r\n\r\n",
    "1\na\r\n0\r\n\n",
};

static const char *const replies[] = {
    "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 12\r\nConnection: close\r\n\r\nbody",
    "HTTP/1.1 204 No Content\r\nAllow: GET\r\n\r\n",
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
};

static const char *const hosts[] = {
    "\na.example",
    "a, b.example\nb.example:80",
    "[::1]\n[::1]:443",
    "\n10.0.0.1:65535",
    "x\napplication/json; charset=utf-8; a=\"b\\\"c\"",
    "a..b,,\n[::1",
    "\napplication/json ;;",
};

static const char *const bodies[] = {
    "{}",
    "{\"pan\":\"4111111111111111\"}",
    "{\"pan\":\"4111-1111\"}",
    "{\"pan\":4111111111111111}",
    ("{\"items\":[{\"pan\":\"5555555555554444\"},{\"pan\":\"\"},{\"pan\":\"378282246310005\"},{},"
     "{\"pan\":\"4111111111111111\"},{\"pan\":\"4012888888881881\",\"x\":1},[],null]}"),
    "{\"items\":[]}",
    "{\"items\":7}",
    "{\"pan\":\"1\",\"items\":[{}]}",
    "{\"pan\":\"a\\u0000b\"}",
    "{\"reason\":\"key ceremony \\u00e9\",\"accept_single_holder\":true}",
    "{\"reason\":\"\\n\"}",
    "{\"reason\":[1,2.5e3,-0,true,false,null,{\"a\":{}}]}",
    "{\"a\":1,\"a\":2}",
    "[1]",
    "{\"a\":1}x",
    ("{\"items\":[{\"pan\":\"5555555555554444\",\"expires_at\":\"2030-01-31T00:00:00.5+02:00\"},"
     "{\"pan\":\"378282246310005\",\"expires_at\":\"2020-02-29T23:59:60Z\"},"
     "{\"expires_at\":null,\"pan\":\"\"}]}"),
};

static const char *const tables[] = {
    "pan\nid,pan,amount\r\n1,4111111111111111,5\r\n2,\"5555555555554444\",\"6,5\"\r\n",
    "pan\n\"id\",\"pan\"\n\"a \"\"b\"\"\n\",1\n,\n\n3,4",
    "p\"n\n\"p\"\"n\",b\n\"a\"x,1\n\"b\"\r\"c\",2\n5\" disk,3\r",
    "pan\n\xef\xbb\xbf\"first, name\",pan\nx,1\n",
    "b\na,b,b\n1,2,\"never closed\n3",
    "\n\r\n\"\"\r\n",
};

static const char *const confs[] = {
    "[jeton]\nenvironment = development\n[front]\nnode = node-1\nport=0 ; a comment\n",
    ("# comment\n; another\n[keeper]\nsocket: /run/x\nfront_user =\n[database]\nconninfo = "
     "host=/x dbname=jeton user='a;b'\n"),
    "[front]\nport = 65536\n",
    "[front]\nport = 1\nport = 2\n",
    "[nothing]\n",
    "environment = x\n",
    "[front]\nnode = a b\n",
    "[jeton]\nenvironment = production\n  indented = 1\n",
    "no equals sign\n",
    "\xef\xbb\xbf[retirement]\nrate = 10\nbatch = 0500\n",
};

static const char *const routes[] = {
    "GET\n/livez",
    "HEAD\n/v1/status",
    "POST\n/v1/fields/pan/tokenize",
    "DELETE\n/v1/fields/pan/detokenize",
    "GET\n/v1/generations/12",
    "PUT\n/v1/generations",
    "POST\n/v1/clients/shop-1/revoke",
    "POST\n/v1/generations/007/activate",
    "GET\n/v1/generations/12/retirement/",
};

static const char *const client_texts[] = {
    "qlimit=10&cursor=shop-1",
    "qcursor=%73hop",
    "qlimit=1&limit=2",
    "qlimit",
    "n192.0.2.0/24",
    "n2001:db8::/32",
    "n10.0.0.1/8",
    "s192.0.2.7",
    "s2001:db8::/64",
    "slocal",
    "ptokenize\nlookup:cards.pan\noperate",
    "ptokenize:a\ntokenize:a",
};

static const char *const pans[] = {
    "4111111111111111",
    "4111111111111112",
    "378282246310005",
    "6304000000000000",
    "1234567890123456789",
    "4111 1111 1111 1111",
    "",
    "41111111111",
    "12345678901234567890",
    "\x41\x11\x11\x11\x11\x11\x11\x11",
    "\x37\x14\x49\x63\x53\x98\x43\x1f",
};

static void store(const char *target, int first, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        seed_with(target, first, -1, texts[i], strlen(texts[i]));
    }
}

/* Request lines about as long as they may be. */
static void long_heads(void)
{
    static char text[2 * JT_HEAD_LINE_MAX];
    static const char rest[] = " HTTP/1.1\r\nHost: a\r\n\r\n";
    for (size_t more = 0; more < 2; more++) {
        size_t path_end = JT_HEAD_LINE_MAX + more - (sizeof " HTTP/1.1" - 1);
        memset(text, 'a', path_end);
        memcpy(text, "GET /", 5);
        memcpy(text + path_end, rest, sizeof rest);
        seed_with("http_head", 0, -1, text, path_end + sizeof rest - 1);
    }
}

static void tokens(void)
{
    static const uint8_t bytes[32] = { 1, 2, 3, 0xff, 5 };
    char text[128];
    strncpy(text, "jtk_", sizeof text);
    jt_base32_encode(bytes, 16, text + 4);
    seed("base32", text, strlen(text));
    strncpy(text, "jck_shop-1_", sizeof text);
    jt_base32_encode(bytes, 32, text + 11);
    seed("base32", text, strlen(text));
    for (size_t len = 0; len <= 8; len++) {
        jt_base32_encode(bytes, len, text);
        seed("base32", text, strlen(text));
    }
    seed("base32", "00ffAB", 6);
}

/* First bytes as of fuzz_card_rules.c: whether check digits are looked at, length, rules, text. */
static void card_rules(void)
{
    static const struct {
        uint8_t len, rules[20];
        const char *text;
    } inputs[] = {
        { 0, { 0 }, "4111111111111111" },
        { 5, { 1, 0xff, 1, 7, 0 }, "000 4111-1111 1111-1111" },
        { 5, { 1, 0x10, 2, 5, 0 }, "00000000 00000000" },
        { 10, { 1, 0xff, 0, 0, 1, 2, 0, 0, 0, 62 }, "6200000000000001" },
        { 15, { 1, 0xf8, 1, 6, 2, 2, 0, 0, 0, 62, 4, 0, 0, 0x1f, 0xeb }, "000-378282246310005" },
        { 5, { 2, 0xff, 0, 1, 0 }, "" },
        { 9, { 1, 0xff, 0, 8, 0, 0x02, 0x0f, 0x58, 0 }, "4111111111111111" },
        { 14, { 1, 0xff, 0, 9, 1, 2, 0, 0, 0, 62, 0, 0, 0, 1 }, "6200000000000001" },
    };
    for (size_t i = 0; i < N(inputs); i++) {
        char all[64];
        size_t len = strlen(inputs[i].text);
        memcpy(all, inputs[i].rules, inputs[i].len);
        memcpy(all + inputs[i].len, inputs[i].text, len);
        seed_with("card_rules", 1, inputs[i].len, all, inputs[i].len + len);
    }
}

void seeds_of_text(void)
{
    store("http_head", 0, heads, N(heads));
    store("http_head", 255, heads, N(heads));
    long_heads();
    store("http_chunks", 0, chunked, N(chunked));
    store("http_chunks", 255, chunked, N(chunked));
    store("http_reply", 0, replies, N(replies));
    store("http_reply", 1, replies, N(replies));
    store("http_host", -1, hosts, N(hosts));
    store("json_body", -1, bodies, N(bodies));
    store("csv", 2, tables, N(tables));
    store("conf", -1, confs, N(confs));
    store("pan", -1, pans, N(pans));
    store("route", -1, routes, N(routes));
    store("client_text", -1, client_texts, N(client_texts));
    card_rules();
    tokens();

    char *sample = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&sample, &len);
    MUST(file != NULL);
    jt_conf_print(file);
    MUST(fclose(file) == 0);
    seed("conf", sample, len);
    for (size_t i = 0; i + 1 < len; i++) { /* every option set to its default */
        sample[i] = sample[i] == '#' && sample[i + 1] != ' ' ? '\n' : sample[i];
    }
    seed("conf", sample, len);
    free(sample);
}
