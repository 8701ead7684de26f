/*
 * An oracle for single instructions: QEMU's user-mode emulator, an implementation that shares no
 * line with ours. run_on_qemu_user() writes one static AArch64 program that, for each case, loads
 * every register from the case's input state, executes the case's word, and stores every register
 * back; builds it with aarch64-linux-gnu-gcc; runs it under `qemu-aarch64 -cpu max`; and reads the
 * output states. Ten thousand cases cost a few seconds.
 *
 *   uint32_t words[2] = {0x4e228420, 0x8b020020};      // add v0.16b,v1.16b,v2.16b; add x0,x1,x2
 *   struct qemu_user_state in[2] = {...}, out[2];
 *   char why[QEMU_USER_WHY];
 *   if (!run_on_qemu_user(words, 2, in, out, why))
 *       fail_msg("%s", why);                           // a tool is missing, or the program died
 *
 * Any register may be an operand, SP and X30 included. Not for loads and stores, for branches, or
 * for what depends on the PC. tests/cpu/exec_oracle.h compares whole rows with this.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct qemu_user_state {
    uint64_t x[31], sp;
    uint64_t nzcv; /* bits 3..0 */
    uint64_t fpcr, fpsr;
    uint64_t undefined; /* output: 1 if the word was UNDEFINED (SIGILL), 0 if not; input: ignored */
    uint64_t v[32][2];
};

#define QEMU_USER_WHY 800

/* Offsets in struct qemu_user_state, as the assembler sees them. */
#define QU_X30       "240"
#define QU_SP        "248"
#define QU_NZCV      "256"
#define QU_FPCR      "264"
#define QU_FPSR      "272"
#define QU_UNDEFINED "280"
#define QU_V         288
_Static_assert(sizeof(struct qemu_user_state) == QU_V + 32 * 16, "qemu_user_state layout");

/* One line for each pair of registers: ldp or stp of X0..X29, or of Q0..Q31. */
static inline void qemu_user_pairs(FILE *f, const char *op, char reg, unsigned count, unsigned base,
                                   unsigned size)
{
    for (unsigned k = 0; k < count; k += 2)
        fprintf(f, " %s %c%u,%c%u,[x30,#%u]\n", op, reg, k, reg, k + 1, base + k * size);
}

/* The macro of one case. X30 points at the state; TPIDR_EL0 keeps the guest's X30 meanwhile. */
static inline void qemu_user_case_macro(FILE *f)
{
    fputs(".macro CASE word, offset\n"
          " adrp x30,states+\\offset\n"
          " add x30,x30,:lo12:states+\\offset\n"
          " ldr x29,[x30,#" QU_NZCV "]\n lsl x29,x29,#28\n msr nzcv,x29\n"
          " ldr x29,[x30,#" QU_FPCR "]\n msr fpcr,x29\n"
          " ldr x29,[x30,#" QU_FPSR "]\n msr fpsr,x29\n"
          " ldr x29,[x30,#" QU_SP "]\n mov sp,x29\n",
          f);
    qemu_user_pairs(f, "ldp", 'q', 32, QU_V, 16);
    qemu_user_pairs(f, "ldp", 'x', 30, 0, 8);
    fputs(" ldr x30,[x30,#" QU_X30 "]\n"
          " .inst \\word\n"
          " msr tpidr_el0,x30\n"
          " adrp x30,states+\\offset\n"
          " add x30,x30,:lo12:states+\\offset\n",
          f);
    qemu_user_pairs(f, "stp", 'x', 30, 0, 8);
    qemu_user_pairs(f, "stp", 'q', 32, QU_V, 16);
    fputs(" mrs x29,nzcv\n lsr x29,x29,#28\n str x29,[x30,#" QU_NZCV "]\n"
          " mrs x29,tpidr_el0\n str x29,[x30,#" QU_X30 "]\n"
          " mrs x29,fpcr\n str x29,[x30,#" QU_FPCR "]\n"
          " mrs x29,fpsr\n str x29,[x30,#" QU_FPSR "]\n"
          " mov x29,sp\n str x29,[x30,#" QU_SP "]\n"
          " adrp x29,sigill_seen\n"
          " ldr x28,[x29,#:lo12:sigill_seen]\n str x28,[x30,#" QU_UNDEFINED "]\n"
          " str xzr,[x29,#:lo12:sigill_seen]\n"
          ".endm\n",
          f);
}

/* Start: a SIGILL handler on a stack of its own that notes the signal and steps over the word
 * (uc_mcontext.pc is 440 bytes into the ucontext). End: write all states to standard output. */
static inline void qemu_user_program(FILE *f, const uint32_t *words, size_t n, const char *states)
{
    fputs(".arch armv8-a\n.text\n", f);
    qemu_user_case_macro(f);
    fputs("on_sigill:\n"
          " ldr x3,[x2,#440]\n add x3,x3,#4\n str x3,[x2,#440]\n"
          " adrp x3,sigill_seen\n mov x4,#1\n str x4,[x3,#:lo12:sigill_seen]\n ret\n"
          ".globl _start\n_start:\n"
          " adrp x0,altstack\n add x0,x0,:lo12:altstack\n mov x1,#0\n mov x8,#132\n svc #0\n"
          " mov x0,#4\n adrp x1,action\n add x1,x1,:lo12:action\n mov x2,#0\n mov x3,#8\n"
          " mov x8,#134\n svc #0\n",
          f);
    for (size_t k = 0; k < n; k++)
        fprintf(f, " CASE 0x%08x,%zu\n", words[k], k * sizeof(struct qemu_user_state));
    fprintf(f,
            " adrp x19,states\n add x19,x19,:lo12:states\n ldr x20,=%zu\n"
            "more:\n"
            " mov x0,#1\n mov x1,x19\n mov x2,x20\n mov x8,#64\n svc #0\n"
            " cmp x0,#0\n b.le failed\n add x19,x19,x0\n subs x20,x20,x0\n b.ne more\n"
            " mov x0,#0\n mov x8,#93\n svc #0\n"
            "failed:\n mov x0,#1\n mov x8,#93\n svc #0\n",
            n * sizeof(struct qemu_user_state));
    fprintf(f,
            ".data\n.balign 16\n"
            "sigill_seen: .quad 0\n"
            "altstack: .quad stack, 0, 65536\n"           /* ss_sp, ss_flags, ss_size */
            "action: .quad on_sigill, 0x08000004, 0, 0\n" /* SA_ONSTACK | SA_SIGINFO */
            ".balign 16\n"
            "states: .incbin \"%s\"\n"
            ".bss\n.balign 16\nstack: .skip 65536\n",
            states);
}

static inline bool qemu_user_fail(char *why, const char *what, const char *arg)
{
    snprintf(why, QEMU_USER_WHY, "qemu_user: %s%s", what, arg);
    return false;
}

static inline bool qemu_user_file(const char *path, const char *mode, void *buf, size_t size)
{
    FILE *f = fopen(path, mode);
    if (!f)
        return false;
    size_t done = mode[0] == 'r' ? fread(buf, 1, size, f) : fwrite(buf, 1, size, f);
    return (fclose(f) == 0) & (done == size);
}

/* The steps between files in directory @dir. */
static inline bool qemu_user_steps(const char *dir, const uint32_t *words, size_t n,
                                   struct qemu_user_state *states, char *why)
{
    char in[128], out[128], source[128], command[600];
    size_t size = n * sizeof(*states);

    snprintf(in, sizeof(in), "%s/in.bin", dir);
    snprintf(out, sizeof(out), "%s/out.bin", dir);
    snprintf(source, sizeof(source), "%s/cases.S", dir);

    FILE *f = fopen(source, "w");
    if (!f || !qemu_user_file(in, "w", states, size))
        return qemu_user_fail(why, "cannot write files in ", dir);
    qemu_user_program(f, words, n, in);
    if (fclose(f) != 0)
        return qemu_user_fail(why, "cannot write ", source);
    snprintf(command, sizeof(command), "aarch64-linux-gnu-gcc -nostdlib -static -o %s/cases %s",
             dir, source);
    if (system(command) != 0)
        return qemu_user_fail(why, "not installed, or it failed: ", command);
    snprintf(command, sizeof(command), "qemu-aarch64 -cpu max %s/cases >%s", dir, out);
    if (system(command) != 0)
        return qemu_user_fail(why, "not installed, or the program died: ", command);
    if (!qemu_user_file(out, "r", states, size))
        return qemu_user_fail(why, "short output in ", out);
    return true;
}

/**
 * run_on_qemu_user() - execute @n words, each on its own registers.
 * @words: @n instructions. @in: @n states. @out: @n states, may be @in; filled on success.
 * @why: QEMU_USER_WHY bytes; on failure one sentence.
 */
static inline bool run_on_qemu_user(const uint32_t *words, size_t n,
                                    const struct qemu_user_state *in, struct qemu_user_state *out,
                                    char *why)
{
    char dir[] = "/tmp/qemu_user_XXXXXX", command[64];

    if (n == 0)
        return true;
    if (!mkdtemp(dir))
        return qemu_user_fail(why, "mkdtemp failed: ", dir);
    memmove(out, in, n * sizeof(*out));
    bool ok = qemu_user_steps(dir, words, n, out, why);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    if (system(command) != 0 && ok)
        return qemu_user_fail(why, "failed: ", command);
    return ok;
}
