/* What assembly and the linker script need to know of C's structures and of each other; hyp/vm.c
 * asserts it. */
#pragma once
#ifndef HYP_MUTANT
#define HYP_MUTANT NONE /* .ifc HYP_MUTANT, name: hyp/mutant.h */
#endif
#define STACK_SIZE 16384
#define REGS_X0    0
#define REGS_X30   240
#define IMAGE_BASE 0x40200000 /* as linked (hyp/image.ld) */
