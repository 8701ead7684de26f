/* Registers by name, for debuggers and scripts: what they hold, without checks and effects. */
#include <stdlib.h>
#include <string.h>

#include "cpu/pstate.h"
#include "cpu/sysreg.h"
#include "machine/machine.h"

/* "x12" with prefix 'x': 12; -1 if it is not of that form or above 31. */
static int numbered(const char *name, char prefix)
{
    char *end;

    if (name[0] != prefix || name[1] < '0' || name[1] > '9')
        return -1;
    long n = strtol(name + 1, &end, 10);
    return *end == '\0' && n <= 31 ? (int)n : -1;
}

static bool read_sysreg(struct cpu *cpu, const char *name, uint64_t *value)
{
    enum sysreg sr = sysreg_by_name(name);

    return sr != SR_NONE && cpu_sysreg_peek(cpu, sr, value);
}

bool arm_reg_read(struct arm_machine *m, unsigned index, const char *name, uint64_t *value)
{
    if (index >= m->cpu_count)
        return false;
    struct cpu *cpu = m->cpus[index];
    int x = numbered(name, 'x'), v = numbered(name, 'v');

    if (x >= 0 && x <= 30)
        *value = cpu->x[x];
    else if (v >= 0)
        *value = cpu->v[v].d[0];
    else if (!strcmp(name, "sp"))
        *value = cpu->x[REG_SP];
    else if (!strcmp(name, "pc"))
        *value = cpu->pc;
    else if (!strcmp(name, "pstate"))
        *value = cpu_pstate_to_spsr(cpu);
    else if (!strcmp(name, "fpcr"))
        *value = cpu->fpcr;
    else if (!strcmp(name, "fpsr"))
        *value = cpu->fpsr;
    else if (!strcasecmp(name, "sp_el0") || !strcasecmp(name, "sp_el1") ||
             !strcasecmp(name, "sp_el2"))
        *value = cpu_sp_get(cpu, (unsigned)(name[5] - '0'));
    else
        return read_sysreg(cpu, name, value);
    return true;
}
