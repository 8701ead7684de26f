/* Where things are in a lockstep program, and its supervisor calls. Shared with runtime.S. */
#pragma once

#define WINDOW      0x40600000 /* what the program's loads and stores touch */
#define WINDOW_SIZE 0x4000
#define TARGETS     0x40600800 /* where their addresses point to: some room on either side */
#define TARGETS_END 0x406037c0
#define FAULTS      0x40608000 /* with the MMU on: one page each, see FAULT_xxx */
#define POOL        0x40610000 /* operands to be reloaded, 16 bytes each */
#define POOL_COUNT  256

#define FAULT_INVALID    0
#define FAULT_READ_ONLY  1
#define FAULT_PRIVILEGED 2 /* LDTR and STTR may not, at EL1 */
#define FAULT_NO_ACCESS  3 /* the access flag is clear */
#define FAULT_COUNT      4

#define CALL_CHECKPOINT 0 /* print a line of checksums */
#define CALL_START      1 /* of a class: fill the window, load the registers from class_states */
#define CALL_STOP       2 /* print all registers and the window, end the program */
#define CALL_FINISH     3 /* end the program */
