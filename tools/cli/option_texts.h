/* What the texts of run_options.def are made of. */
#pragma once

/* A macro's value as a string. */
#define TEXT_OF(macro)     TEXT_OF_WORDS(macro)
#define TEXT_OF_WORDS(...) #__VA_ARGS__

/* The keys of --gic: X(key, member of struct arm_gic_config, least, range, what, default) */
/* clang-format off */
#define GIC_KEYS(X)                                                                                \
    X("lrs",        list_registers,   1, "1 to 16",  "list registers", "4")                        \
    X("priority",   priority_bits,    5, "5 to 8",   "bits of priority", "5")                      \
    X("preemption", preemption_bits,  5, "5 to 7",   "bits of preemption, virtual", "5")           \
    X("intid",      intid_bits,      16, "16 or 24", "bits of an INTID", "24")                     \
    X("gicv",       gicv,             0, "0 or 1",   "a memory-mapped interface for guests with a GICv2", "0") \
    X("no-its",     no_its,           0, "0 or 1",   "neither ITS nor LPIs", "0")               \
    X("version",    version,          2, "2 or 3",   "of the GIC: a GICv2 is for 8 CPUs at most", "3")
/* clang-format on */

#define GIC_KEY_HELP(key, member, least, range, what, def)                                         \
    "; " key ": " what ", " range " (default " def ")"
