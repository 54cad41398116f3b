/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/kdf.h"

#include "base/buf.h"
#include "base/secmem.h"
#include "crypto/cmac.h"

#include <string.h>

static const struct {
    const char *label;
    size_t context_len;
} roles[JT_KDF_N_ROLES] = {
#define JT_LABEL(role, text, context) [JT_KDF_##role] = { text, context },
#include "keys/labels.def"
#undef JT_LABEL
};

const char *jt_kdf_label(enum jt_kdf_role role)
{
    return roles[role].label;
}

size_t jt_kdf_context_len(enum jt_kdf_role role)
{
    return roles[role].context_len;
}

static enum jt_err counter_mode(struct jt_cmac *prf, const struct jt_bytes *fixed, size_t n_fixed,
                                uint8_t *out, size_t out_len)
{
    uint8_t counter[4];
    uint8_t block[JT_CMAC_LEN];
    struct jt_bytes parts[1 + JT_KDF_PARTS_MAX] = { { counter, sizeof(counter) } };
    memcpy(parts + 1, fixed, n_fixed * sizeof(*fixed));
    enum jt_err err = JT_OK;
    uint32_t i = 1;
    for (size_t done = 0; done < out_len; i++) {
        jt_put_u32(counter, i);
        err = jt_cmac_compute(prf, parts, 1 + n_fixed, block);
        if (err != JT_OK) {
            break;
        }
        size_t take = out_len - done < sizeof(block) ? out_len - done : sizeof(block);
        memcpy(out + done, block, take);
        done += take;
    }
    jt_wipe(block, sizeof(block));
    return err;
}

enum jt_err jt_kdf_counter(const uint8_t key[static JT_KDF_KEY_LEN], const struct jt_bytes *fixed,
                           size_t n_fixed, uint8_t *out, size_t out_len)
{
    if (n_fixed > JT_KDF_PARTS_MAX || out_len == 0 || out_len > JT_KDF_OUT_MAX) {
        jt_wipe(out, out_len);
        return JT_ERR_INVALID;
    }
    struct jt_cmac *prf = NULL;
    enum jt_err err = jt_cmac_new(key, &prf);
    if (err == JT_OK) {
        err = counter_mode(prf, fixed, n_fixed, out, out_len);
    }
    if (err != JT_OK) {
        jt_wipe(out, out_len);
    }
    jt_cmac_free(prf);
    return err;
}

enum jt_err jt_kdf_derive(const uint8_t key[static JT_KDF_KEY_LEN], enum jt_kdf_role role,
                          const void *context, size_t context_len, uint8_t *out, size_t out_len)
{
    struct jt_cmac *prf = NULL;
    uint8_t k0[JT_CMAC_LEN];
    uint8_t l[4];
    enum jt_err err = JT_ERR_INVALID;
    if ((unsigned int)role >= JT_KDF_N_ROLES || context_len != roles[role].context_len ||
        out_len == 0 || out_len > JT_KDF_OUT_MAX) {
        goto out;
    }
    jt_put_u32(l, (uint32_t)(out_len * 8));
    const struct jt_bytes fixed[] = {
        /* the string's NUL is the separator 0x00 */
        { roles[role].label, strlen(roles[role].label) + 1 },
        { context, context_len },
        { l, sizeof(l) },
        { k0, sizeof(k0) },
    };
    err = jt_cmac_new(key, &prf);
    if (err != JT_OK) {
        goto out;
    }
    err = jt_cmac_compute(prf, fixed, 3, k0);
    if (err != JT_OK) {
        goto out;
    }
    err = counter_mode(prf, fixed, 4, out, out_len);
out:
    if (err != JT_OK) {
        jt_wipe(out, out_len);
    }
    jt_wipe(k0, sizeof(k0));
    jt_cmac_free(prf);
    return err;
}
