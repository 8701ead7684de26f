/* Counters, a row each in hyp/stats.def. */
#pragma once

enum {
#define STAT_ROW(name, text) STAT_##name,
#include "hyp/stats.def"
#undef STAT_ROW
    STAT_COUNT
};

/* The sums over all CPUs, on the console. */
void stats_print(void);
