/* Reads of system registers that are listed in place of events (arm_list_reads()). */
#pragma once

#include "cpu/cpu.h"

#define READ_LIST_MAX 1024

struct read_list {
    struct arm_listed_read *end;   /* behind the last one */
    struct arm_listed_read *limit; /* below it there is room: none, where each is to be told */
    bool on[SR_COUNT];             /* whose reads, by the register's own name, are listed */
    struct arm_listed_read reads[READ_LIST_MAX];
};

/* A read of @sr by the instruction at @i that somebody wants to be told of: has it been listed
 * instead? @target: the register that it means. */
static inline bool read_list_takes(struct cpu *cpu, const struct insn *i, enum sysreg sr,
                                   enum sysreg target)
{
    struct read_list *l = cpu->listed;

    if (!l || !l->on[sr] || sr != target || l->end >= l->limit)
        return false;
    cpu_count_upto(cpu, i);
    *l->end++ = (struct arm_listed_read){.count = cpu_retired(cpu), .reg = sysreg_number(sr)};
    return true;
}

/* Behind a change of cpu->wanted. Where each instruction is told, reads are. */
static inline void read_list_follow(struct cpu *cpu)
{
    bool may = cpu->probes->lists && !cpu_wants(cpu, ARM_EVENT_INSN);

    if (cpu->listed)
        cpu->listed->limit = cpu->listed->reads + (may ? READ_LIST_MAX : 0);
}
