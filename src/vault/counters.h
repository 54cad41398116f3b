/* SPDX-License-Identifier: Apache-2.0 */
/* What this front did since it started. Counters only go up; any thread adds, any thread reads. */
#ifndef JETON_VAULT_COUNTERS_H
#define JETON_VAULT_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

/* One line for each counter: name as the API shows it. */
#define JT_COUNTERS(X)        \
    X(tokenize_requests)      \
    X(tokenize_items)         \
    X(tokenize_rejected)      \
    X(detokenize_requests)    \
    X(detokenize_items)       \
    X(detokenize_not_found)   \
    X(masked_requests)        \
    X(masked_items)           \
    X(masked_not_found)       \
    X(delete_requests)        \
    X(delete_items)           \
    X(delete_not_found)       \
    X(encrypt_items)          \
    X(decrypt_items)          \
    X(decrypt_refused)        \
    X(reencrypt_items)        \
    X(lookup_requests)        \
    X(lookup_items)           \
    X(lookup_not_found)       \
    X(purged_cards)           \
    X(lazy_reencrypted)       \
    X(lazy_lost)              \
    X(lazy_dropped)           \
    X(retirement_reencrypted) \
    X(row_alarms)             \
    X(database_faults)        \
    X(numeric_taken)          \
    X(numeric_spent)          \
    X(pan_is_token)           \
    X(budget_rate_refused)    \
    X(budget_quota_refused)   \
    X(budget_quota_near)      \
    X(guess_lookup_refused)   \
    X(guess_tokenize_refused) \
    X(guess_counts_lost)      \
    X(honey_opened)           \
    X(unavailable)

struct jt_counters {
#define JT_COUNTER_MEMBER(name) _Atomic uint64_t name;
    JT_COUNTERS(JT_COUNTER_MEMBER)
#undef JT_COUNTER_MEMBER
};

static inline void jt_count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static inline uint64_t jt_counted(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

#endif
