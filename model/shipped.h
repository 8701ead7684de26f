/* The models of docs/models/, as texts. */
#pragma once

struct shipped_model {
    const char *name, *text;
};

extern const struct shipped_model shipped_models[];
extern const unsigned shipped_count;
