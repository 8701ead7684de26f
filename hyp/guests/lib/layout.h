/* Numbers that assembly and C share. */
#pragma once

#define MAX_CPUS    8
#define STACK_BYTES 65536
#define FRAME_BYTES 288

#define SCTLR_EL1_OFF 0x30d00800 /* RES1 of Armv8.0; MMU, caches and alignment checks off */
