#include "hyp/stats.h"

#include "hyp/cpu.h"
#include "hyp/lib.h"

void stats_print(void)
{
    static const char *const text[] = {
#define STAT_ROW(name, what) what,
#include "hyp/stats.def"
#undef STAT_ROW
    };

    for (unsigned s = 0; s < STAT_COUNT; s++) {
        uint64_t sum = 0;

        for (unsigned k = 0; k < pcpu_count; k++)
            sum += pcpus[k].stat[s];
        if (sum)
            print("hyp: %10lu %s\n", (unsigned long)sum, text[s]);
    }
}
