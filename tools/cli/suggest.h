/* "did you mean": the known word that is nearest to a mistyped one. */
#pragma once

#include <stddef.h>

struct suggestion {
    const char *wanted;
    const char *best; /* NULL: nothing is near */
    unsigned distance;
};

/* Begin with @wanted, offer() every known word, then look at .best. */
struct suggestion suggest_for(const char *wanted);
void suggest_offer(struct suggestion *s, const char *word);
