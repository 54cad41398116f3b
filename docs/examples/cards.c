/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An example of libjeton: reads one card number or token a line, and prints what it becomes.
 *
 *     cc cards.c -o cards $(pkg-config --cflags --libs jeton)
 *     ./cards tokenize https://cards.example:8443 shop.key pan <cards.txt >tokens.txt
 *
 * Where there is nothing to print, the line is empty and standard error says why. JETON_CA_FILE
 * names the certificates to trust, where the system's are not meant.
 */
#include "jeton/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY         5000
#define LINE_MAX_LEN 64

static char lines[MANY][LINE_MAX_LEN];
static struct jeton_item items[MANY];

/* Up to MANY lines; how many. */
static size_t read_lines(void)
{
    size_t n = 0;
    while (n < MANY && fgets(lines[n], sizeof lines[n], stdin) != NULL) {
        lines[n][strcspn(lines[n], "\r\n")] = '\0';
        items[n].in = lines[n];
        n++;
    }
    return n;
}

static void print(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        printf("%s\n", items[i].out);
        if (items[i].status != 200) {
            fprintf(stderr, "line %zu: %s\n", i + 1, items[i].problem);
        }
    }
    jeton_wipe(items, n);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: cards tokenize|detokenize|mask URL KEY_FILE FIELD\n");
        return 64;
    }
    const struct jeton_options options = { .url = argv[2],
                                           .key_file = argv[3],
                                           .ca_file = getenv("JETON_CA_FILE"),
                                           .cert_file = getenv("JETON_CERT_FILE"),
                                           .cert_key_file = getenv("JETON_CERT_KEY_FILE"),
                                           .retry_for_ms = 3000,
                                           .once = getenv("JETON_ONCE") != NULL };
    struct jeton_client *client;
    enum jeton_status status = jeton_open(&options, &client);
    if (status != JETON_OK) {
        fprintf(stderr, "cards: the URL or the key file cannot be used\n");
        return 78;
    }
    size_t n;
    while (status == JETON_OK && (n = read_lines()) > 0) {
        status = strcmp(argv[1], "tokenize") == 0 ? jeton_tokenize(client, argv[4], items, n)
                 : strcmp(argv[1], "mask") == 0   ? jeton_mask(client, argv[4], items, n)
                                                  : jeton_detokenize(client, argv[4], items, n);
        if (status == JETON_OK) {
            print(n);
        }
    }
    if (status != JETON_OK) {
        fprintf(stderr, "cards: %s\n", jeton_error(client));
    }
    jeton_close(client);
    return status == JETON_OK ? 0 : status == JETON_UNAVAILABLE ? 69 : 1;
}
