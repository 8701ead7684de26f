/* The rules by name. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"

enum rule {
#define RULE(id, ...) RULE_##id,
#include "checker/rules.def"
#undef RULE
    RULE_COUNT
};

enum rule_severity { RULE_WARNING, RULE_ERROR };

enum check_unit_id {
#define UNIT(name, ...) UNIT_##name,
#include "checker/units.def"
#undef UNIT
    UNIT_COUNT
};

struct rule_row {
    const char *name; /* "STALE-READ" */
    enum check_unit_id unit;
    enum rule_severity severity;
    const char *meaning, *section;
};

#define RULE_BIT(id) (UINT64_C(1) << RULE_##id)

/* Indexed by enum rule, and one more row without a name. */
extern const struct rule_row rule_rows[RULE_COUNT + 1];

const char *rule_severity_word(enum rule rule);

/**
 * rules_parse() - which rules are wanted. @text: names, "all" or "none", parted by commas; a name
 * behind a '-' is taken away; NULL: all. @on: RULE_COUNT of them.
 *
 * Return: 0, or -ARM_EINVAL and a sentence that names the word.
 */
int rules_parse(const char *text, bool *on, struct arm_error *err);
