/* Pointer authentication: AddPAC(), Auth(), Strip() and the three algorithms. */
#pragma once

#include "cpu/cpu.h"

enum pauth_key { PAUTH_IA, PAUTH_IB, PAUTH_DA, PAUTH_DB };

/* Is the key's use enabled (SCTLR_ELx.EnIA etc.) at the current EL? */
bool pauth_enabled(const struct cpu *cpu, enum pauth_key key);

/* cpu_pauth_trap(), raised (cpu_raise()): true if there was one. */
bool pauth_trapped(struct cpu *cpu, const struct insn *i);

/* @ptr with its authentication code. */
uint64_t pauth_add(struct cpu *cpu, uint64_t ptr, uint64_t modifier, enum pauth_key key);

/**
 * pauth_auth() - authenticate @ptr. @combined: part of BRAA, RETAA, LDRAA, ERETAA.
 * Return: false when FEAT_FPAC faulted and the exception is raised (cpu_raise()); else true and
 * *out.
 */
bool pauth_auth(struct cpu *cpu, const struct insn *i, uint64_t ptr, uint64_t modifier,
                enum pauth_key key, bool combined, uint64_t *out);

/* XPACI, XPACD: neither enables nor traps. */
uint64_t pauth_strip(const struct cpu *cpu, uint64_t ptr, bool data);
uint64_t pauth_generic(struct cpu *cpu, uint64_t x, uint64_t y); /* PACGA */
