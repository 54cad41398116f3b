/* SPDX-License-Identifier: Apache-2.0 */
#include "keyclient/ends.h"

#include "wire/certificate.h"

enum jt_err jt_keyclient_wait_custodians_make(struct jt_keyclient *kc,
                                              const struct jt_custodians_make *make,
                                              struct jt_custodian_row *out)
{
    return jt_keyclient_call(kc, JT_VERB_CUSTODIANS_MAKE, jt_custodians_make_encode, make,
                             jt_custodian_row_decode, out);
}

enum jt_err jt_keyclient_wait_custodians_show(struct jt_keyclient *kc,
                                              const struct jt_custodian_row *row,
                                              struct jt_custodians_shown *out)
{
    return jt_keyclient_call(kc, JT_VERB_CUSTODIANS_SHOW, jt_custodian_row_encode, row,
                             jt_custodians_shown_decode, out);
}

enum jt_err jt_keyclient_wait_ring_destroy(struct jt_keyclient *kc,
                                           const struct jt_ring_propose *propose,
                                           struct jt_ring_proposal *out)
{
    return jt_keyclient_call(kc, JT_VERB_RING_PROPOSE, jt_ring_propose_encode, propose,
                             jt_ring_proposal_decode, out);
}

enum jt_err jt_keyclient_wait_destruction_open(struct jt_keyclient *kc,
                                               const struct jt_destruction_open *open,
                                               struct jt_destruction_request *out)
{
    return jt_keyclient_call(kc, JT_VERB_DESTRUCTION_OPEN, jt_destruction_open_encode, open,
                             jt_destruction_request_decode, out);
}

enum jt_err jt_keyclient_wait_destruction_show(struct jt_keyclient *kc,
                                               const struct jt_destruction_show *show,
                                               struct jt_destruction_shown *out)
{
    return jt_keyclient_call(kc, JT_VERB_DESTRUCTION_SHOW, jt_destruction_show_encode, show,
                             jt_destruction_shown_decode, out);
}

enum jt_err jt_keyclient_wait_destruction_certify(struct jt_keyclient *kc,
                                                  const struct jt_destruction_certify *certify,
                                                  struct jt_certificate *out)
{
    return jt_keyclient_call(kc, JT_VERB_DESTRUCTION_CERTIFY, jt_destruction_certify_encode,
                             certify, jt_certificate_decode, out);
}

enum jt_err jt_keyclient_wait_writeoff_open(struct jt_keyclient *kc,
                                            const struct jt_writeoff_open *open,
                                            struct jt_writeoff_opened *out)
{
    enum jt_err err = jt_keyclient_call(kc, JT_VERB_WRITEOFF_OPEN, jt_writeoff_open_encode, open,
                                        jt_writeoff_opened_decode, out);
    return err == JT_OK && out->n != open->n ? JT_ERR_PROTOCOL : err;
}

enum jt_err jt_keyclient_wait_writeoff_show(struct jt_keyclient *kc,
                                            const struct jt_writeoff_show *show,
                                            struct jt_writeoff_shown *out)
{
    return jt_keyclient_call(kc, JT_VERB_WRITEOFF_SHOW, jt_writeoff_show_encode, show,
                             jt_writeoff_shown_decode, out);
}
