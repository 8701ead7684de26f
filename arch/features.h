/* The architectural features a CPU can have: one bit each, made from arch/features.def. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum feature {
    FEAT_BASE, /* Armv8.0: every CPU */
#define FEATURE(name, ...) FEAT_##name,
#include "arch/features.def"
#undef FEATURE
    FEAT_NEVER, /* no CPU of ours */
    FEAT_COUNT
};

/* A set of features. */
struct features {
    uint64_t word[(FEAT_COUNT + 63) / 64];
};

static inline bool has_feature(const struct features *f, enum feature feat)
{
    return (f->word[feat / 64] >> (feat % 64)) & 1;
}

static inline void set_feature(struct features *f, enum feature feat, bool on)
{
    uint64_t m = UINT64_C(1) << (feat % 64);
    f->word[feat / 64] = on ? f->word[feat / 64] | m : f->word[feat / 64] & ~m;
}

/* "FEAT_x" without the prefix. */
const char *feature_name(enum feature feat);

/* The feature of a command-line name; FEAT_COUNT if there is none. */
enum feature feature_by_cli_name(const char *name);

/* Switch @feat and what cannot be without it, or what it cannot be without: switching a feature on
 * also switches on what it builds upon; switching it off also switches off what builds upon it.
 * One of the three pointer authentication algorithms replaces another. */
void feature_switch(struct features *f, enum feature feat, bool on);
