/*
 * The reference for tests/cpu/test_fp.c: QEMU's user-mode emulator (its FP is Berkeley SoftFloat's
 * descendant) executes one instruction for each operation over a vector of cases. Each operation is
 * a loop of one generated program, cases go in on standard input and come out on standard output,
 * so a million cases cost seconds. Fails with a sentence when a tool is missing.
 */
#pragma once

#include "tests/cpu/qemu_user.h"

/* One execution. Operands: in[0] in V1 and X1, in[1] in V2, in[2] in V3 and V0; upper bits zero. */
struct fp_case {
    uint64_t in[3], fpcr;
    uint64_t out, nzcv, fpsr; /* results: V0 or X0, NZCV in bits 3..0, FPSR from zero */
    uint64_t op;              /* index into the operations; cases are sorted by it */
};
_Static_assert(sizeof(struct fp_case) == 64, "the assembler's offsets");

struct fp_insn {
    const char *text; /* assembler; the result in V0, or in X0 if @to_gpr */
    bool to_gpr;
};

static inline void fp_reference_loop(FILE *f, const struct fp_insn *insn, size_t count)
{
    fprintf(f,
            " ldr x20,=%zu\n"
            "1: ldp d1,d2,[x19]\n ldp d3,d4,[x19,#16]\n fmov d0,d3\n fmov x9,d4\n ldr x1,[x19]\n"
            " msr fpcr,x9\n msr fpsr,xzr\n msr nzcv,xzr\n"
            " %s\n"
            " mrs x9,fpsr\n mrs x10,nzcv\n lsr x10,x10,#28\n str %s,[x19,#32]\n"
            " stp x10,x9,[x19,#40]\n add x19,x19,#64\n subs x20,x20,#1\n b.ne 1b\n",
            count, insn->text, insn->to_gpr ? "x0" : "d0");
}

/* All of standard input or output to or from @buffer: a loop over read (63) or write (64). */
static inline void fp_reference_transfer(FILE *f, unsigned fd, unsigned syscall, size_t size)
{
    fprintf(f,
            " adrp x21,cases\n add x21,x21,:lo12:cases\n ldr x22,=%zu\n"
            "1: mov x0,#%u\n mov x1,x21\n mov x2,x22\n mov x8,#%u\n svc #0\n cmp x0,#0\n"
            " b.le failed\n add x21,x21,x0\n subs x22,x22,x0\n b.ne 1b\n",
            size, fd, syscall);
}

static inline void fp_reference_program(FILE *f, const struct fp_insn *insns,
                                        const struct fp_case *cases, size_t n)
{
    fputs(".arch armv8.6-a+fp16+fp16fml+bf16\n.text\n.globl _start\n_start:\n", f);
    fp_reference_transfer(f, 0, 63, n * sizeof(*cases));
    fputs(" adrp x19,cases\n add x19,x19,:lo12:cases\n", f);
    for (size_t k = 0, end; k < n; k = end) {
        for (end = k; end < n && cases[end].op == cases[k].op;)
            end++;
        fp_reference_loop(f, &insns[cases[k].op], end - k);
        fputs(" b 2f\n.ltorg\n2:\n", f);
    }
    fp_reference_transfer(f, 1, 64, n * sizeof(*cases));
    fprintf(f,
            " mov x0,#0\n mov x8,#93\n svc #0\n"
            "failed: mov x0,#1\n mov x8,#93\n svc #0\n"
            ".bss\n.balign 64\ncases: .skip %zu\n",
            n * sizeof(*cases));
}

static inline bool fp_reference_steps(const char *dir, const struct fp_insn *insns,
                                      struct fp_case *cases, size_t n, char *why)
{
    char path[4][128], command[700];
    static const char *const names[] = {"fp.S", "fp", "in.bin", "out.bin"};

    for (unsigned k = 0; k < 4; k++)
        snprintf(path[k], sizeof(path[k]), "%s/%s", dir, names[k]);
    FILE *f = fopen(path[0], "w");
    if (!f || !qemu_user_file(path[2], "w", cases, n * sizeof(*cases)))
        return qemu_user_fail(why, "cannot write files in ", dir);
    fp_reference_program(f, insns, cases, n);
    if (fclose(f) != 0)
        return qemu_user_fail(why, "cannot write ", path[0]);
    snprintf(command, sizeof(command), "aarch64-linux-gnu-gcc -nostdlib -static -o %s %s", path[1],
             path[0]);
    if (system(command) != 0)
        return qemu_user_fail(why, "not installed, or it failed: ", command);
    snprintf(command, sizeof(command), "qemu-aarch64 -cpu max %s <%s >%s", path[1], path[2],
             path[3]);
    if (system(command) != 0)
        return qemu_user_fail(why, "not installed, or the program died: ", command);
    if (!qemu_user_file(path[3], "r", cases, n * sizeof(*cases)))
        return qemu_user_fail(why, "short output in ", path[3]);
    return true;
}

/**
 * fp_reference_run() - fill out, nzcv and fpsr of @n cases.
 * @insns: indexed by fp_case.op. @why: QEMU_USER_WHY bytes; on failure one sentence.
 */
static inline bool fp_reference_run(const struct fp_insn *insns, struct fp_case *cases, size_t n,
                                    char *why)
{
    char dir[] = "/tmp/fp_reference_XXXXXX", command[64];

    if (!mkdtemp(dir))
        return qemu_user_fail(why, "mkdtemp failed: ", dir);
    bool ok = fp_reference_steps(dir, insns, cases, n, why);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    if (system(command) != 0 && ok)
        return qemu_user_fail(why, "failed: ", command);
    return ok;
}
