#include "suggest.h"

#include <glib.h>
#include <string.h>

#define LONGEST 48 /* of words that are compared */

struct suggestion suggest_for(const char *wanted)
{
    return (struct suggestion){.wanted = wanted};
}

/* Letters inserted, deleted, replaced, or exchanged with their neighbour (optimal string
 * alignment). Both words are at most LONGEST long. */
static unsigned distance(const char *a, const char *b)
{
    unsigned cost[LONGEST + 1][LONGEST + 1];
    size_t rows = strlen(a), columns = strlen(b);

    for (size_t i = 0; i <= rows; i++) {
        for (size_t k = 0; k <= columns; k++) {
            if (i == 0 || k == 0) {
                cost[i][k] = (unsigned)(i + k);
                continue;
            }
            unsigned best = cost[i - 1][k - 1] + (a[i - 1] != b[k - 1]);
            best = MIN(best, MIN(cost[i - 1][k], cost[i][k - 1]) + 1);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                best = MIN(best, cost[i - 2][k - 2] + 1);
            cost[i][k] = best;
        }
    }
    return cost[rows][columns];
}

/* One word for another with a third of its letters wrong is no slip of the finger. */
void suggest_offer(struct suggestion *s, const char *word)
{
    size_t length = strlen(s->wanted);

    if (!length || length > LONGEST || strlen(word) > LONGEST)
        return;
    g_autofree char *lower = g_ascii_strdown(s->wanted, -1);
    g_autofree char *offered = g_ascii_strdown(word, -1);
    unsigned d = distance(lower, offered);
    if (d <= (length + 2) / 3 && d < length && (!s->best || d < s->distance)) {
        s->best = word;
        s->distance = d;
    }
}
