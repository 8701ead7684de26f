// options: --gic gicv=1 --rules GIC-ORDER,GIC-APR-ORDER,GIC-STATE,LOST,LEAK,UNSAVED
// case: clean
// case -DLOST -DREAD: clean
// case -DLOST @lost: LOST ICH_LR0_EL2 of vm1/vcpu0
// case -DLOST -DSAME: clean
// case -DLOST -DOTHER @lost: LOST ICH_LR0_EL2 of vm1/vcpu0
// case -DLOST -DELRSR @lost: LOST ICH_LR0_EL2 of vm1/vcpu0
// case -DLOST -DTAKEN: clean
// case -DLOST -DOFF: clean
// case -DLOST -DREAD -DNUMBER=3 @do_eret: LOST ICH_LR0_EL2 of vm1/vcpu0
// case -DLOST -DREAD -DNUMBER=8200 @do_eret: LOST ICH_LR0_EL2 of vm1/vcpu0
// case -DLOST -DREAD -DNUMBER=1000: clean
// case -DLOST -DREAD -DNUMBER=3 -DSAME: clean
// case -DLOST -DREAD -DNUMBER=3 -DMEMORY: clean
// case -DFOREIGN @do_eret: LEAK ICH_LR0_EL2 of vm1/vcpu1
// case -DFOREIGN -DDISABLED: clean
// case -DFOREIGN -DZEROED: clean
// case -DTWICE @second: GIC-STATE ICH_LR1_EL2 of vm1/vcpu0
// case -DTWICE -DINTID=41: clean
// case -DDARK @do_eret: GIC-STATE ICH_HCR_EL2 of vm1/vcpu0
// case -DDARK -DLIGHT: clean
// case -DDARK -DLIGHT -DPHYSICAL=0x10 @do_eret: GIC-STATE HCR_EL2 of vm1/vcpu0
// case -DDARK -DLIGHT -DPHYSICAL=0x8: clean
// case -DDARK -DACTIVE_ONE: clean
// case -DSIGNALS=1<<7 @do_eret: GIC-STATE HCR_EL2 of vm1/vcpu0
// case -DSIGNALS=1<<7 -DINTERFACE=0x1001: clean
// case -DSIGNALS=1<<7 -DINTERFACE=0: clean
// case -DHARDWARE -DPINTID=3 @hardware: GIC-STATE ICH_LR0_EL2 of vm1/vcpu0
// case -DHARDWARE -DPINTID=1021 @hardware: GIC-STATE ICH_LR0_EL2 of vm1/vcpu0
// case -DHARDWARE -DPINTID=30: clean
// case -DHARDWARE -DPINTID=30 -DSTATE=3 @hardware: GIC-STATE ICH_LR0_EL2 of vm1/vcpu0
// case -DACTIVE @do_eret: UNSAVED ICH_AP1R0_EL2 of vm1/vcpu1
// case -DACTIVE -DZEROED: clean
// case -DACTIVE -DDROPPED @dropped: LOST ICH_AP1R0_EL2 of vm1/vcpu0
// case -DORPHAN @orphan: GIC-STATE ICH_LR0_EL2 of vm1/vcpu0
// case -DORPHAN -DMOVED: clean
// case -DORPHAN -DMEMORY: clean
// case -DORPHAN -DMEMORY -DOFFSET=0x400 @orphan: GIC-STATE ICH_LR0_EL2 of vm1/vcpu0
// case -DORPHAN -DMEMORY -DOFFSET=0x384: clean
// case -DORPHAN -DFULL: clean
// case -DORPHAN -DEOIMODE @do_eret: GIC-STATE ICH_HCR_EL2 of vm1/vcpu0
// case -DORPHAN -DEOIMODE -DTRAPS=1<<14: clean
// case -DORPHAN -DEOIMODE -DTRAPS=1<<10: clean
// case -DORPHAN -DEOIMODE -DMOVED: clean
// case -DCOUNT @count: LOST ICH_HCR_EL2 of vm1/vcpu0
// case -DCOUNT -DREAD: clean
// case -DCOUNT -DREAD -DIGNORED @ignored: LOST ICH_HCR_EL2 of vm1/vcpu0
// case -DCOUNT -DREAD -DIGNORED -DSTATE=1: clean
// case -DMISR @misr: GIC-ORDER ICH_MISR_EL2 of vm1/vcpu0
// case -DMISR -DREAD: clean
// case -DMISR -DDROPPED: clean
// case -DMISR -DKEPT @misr: GIC-ORDER ICH_MISR_EL2 of vm1/vcpu0
// case -DEISR @eisr: GIC-ORDER ICH_EISR_EL2 of vm1/vcpu0
// case -DEISR -DREAD: clean
// case -DSRE -DBEHIND @sre: GIC-ORDER ICC_SRE_EL1 of vm1/vcpu0
// case -DSRE: clean
// case -DAPRS -DBEHIND @ap0r: GIC-APR-ORDER ICH_AP0R0_EL2
// case -DAPRS -DBEHIND -DSAVED: clean
// case -DAPRS: clean
// case -DAPRS -DAGAIN: clean
// case -DSTORM: GIC-STATE ICH_MISR_EL2 of vm1/vcpu0
// case -DSTORM -DENDS: clean
// case -DSTORM -DOWN: GIC-STATE ICH_MISR_EL2 of vm1/vcpu0
// case -DSTORM -DOWN -DENDS: clean
#ifndef OFFSET
#define OFFSET 0
#endif
#ifndef NUMBER
#define NUMBER 40
#endif
#define PENDING40 (1 << 62 | 1 << 60 | 0xa0 << 48 | NUMBER)
#ifndef INTID
#define INTID 40
#endif
#ifndef STATE
#ifdef IGNORED
#define STATE 2
#else
#define STATE 1
#endif
#endif
#define HAS_SETUP
        .macro setup
        mov     x1, #7
        msr     icc_sre_el1, x1
        isb
        ldr     x1, =0xff040002                 // priority mask, VBPR1 1, VENG1
        msr     ich_vmcr_el2, x1
        mov     x1, #1                          // En
        msr     ich_hcr_el2, x1
#ifdef STORM // the maintenance interrupt, PPI 25, is taken to EL2
        own_ppi 25
#endif
        .endm
#ifdef OWN
#define OWN_VECTOR own_vector
#endif
#include "hv.inc"

        .macro  inject                          // interrupt 40 into the first list register
        ldr     x2, =PENDING40
        msr     ich_lr0_el2, x2
        .endm

        .macro  vcpu1
        ldr     x2, =0x80000001
        msr     vmpidr_el2, x2
        .endm

#ifdef ENDS
#define LIMIT 50
#else
#define LIMIT 90
#endif
#ifdef OWN                                      // interrupts come to EL2 itself, and maintenance with them
own_vector:
        mrs     x2, s3_0_c12_c12_0              // ICC_IAR1_EL1
        msr     s3_0_c12_c12_1, x2              // ICC_EOIR1_EL1
        add     x9, x9, #1
        cmp     x9, #LIMIT
        b.ne    1f
        mov     x2, #1
        msr     ich_hcr_el2, x2
        isb
1:      eret
#endif
handle: // X0: frame, X1: syndrome; X6 counts the calls
        adrp    x5, calls
        ldr     x6, [x5, #:lo12:calls]
        add     x6, x6, #1
        str     x6, [x5, #:lo12:calls]
#ifdef STORM
        cmp     x6, #1
        b.ne    1f
        mov     x2, #3                          // En, UIE
        msr     ich_hcr_el2, x2
#ifdef OWN
        mov     x9, #0
        isb
        msr     daifclr, #2
        nop
        msr     daifset, #2
        ret
#endif
1:      cmp     x6, #LIMIT
        b.ne    1f
        mov     x2, #1
        msr     ich_hcr_el2, x2
1:      ret
#endif
        cmp     x6, #2
        b.eq    second_call
        b.hi    third_call

#ifdef COUNT
#define FULL
#endif
#if defined(LOST) || defined(FOREIGN) || defined(ACTIVE) || defined(COUNT) || defined(ORPHAN)
        inject
#endif
#ifdef TWICE
        inject
        ldr     x2, =1 << 62 | 1 << 60 | INTID
second: msr     ich_lr1_el2, x2
#endif
#ifdef DARK
        msr     ich_hcr_el2, xzr
        ldr     x2, =PENDING40
#ifdef ACTIVE_ONE
        eor     x2, x2, #3 << 62
#endif
        msr     ich_lr0_el2, x2
#ifdef LIGHT
        mov     x2, #1
        msr     ich_hcr_el2, x2
#endif
#ifdef PHYSICAL                                 // IMO or FMO goes
        mrs     x2, hcr_el2
        bic     x2, x2, #PHYSICAL
        msr     hcr_el2, x2
#endif
#endif
#ifdef SIGNALS                                  // VI
        mrs     x2, hcr_el2
        orr     x2, x2, #SIGNALS
        msr     hcr_el2, x2
#ifdef INTERFACE
        ldr     x2, =INTERFACE
        msr     ich_hcr_el2, x2
#endif
#endif
#ifdef HARDWARE
        ldr     x2, =STATE << 62 | 1 << 61 | 1 << 60 | PINTID << 32 | 40
hardware:
        msr     ich_lr0_el2, x2
#endif
#ifdef MISR
        mov     x2, #3                          // En, UIE
        msr     ich_hcr_el2, x2
#endif
#ifdef EISR
        ldr     x2, =PENDING40 | 1 << 41
        msr     ich_lr0_el2, x2
#endif
#ifdef SRE
        mov     x3, #7
        msr     s3_4_c12_c9_5, x3               // ICC_SRE_EL2, without Enable
        mov     x3, #6
        mrs     x2, ich_vmcr_el2
#ifdef BEHIND
        msr     ich_vmcr_el2, x2
        isb
sre:    msr     icc_sre_el1, x3
        isb
#else
        msr     icc_sre_el1, x3
        isb
        msr     ich_vmcr_el2, x2
#endif
#endif
#ifdef APRS
#ifdef BEHIND
        msr     ich_ap1r0_el2, xzr
#ifdef SAVED                                    // one virtual CPU's were changed and are saved: the next ones are another's
        mrs     x2, ich_ap1r0_el2
#endif
ap0r:   msr     ich_ap0r0_el2, xzr
#else
        msr     ich_ap0r0_el2, xzr
        msr     ich_ap1r0_el2, xzr
#ifdef AGAIN                                    // for another virtual CPU
        msr     ich_ap0r0_el2, xzr
        msr     ich_ap1r0_el2, xzr
#endif
#endif
#endif
        ret

second_call:
#ifdef LOST
#ifdef READ
        mrs     x2, ich_lr0_el2
#endif
#ifdef ELRSR // which does not tell pending from active
        mrs     x2, ich_elrsr_el2
#endif
        mov     x2, #0
#ifdef SAME
        ldr     x2, =PENDING40
#endif
#ifdef OTHER
        ldr     x2, =PENDING40 + 1
#endif
lost:   msr     ich_lr0_el2, x2
#endif
#ifdef MEMORY                                   // an access to a distributor, say, which may disable it
        ldr     x2, [x0, #FRAME_ELR]
        add     x2, x2, #4
        str     x2, [x0, #FRAME_ELR]
#endif
#ifdef FOREIGN
#ifdef DISABLED
        msr     ich_hcr_el2, xzr
#endif
#ifdef ZEROED
        mrs     x2, ich_lr0_el2
        msr     ich_lr0_el2, xzr
#endif
        vcpu1
#endif
#ifdef ACTIVE
        msr     ich_hcr_el2, xzr
#ifdef DROPPED
dropped:
        msr     ich_ap1r0_el2, xzr
#else
#ifdef ZEROED
        mrs     x2, ich_ap1r0_el2
        msr     ich_ap1r0_el2, xzr
#endif
        vcpu1
#endif
#endif
#if defined(COUNT) || defined(ORPHAN) // it is active: the world ends it without a list register
        mrs     x2, ich_lr0_el2
orphan: msr     ich_lr0_el2, xzr
#ifdef TRAPS                                    // ICC_DIR_EL1, or all of the interface
        mov     x3, #1 | TRAPS
        msr     ich_hcr_el2, x3
#endif
#ifdef MOVED
        msr     ich_lr1_el2, x2
#endif
#endif
#ifdef FULL // of interrupts that are as urgent
        ldr     x2, =PENDING40 + 1
        msr     ich_lr0_el2, x2
        add     x2, x2, #1
        msr     ich_lr1_el2, x2
        add     x2, x2, #1
        msr     s3_4_c12_c12_2, x2
        add     x2, x2, #1
        msr     s3_4_c12_c12_3, x2
#endif
#ifdef MISR
#ifdef READ
        mrs     x2, ich_misr_el2
#endif
misr:   msr     ich_hcr_el2, xzr
        mrs     x2, ich_misr_el2
#ifdef KEPT
        ldr     x3, =kept
        str     x2, [x3]
        mov     x2, #0
        ldr     x2, [x3]
#endif
#ifndef DROPPED
        cbnz    x2, 1f
1:
#endif
        mov     x2, #0
#endif
#ifdef EISR
#ifdef READ
        mrs     x2, ich_eisr_el2
#endif
eisr:   msr     ich_lr0_el2, xzr
        isb
        mrs     x2, ich_eisr_el2
#endif
        ret

third_call:
#ifdef COUNT
#ifdef READ
        mrs     x2, ich_hcr_el2
#endif
count:  msr     ich_hcr_el2, xzr
#endif
#ifdef IGNORED                                  // 40, which the world has ended, as if it had not
        mov     x2, #1
        msr     ich_hcr_el2, x2
        mrs     x2, ich_lr0_el2
        ldr     x2, =STATE << 62 | 1 << 60 | 0xa0 << 48 | 40
ignored:
        msr     ich_lr0_el2, x2
#endif
        ret

guest:
        hvc     #0
#ifdef EOIMODE
        mov     x1, #2
        msr     s3_0_c12_c12_4, x1              // ICC_CTLR_EL1
#endif
#if defined(ACTIVE) || defined(COUNT) || defined(EISR) || defined(TAKEN) || defined(ORPHAN)
        mrs     x1, icc_iar1_el1
#endif
#if defined(EISR) || defined(TAKEN)
        msr     icc_eoir1_el1, x1
#endif
#ifdef OFF
        ldr     x0, =0x84000002                 // CPU_OFF
#endif
#ifdef MEMORY
        mov     x3, #0x80000000
        str     w2, [x3, #OFFSET]
#else
        hvc     #0
#endif
#ifdef COUNT
        msr     icc_eoir1_el1, x1
#endif
        hvc     #0
        hvc     #99

        .section .data
        .balign 8
calls:  .quad   0
kept:   .quad   0
