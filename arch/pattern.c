#include "arch/pattern.h"

#include <stdlib.h>
#include <string.h>

bool pattern_next_field(const char **text, unsigned *pos, struct pattern_field *field)
{
    const char *p = *text;

    for (;; p++) {
        bool fixed = (*p == '0' || *p == '1' || *p == 'x') && p[1] != ':';
        if (*p == '\0')
            return false;
        if (fixed)
            --*pos;
        else if (*p != ' ')
            break;
    }
    size_t n = strcspn(p, ":");
    char *end;

    *field = (struct pattern_field){.width = (unsigned)strtoul(p + n + 1, &end, 10)};
    memcpy(field->name, p, n < sizeof(field->name) ? n : sizeof(field->name) - 1);
    *pos -= field->width;
    field->lsb = *pos;
    *text = end;
    return true;
}
