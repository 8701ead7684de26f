/* What kind of access to memory an instruction makes. */
#pragma once

/* How an access differs from a plain load or store. */
#define ACC_UNPRIV  1 /* LDTR, STTR: as EL0 where the manual says so */
#define ACC_ALIGNED 2 /* exclusive, ordered or atomic: their alignment rules (LSE2 too) */
#define ACC_EXCL    4
#define ACC_ATOMIC  8 /* read-modify-write: permission faults report as a write */
#define ACC_ORDERED 16
#define ACC_FP      32      /* SIMD&FP: stage-2 abort has no valid syndrome */
#define ACC_PAIR    64      /* one of several registers: no valid syndrome */
#define ACC_SIGNED  128     /* sign-extending load: SSE of the syndrome */
#define ACC_64      256     /* 64-bit destination: SF of the syndrome */
#define ACC_WB      512     /* writes its base register back: no valid syndrome */
#define ACC_ZERO    1024    /* DC ZVA: no valid syndrome */
#define ACC_CMO     0x10000 /* cache maintenance or address translation instruction: CM, WnR = 1 */

/* For its event: which register has the value, if not insn.rd. */
#define ACC_VALUE_RM          0x1000
#define ACC_VALUE_RA          0x2000
#define ACC_VALUE_NONE        0x4000
#define ACC_VALUE_TWO         0x8000 /* two have, half each: the next one too; insn.ra of an ACC_EXCL */
#define ACC_VALUE_NTH(n)      ((n) << 17) /* the register n, 0..3, behind it */
#define ACC_VALUE_NTH_OF(acc) ((acc) >> 17 & 3)

/* What the slow path adds to cpu->accessed for each access it makes. */
#define ACCESSED_READ      1
#define ACCESSED_WRITE     2
#define ACCESSED_UNALIGNED 4 /* to its size */
