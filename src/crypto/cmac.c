/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cmac.h"

#include "base/secmem.h"
#include "crypto/cbcmac.h"

struct jt_cmac {
    struct jt_cbcmac engine;
};

enum jt_err jt_cmac_new(const uint8_t key[static JT_CMAC_KEY_LEN], struct jt_cmac **out)
{
    *out = NULL;
    struct jt_cmac *cmac = jt_secmem_alloc(sizeof(*cmac));
    if (cmac == NULL) {
        return JT_ERR_NOMEM;
    }
    enum jt_err err = jt_cbcmac_init(&cmac->engine, key, JT_CMAC_KEY_LEN);
    if (err != JT_OK) {
        jt_secmem_free(cmac, sizeof(*cmac));
        return err;
    }
    *out = cmac;
    return JT_OK;
}

void jt_cmac_free(struct jt_cmac *cmac)
{
    if (cmac != NULL) {
        jt_cbcmac_clear(&cmac->engine);
        jt_secmem_free(cmac, sizeof(*cmac));
    }
}

enum jt_err jt_cmac_compute(struct jt_cmac *cmac, const struct jt_bytes *parts, size_t n_parts,
                            uint8_t out[static JT_CMAC_LEN])
{
    struct jt_block mac;
    enum jt_err err = jt_cbcmac_parts(&cmac->engine, parts, n_parts, &mac);
    if (err != JT_OK) {
        jt_wipe(out, JT_CMAC_LEN);
        return err;
    }
    jt_block_store(mac, out);
    jt_wipe(&mac, sizeof(mac));
    return JT_OK;
}

enum jt_err jt_cmac_many(struct jt_cmac *cmac, struct jt_cmac_record *records, size_t n)
{
    struct jt_cbcmac *m = &cmac->engine;
    enum jt_err err = JT_OK;
    for (size_t done = 0; done < n && err == JT_OK;) {
        size_t chunk = n - done < JT_CBCMAC_LANES ? n - done : JT_CBCMAC_LANES;
        struct jt_cmac_record *r = records + done;
        for (size_t i = 0; i < chunk; i++) {
            jt_cbcmac_message(m, i, r[i].in, r[i].in_len);
        }
        err = jt_cbcmac_run(m, chunk);
        for (size_t i = 0; i < chunk && err == JT_OK; i++) {
            jt_block_store(m->lane[i].mac, r[i].out);
        }
        done += chunk;
    }
    jt_cbcmac_wipe(m, n);
    for (size_t i = 0; i < n && err != JT_OK; i++) {
        jt_wipe(records[i].out, JT_CMAC_LEN);
    }
    return err;
}
