/* A line of the sources that this was built from. */
#pragma once

struct place {
    const char *file; /* from the top folder: "cpu/at.c"; NULL: not known */
    unsigned line;
};
