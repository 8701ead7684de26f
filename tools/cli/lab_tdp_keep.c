#include <inttypes.h>
#include <string.h>

#include "lab_tdp.h"

#define NOP         UINT32_C(0xd503201f)
#define MUTANT_RUNS 1000000 /* instructions; the trial needs a part of it */

static const char *const layouts[] = {"split", "one"};
static const char *const modes[] = {"exclusive", "parallel"};

/* ---- lines ---- */

/* "file.c:12" of "name+0x1c (file.c:12)". */
static char *line_of(const struct arm_checker *checker, uint64_t address)
{
    char text[256];
    const char *open = NULL;

    if (arm_checker_symbol(checker, 0, 2, address, text, sizeof(text)))
        open = strrchr(text, '(');
    return open && strstr(open, "s2_fault.c:") ? g_strndup(open + 1, strcspn(open + 1, ")")) : NULL;
}

static void collect(const struct lab *lab, const char *function, const struct arm_checker *checker,
                    GHashTable *lines, struct lab_report *r)
{
    uint64_t at = lab_address(lab, TDP_ELF, function, r);
    uint64_t end = at + lab_code_bytes(lab, TDP_ELF, function, r);

    for (; at < end; at += 4) {
        char *line = line_of(checker, at);
        if (line)
            g_hash_table_add(lines, line);
    }
}

bool tdp_lines(const struct lab *lab, unsigned layout, unsigned *count, struct lab_report *r)
{
    g_autofree char *elf = g_build_filename(lab->images, TDP_ELF, NULL);
    const char *const symbols[] = {elf, NULL};
    const struct arm_check_config config = {
        .size = sizeof(config), .rules = "none", .symbols = symbols};
    const struct lab_spec spec = {.image = TDP_IMAGE};
    GString *text = g_string_new("");
    struct arm_machine *m = lab_machine(lab, &spec, text, r);
    struct arm_error err = {0};
    struct arm_checker *checker = m ? arm_checker_new(m, &config, &err) : NULL;
    GHashTable *lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    if (checker)
        for (const char *const *f = tdp_functions(layout); *f; f++)
            collect(lab, *f, checker, lines, r);
    else if (m)
        lab_fail(r, "%s", err.text);
    *count = g_hash_table_size(lines);
    g_hash_table_destroy(lines);
    arm_checker_free(checker);
    arm_machine_free(m);
    g_string_free(text, TRUE);
    return *count > 0 || lab_fail(r, "%s: no lines of s2_fault.c", elf);
}

/* ---- mutants ---- */

/* Does the trial notice that the instruction at @address (0: none) is a NOP? */
static bool notices(const struct lab *lab, unsigned layout, unsigned mode, uint64_t address,
                    struct lab_report *r)
{
    g_autofree char *append =
        g_strdup_printf("hyp.passes=1 hyp.s2_layout=%s hyp.s2_choice=key hyp.s2_fault=%s",
                        layouts[layout], modes[mode]);
    const struct lab_spec spec = {.image = TDP_IMAGE, .append = append};
    GString *text = g_string_new("");
    struct arm_machine *m = lab_machine(lab, &spec, text, r);
    const uint32_t nop = NOP;
    bool noticed = true;

    if (m) {
        if (address)
            arm_mem_write(m, address, &nop, sizeof(nop));
        noticed = arm_run(m, MUTANT_RUNS) != ARM_STOP_POWEROFF || !strstr(text->str, ": ok ");
    }
    arm_machine_free(m);
    g_string_free(text, TRUE);
    return noticed;
}

static void mutate(const struct lab *lab, unsigned layout, const char *function,
                   struct tdp_mutants *out, struct lab_report *r)
{
    uint64_t at = lab_address(lab, TDP_ELF, function, r);
    uint64_t end = at + lab_code_bytes(lab, TDP_ELF, function, r);

    for (; at < end; at += lab->quick ? 32 : 4) {
        bool exclusive = notices(lab, layout, TDP_EXCLUSIVE, at, r);
        bool parallel = notices(lab, layout, TDP_PARALLEL, at, r);
        out->all++;
        out->both += exclusive && parallel;
        out->one += exclusive != parallel;
    }
}

bool tdp_mutants(const struct lab *lab, unsigned layout, struct tdp_mutants *out,
                 struct lab_report *r)
{
    for (unsigned mode = 0; mode < TDP_MODES; mode++)
        if (notices(lab, layout, mode, 0, r))
            return lab_fail(r, "%s: %s, %s: fails without a mutant", TDP_IMAGE, layouts[layout],
                            modes[mode]);
    for (const char *const *f = tdp_functions(layout); *f; f++)
        mutate(lab, layout, *f, out, r);
    return !lab_report_error(r);
}
