/* Boot options (hyp/opts.def). Written once, before other CPUs run. */
#pragma once

#include <stdint.h>

/* clang-format off */
#define OPT_W1(n, a)          OPT_##n##_##a
#define OPT_W2(n, a, b)       OPT_##n##_##a, OPT_##n##_##b
#define OPT_W3(n, a, b, c)    OPT_##n##_##a, OPT_##n##_##b, OPT_##n##_##c
#define OPT_W4(n, a, b, c, d) OPT_##n##_##a, OPT_##n##_##b, OPT_##n##_##c, OPT_##n##_##d
#define OPT_W5(n, a, ...)      OPT_##n##_##a, OPT_W4(n, __VA_ARGS__)
#define OPT_W6(n, a, ...)      OPT_##n##_##a, OPT_W5(n, __VA_ARGS__)
#define OPT_PICK(_1, _2, _3, _4, _5, _6, macro, ...) macro
#define OPT_WORDS(n, ...) OPT_PICK(__VA_ARGS__, OPT_W6, OPT_W5, OPT_W4, OPT_W3, OPT_W2, OPT_W1, 0)(n, __VA_ARGS__)
#define CHOICE(name, def, help, ...) enum { OPT_WORDS(name, __VA_ARGS__) };
#define NUMBER(...)
#include "hyp/opts.def"
#undef CHOICE
#undef NUMBER

struct opts {
#define CHOICE(name, ...) unsigned name;
#define NUMBER(name, ...) uint64_t name;
#include "hyp/opts.def"
#undef CHOICE
#undef NUMBER
};
/* clang-format on */

extern struct opts opts;

/* The defaults. */
void opts_init(void);

/* The options in a command line; words that do not begin with "hyp." are not ours. What is wrong is
 * collected as one sentence for opts_complaint(). */
void opts_parse(const char *line);

/* NULL: nothing. */
const char *opts_complaint(void);
