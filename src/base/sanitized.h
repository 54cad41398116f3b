/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether this is a build with a sanitizer. Such builds leave measures out that the sanitizers'
 * run-times do not bear, say so at start, and are not for use.
 */
#ifndef JETON_BASE_SANITIZED_H
#define JETON_BASE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define JT_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define JT_SANITIZED true
#endif
#endif
#ifndef JT_SANITIZED
#define JT_SANITIZED false
#endif

#endif
