// options: --cpu n1
// case: clean
// case -DNO_TLBI @do_eret: VMID VTTBR_EL2 of vm2/vcpu0
// case -DSTAGE1_ONLY @do_eret: VMID VTTBR_EL2 of vm2/vcpu0
// case -DNEW_VMID -DNO_TLBI: clean
// case -DVCPU: clean
// case -DVCPU -DNO_TLBI @do_eret: VMID VTTBR_EL2 of vm1/vcpu1
// case -DVCPU -DSTAGE1_ONLY: clean
#include "tables.inc"

handle: // another VM with the same virtual CPU's registers: the guest goes on with other tables; or another one's
#ifdef VCPU
        ldr     x3, =0x80000001
        msr     vmpidr_el2, x3
        adrp    x2, stage2
#else
        adrp    x2, other_stage2
#endif
#ifdef NEW_VMID
        orr     x2, x2, #1 << 49
#else
        orr     x2, x2, #1 << 48
#endif
#if defined(STAGE1_ONLY)
        tlbi    vmalle1is
#elif !defined(NO_TLBI)
        tlbi    vmalls12e1is
#endif
        dsb     ish
        msr     vttbr_el2, x2
        isb
        ret

guest:  mov     x4, #4
        hvc     #0
        hvc     #99
