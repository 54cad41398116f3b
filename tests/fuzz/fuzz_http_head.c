/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a request. The first byte of an input says in which pieces the rest arrives.
 *
 * The verdict does not depend on the pieces. What was read lies inside the head and says nothing
 * that the rules forbid. A head put together anew from what was read is read as the same: nothing
 * that counts was overlooked, and nothing can be read in two ways.
 */
#include "fuzz.h"

#include "http/head.h"
#include "http/media.h"

struct verdict {
    enum jt_head_fault fault; /* GOOD, MORE, or whatever refuses it */
    size_t head_len;
    struct jt_head head;
};

/* Reads `text` in pieces of `piece` bytes; 0: all at once. */
static struct verdict read_head(const char *text, size_t len, size_t piece)
{
    struct verdict v = { .fault = JT_HEAD_MORE };
    size_t scanned = 0;
    for (size_t have = piece == 0 || piece > len ? len : piece; v.fault == JT_HEAD_MORE;
         have = len - have < piece ? len : have + piece) {
        v.fault = jt_head_scan(text, have, &scanned, &v.head_len);
        MUST(scanned <= have);
        if (have == len) {
            break;
        }
    }
    if (v.fault == JT_HEAD_GOOD) {
        MUST(v.head_len >= 4 && v.head_len <= len && v.head_len <= JT_HEAD_MAX);
        MUST(memcmp(text + v.head_len - 4, "\r\n\r\n", 4) == 0);
        v.fault = jt_head_parse(text, v.head_len, &v.head);
        MUST(v.fault != JT_HEAD_MORE && v.fault != JT_HEAD_TLS);
    }
    return v;
}

static bool same_slice(struct jt_slice a, struct jt_slice b)
{
    return (a.p == NULL) == (b.p == NULL) && fuzz_same(a.p, a.len, b.p, b.len);
}

static bool same_head(const struct jt_head *a, const struct jt_head *b)
{
    return same_slice(a->method, b->method) && same_slice(a->path, b->path) &&
           same_slice(a->query, b->query) && same_slice(a->host, b->host) &&
           same_slice(a->authorization, b->authorization) &&
           same_slice(a->content_type, b->content_type) &&
           same_slice(a->if_none_match, b->if_none_match) &&
           a->content_length == b->content_length && a->chunked == b->chunked &&
           a->http10 == b->http10 && a->close == b->close &&
           a->expects_continue == b->expects_continue && a->encoded == b->encoded;
}

/* One line of text: what is passed on may be put into a line of a log or of another head. */
static void check_slice(struct jt_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        MUST(c >= ' ' || c == '\t');
        MUST(c != 0x7f);
    }
}

static void check_head(const struct jt_head *head)
{
    check_slice(head->method);
    check_slice(head->path);
    check_slice(head->query);
    check_slice(head->host);
    check_slice(head->authorization);
    check_slice(head->content_type);
    check_slice(head->if_none_match);
    MUST(head->method.len > 0 && head->path.len > 0);
    MUST(head->path.p[0] == '/' || (head->path.len == 1 && head->path.p[0] == '*'));
    MUST(memmem(head->path.p, head->path.len, "/.", 2) == NULL);
    MUST(memmem(head->path.p, head->path.len, "//", 2) == NULL);
    MUST(memchr(head->path.p, '%', head->path.len) == NULL);
    MUST(head->host.p == NULL ? head->http10 : jt_host_valid(head->host));
    MUST(!head->chunked || (head->content_length == 0 && !head->http10));
    MUST(!head->http10 || (head->close && !head->expects_continue));
    (void)jt_media_is_json(head->content_type);
}

static void put(struct jt_buf *out, const char *before, struct jt_slice s, const char *after)
{
    jt_buf_put(out, before, strlen(before));
    jt_buf_put(out, s.p, s.len);
    jt_buf_put(out, after, strlen(after));
}

static void put_field(struct jt_buf *out, const char *name, struct jt_slice value)
{
    if (value.p != NULL) {
        put(out, name, value, "\r\n");
    }
}

/* The plainest head that says the same. */
static void write_head(const struct jt_head *head, struct jt_buf *out)
{
    char length[64];
    static const struct jt_slice empty = { "", 0 };
    int n = snprintf(length, sizeof length, "Content-Length: %llu\r\n",
                     (unsigned long long)head->content_length);
    put(out, "", head->method, " ");
    put(out, "", head->path, head->query.p == NULL ? "" : "?");
    put(out, "", head->query, head->http10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    put_field(out, "Host: ", head->host);
    put_field(out, "Authorization: ", head->authorization);
    put_field(out, "Content-Type: ", head->content_type);
    put_field(out, "If-None-Match: ", head->if_none_match);
    if (head->content_length > 0) {
        jt_buf_put(out, length, (size_t)n);
    }
    put(out, head->chunked ? "Transfer-Encoding: chunked\r\n" : "", empty, "");
    put(out, head->close && !head->http10 ? "Connection: close\r\n" : "", empty, "");
    put(out, head->expects_continue ? "Expect: 100-continue\r\n" : "", empty, "");
    put(out, head->encoded ? "Content-Encoding: gzip\r\n" : "", empty, "\r\n");
}

static void check_again(const struct jt_head *head)
{
    struct jt_buf out;
    jt_buf_init(&out, 2 * JT_HEAD_MAX);
    write_head(head, &out);
    MUST(jt_buf_status(&out) == JT_OK);
    struct verdict again = read_head((const char *)out.data, out.len, 0);
    /* What was nearly too long may be too long when it is written with our spaces. */
    bool long_now = out.len > JT_HEAD_MAX;
    MUST(long_now || (again.fault == JT_HEAD_GOOD && again.head_len == out.len));
    MUST(long_now || same_head(&again.head, head));
    jt_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1 || len > 2 * JT_HEAD_MAX) {
        return -1;
    }
    char *text = fuzz_copy(data + 1, len - 1);
    struct verdict whole = read_head(text, len - 1, 0);
    struct verdict pieces = read_head(text, len - 1, data[0] + 1u);
    if (whole.fault == JT_HEAD_GOOD) {
        MUST(pieces.fault == JT_HEAD_GOOD && pieces.head_len == whole.head_len);
        MUST(same_head(&pieces.head, &whole.head));
        check_head(&whole.head);
        check_again(&whole.head);
    } else {
        /* Which of several faults is seen first may depend on the pieces. */
        MUST(pieces.fault != JT_HEAD_GOOD);
        MUST((pieces.fault == JT_HEAD_MORE) == (whole.fault == JT_HEAD_MORE));
    }
    free(text);
    return 0;
}
