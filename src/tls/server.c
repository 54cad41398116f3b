/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/server.h"

#include "tls/internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Authenticated encryption with forward secrecy; TLS 1.3 has nothing else. */
#define TLS12_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
/* A stranger's certificates are held while the connection lasts, in some 4 KB each. */
#define CLIENT_CHAIN_MAX   4
#define CLIENT_CHAIN_BYTES 16384
#define GROUPS             "X25519:P-256:P-384"

/* Which file it was: what a change shows in. */
struct identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed, modified;
};

struct jt_tls_server {
    struct jt_tls_files files;
    struct identity tried[3]; /* certificate, key and clients' authority, at the last try */
    pthread_mutex_t mutex;    /* guards what follows */
    SSL_CTX *served;
    int64_t expires;
};

/* --- the files --- */

static bool same(const struct identity *a, const struct identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           memcmp(&a->changed, &b->changed, sizeof a->changed) == 0 &&
           memcmp(&a->modified, &b->modified, sizeof a->modified) == 0;
}

static enum jt_err look(const char *path, bool secret, struct identity *out, struct jt_fault *fault)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return jt_fault_set(fault, errno == ENOENT ? JT_ERR_NO_FILE : JT_ERR_IO, "%s: %s", path,
                            strerror(errno));
    }
    *out = (struct identity){ st.st_dev, st.st_ino, st.st_size, st.st_ctim, st.st_mtim };
    if (!S_ISREG(st.st_mode) || (secret && (st.st_mode & (S_IRWXO | S_IWGRP)) != 0)) {
        return jt_fault_set(fault, JT_ERR_FILE_UNSAFE,
                            secret ? "%s must be a file that others cannot read, nor its group "
                                     "write"
                                   : "%s is no file",
                            path);
    }
    return JT_OK;
}

static enum jt_err unusable(struct jt_fault *fault, const char *path)
{
    unsigned long last = ERR_peek_last_error();
    /* where the file itself cannot be read, the first error is the system's */
    unsigned long first = ERR_peek_error();
    const char *why =
        ERR_SYSTEM_ERROR(first) ? strerror(ERR_GET_REASON(first)) : ERR_reason_error_string(last);
    enum jt_err err = jt_fault_set(fault, JT_ERR_TLS_FILES, "%s cannot be used: %s", path,
                                   why == NULL ? "unknown reason" : why);
    ERR_clear_error();
    return err;
}

/* Nobody is there to type one: without this, OpenSSL would ask the terminal. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

/* --- a context --- */

/*
 * RFC 7301 section 3.2: this server speaks HTTP/1.1 and nothing else, and says so to who asks for
 * something else only.
 */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *offered, unsigned int offered_len, void *arg)
{
    static const unsigned char http11[] = "\x08http/1.1";
    (void)ssl;
    (void)arg;
    unsigned char *chosen = NULL;
    int found =
        SSL_select_next_proto(&chosen, out_len, http11, sizeof http11 - 1, offered, offered_len);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/*
 * Whose certificate it is, is decided by its digest when a client is known: no chain is built, so
 * that strangers' certificates cost no work but the proof of their key.
 */
static int take_any(X509_STORE_CTX *store, void *arg)
{
    (void)arg;
    bool good = sk_X509_num(X509_STORE_CTX_get0_untrusted(store)) <= CLIENT_CHAIN_MAX;
    X509_STORE_CTX_set_error(store, good ? X509_V_OK : X509_V_ERR_CERT_CHAIN_TOO_LONG);
    return good;
}

static void ask_clients(SSL_CTX *ctx, const struct jt_tls_files *files)
{
    int mode = files->clients == JT_TLS_CLIENTS_REQUIRED
                   ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                   : SSL_VERIFY_PEER;
    if (files->clients == JT_TLS_CLIENTS_UNASKED) {
        return;
    }
    SSL_CTX_set_verify(ctx, mode, NULL);
    SSL_CTX_set_max_cert_list(ctx, CLIENT_CHAIN_BYTES);
    if (files->client_ca == NULL) {
        SSL_CTX_set_cert_verify_callback(ctx, take_any, NULL);
    }
}

static bool set_up(SSL_CTX *ctx, const struct jt_tls_files *files)
{
    static const unsigned char context[] = "jeton";
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                       SSL_OP_PRIORITIZE_CHACHA | SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets need none */
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    ask_clients(ctx, files);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, TLS12_CIPHERS) == 1 &&
           SSL_CTX_set1_groups_list(ctx, GROUPS) == 1 &&
           SSL_CTX_set_session_id_context(ctx, context, sizeof context - 1) == 1 &&
           SSL_CTX_set_num_tickets(ctx, 1) == 1;
}

static enum jt_err load(SSL_CTX *ctx, const struct jt_tls_files *files, int64_t *expires,
                        struct jt_fault *fault)
{
    if (SSL_CTX_use_certificate_chain_file(ctx, files->certificate) != 1) {
        return unusable(fault, files->certificate);
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, files->key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1) {
        return unusable(fault, files->key);
    }
    if (files->client_ca != NULL) {
        STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(files->client_ca);
        if (names == NULL || SSL_CTX_load_verify_file(ctx, files->client_ca) != 1) {
            sk_X509_NAME_pop_free(names, X509_NAME_free);
            return unusable(fault, files->client_ca);
        }
        SSL_CTX_set_client_CA_list(ctx, names); /* which is told to clients, and is now its own */
    }
    struct tm end;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(ctx)), &end) != 1) {
        return unusable(fault, files->certificate);
    }
    *expires = timegm(&end);
    return JT_OK;
}

static enum jt_err make(const struct jt_tls_files *files, SSL_CTX **out, int64_t *expires,
                        struct jt_fault *fault)
{
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == NULL || !set_up(ctx, files)) {
        SSL_CTX_free(ctx);
        ERR_clear_error();
        return jt_fault_set(fault, JT_ERR_NOMEM, "no TLS context");
    }
    enum jt_err err = load(ctx, files, expires, fault);
    if (err != JT_OK) {
        SSL_CTX_free(ctx);
        return err;
    }
    *out = ctx;
    return JT_OK;
}

/* --- what is served --- */

enum jt_err jt_tls_server_reload(struct jt_tls_server *server, bool anyway, bool *changed,
                                 struct jt_fault *fault)
{
    struct identity now[3] = { 0 };
    SSL_CTX *ctx = NULL;
    int64_t expires = 0;
    *changed = false;
    enum jt_err err = look(server->files.certificate, false, &now[0], fault);
    if (err == JT_OK) {
        err = look(server->files.key, true, &now[1], fault);
    }
    if (err == JT_OK && server->files.client_ca != NULL) {
        err = look(server->files.client_ca, false, &now[2], fault);
    }
    if (!anyway && same(&now[0], &server->tried[0]) && same(&now[1], &server->tried[1]) &&
        same(&now[2], &server->tried[2])) {
        jt_fault_clear(fault);
        return JT_OK; /* also where that try failed: it has been told */
    }
    memcpy(server->tried, now, sizeof now);
    if (err == JT_OK) {
        err = make(&server->files, &ctx, &expires, fault);
    }
    if (err != JT_OK) {
        return err;
    }
    pthread_mutex_lock(&server->mutex);
    SSL_CTX *before = server->served;
    server->served = ctx;
    server->expires = expires;
    pthread_mutex_unlock(&server->mutex);
    SSL_CTX_free(before); /* sessions hold references of their own */
    *changed = true;
    return JT_OK;
}

enum jt_err jt_tls_server_new(const struct jt_tls_files *files, struct jt_fault *fault,
                              struct jt_tls_server **out)
{
    bool changed;
    struct jt_tls_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return jt_fault_set(fault, JT_ERR_NOMEM, "no TLS context");
    }
    server->files = *files;
    pthread_mutex_init(&server->mutex, NULL);
    enum jt_err err = jt_tls_server_reload(server, true, &changed, fault);
    if (err != JT_OK) {
        jt_tls_server_free(server);
        return err;
    }
    *out = server;
    return JT_OK;
}

void jt_tls_server_free(struct jt_tls_server *server)
{
    if (server != NULL) {
        SSL_CTX_free(server->served);
        pthread_mutex_destroy(&server->mutex);
        free(server);
    }
}

int64_t jt_tls_server_expires(struct jt_tls_server *server)
{
    pthread_mutex_lock(&server->mutex);
    int64_t expires = server->expires;
    pthread_mutex_unlock(&server->mutex);
    return expires;
}

SSL *jt_tls_server_accept(struct jt_tls_server *server)
{
    pthread_mutex_lock(&server->mutex);
    SSL *ssl = SSL_new(server->served); /* which takes a reference */
    pthread_mutex_unlock(&server->mutex);
    return ssl;
}
