/* The programs of test_probe_rows.c: assembled, with what stands there, and where. */
#pragma once

#include <stdint.h>

/* Loads and stores of all kinds, maintenance, registers: EL2, then EL1, then EL2. */
enum {
    BASIC_PAN = 9,
    BASIC_UAO = 10,
    BASIC_DIT = 11,
    BASIC_SSBS = 12,
    BASIC_DAIFCLR = 13,
    BASIC_DAIFSET = 14,
    BASIC_SPSEL = 15,
    BASIC_MSR = 18,
    BASIC_MRS = 19,
    BASIC_STP = 21,
    BASIC_LDXR = 22,
    BASIC_LDARB = 23,
    BASIC_LDRQ = 24,
    BASIC_TLBI_VA = 25,
    BASIC_TLBI_IPA = 26,
    BASIC_DSB = 27,
    BASIC_DMB = 28,
    BASIC_ISB = 29,
    BASIC_SB = 30,
    BASIC_NXS = 31,
    BASIC_CIVAC = 32,
    BASIC_IALLU = 33,
    BASIC_IVAU = 34,
    BASIC_ZVA = 35,
    BASIC_CROSS = 37,
    BASIC_LDXP = 38,
    BASIC_STXP = 39,
    BASIC_STXR = 40,
    BASIC_CAS = 41,
    BASIC_SWP = 42,
    BASIC_LDADD = 43,
    BASIC_CASP = 44,
    BASIC_LDPQ = 45,
    BASIC_ST2 = 46,
    BASIC_UART = 49,
    BASIC_ERET = 58,
    BASIC_EL1 = 59,
    BASIC_AT = 60,
    BASIC_HVC = 61,
    BASIC_AFTER = 62,
    BASIC_WFI0 = 512,
    BASIC_WFI = 640,
    BASIC_LOWER = 768,
    BASIC_EL12 = 772,
    BASIC_E2H = 773,
    BASIC_OSLAR = 774,
    BASIC_DTR = 776,
    BASIC_OVERFLOW = 788,
    BASIC_ILLEGAL = 794
};

static const uint32_t basic_code[] = {
    0x58006380,               /* ldr x0, 40080c70 */
    0xd51c2000,               /* msr ttbr0_el2, x0 */
    0x58006380,               /* ldr x0, 40080c78 */
    0xd51c2040,               /* msr tcr_el2, x0 */
    0xd2801fe0,               /* mov x0, #0xff */
    0xd51ca200,               /* msr mair_el2, x0 */
    0x58006340,               /* ldr x0, 40080c80 */
    0xd51c1000,               /* msr sctlr_el2, x0 */
    0xd5033fdf,               /* isb */
    0xd500419f,               /* pan: msr pan, #0x1 */
    0xd500417f,               /* uao: msr uao, #0x1 */
    0xd503415f,               /* dit: msr dit, #0x1 */
    0xd503413f,               /* ssbs: msr ssbs, #0x1 */
    0xd50341ff,               /* daifclr: msr daifclr, #0x1 */
    0xd50341df,               /* daifset: msr daifset, #0x1 */
    0xd50040bf,               /* spsel: msr spsel, #0x0 */
    0xd2a80001,               /* mov x1, #0x40000000 */
    0xd2824682,               /* mov x2, #0x1234 */
    0xd51cd042,               /* msr: msr tpidr_el2, x2 */
    0xd53cd043,               /* mrs: mrs x3, tpidr_el2 */
    0x91400824,               /* add x4, x1, #0x2, lsl #12 */
    0xa9000482,               /* stp: stp x2, x1, [x4] */
    0xc85f7c85,               /* ldxr: ldxr x5, [x4] */
    0x08dffc86,               /* ldarb: ldarb w6, [x4] */
    0x3dc00087,               /* ldrq: ldr q7, [x4] */
    0xd50c8322,               /* tlbi_va: tlbi vae2is, x2 */
    0xd50c84a2,               /* tlbi_ipa: tlbi ipas2le1, x2 */
    0xd5033a9f,               /* dsb: dsb ishst */
    0xd50331bf,               /* dmb: dmb oshld */
    0xd5033fdf,               /* isb: isb */
    0xd50330ff,               /* sb: sb */
    0xd5033e3f,               /* nxs: dsb synxs */
    0xd50b7e24,               /* civac: dc civac, x4 */
    0xd508751f,               /* iallu: ic iallu */
    0xd50b7524,               /* ivau: ic ivau, x4 */
    0xd50b7424,               /* zva: dc zva, x4 */
    0x9101f885,               /* add x5, x4, #0x7e */
    0xb90f80a2,               /* cross: str w2, [x5, #3968] */
    0xc87f1885,               /* ldxp: ldxp x5, x6, [x4] */
    0xc8270881,               /* stxp: stxp w7, x1, x2, [x4] */
    0xc8077c81,               /* stxr: stxr w7, x1, [x4] */
    0xc8a57c82,               /* cas: cas x5, x2, [x4] */
    0xf8228088,               /* swp: swp x2, x8, [x4] */
    0xf822009f,               /* ldadd: stadd x2, [x4] */
    0x48227c8a,               /* casp: casp x2, x3, x10, x11, [x4] */
    0xad401483,               /* ldpq: ldp q3, q5, [x4] */
    0x4c008c83,               /* st2: st2 {v3.2d, v4.2d}, [x4] */
    0xd2a12007,               /* mov x7, #0x9000000 */
    0x52800428,               /* mov w8, #0x21 */
    0x390000e8,               /* uart: strb w8, [x7] */
    0xd2b00009,               /* mov x9, #0x80000000 */
    0xd51c1109,               /* msr hcr_el2, x9 */
    0x100000ea,               /* adr x10, 400800ec */
    0xd51c402a,               /* msr elr_el2, x10 */
    0xd28078ab,               /* mov x11, #0x3c5 */
    0xd51c400b,               /* msr spsr_el2, x11 */
    0x1000390c,               /* adr x12, 40080800 */
    0xd51cc00c,               /* msr vbar_el2, x12 */
    0xd69f03e0,               /* eret: eret */
    0xd538d08d,               /* el1: mrs x13, tpidr_el1 */
    0xd5087804,               /* at: at s1e1r, x4 */
    0xd40000a2,               /* hvc: hvc #0x5 */
    [0x800 / 4] = 0xd503207f, /* wfi0: wfi */
    [0xa00 / 4] = 0xd503207f, /* wfi: wfi */
    [0xc00 / 4] = 0xd53c1109, /* lower: mrs x9, hcr_el2 */
    0xb25e0129,               /* orr x9, x9, #0x400000000 */
    0xd51c1109,               /* msr hcr_el2, x9 */
    0xd5033fdf,               /* isb */
    0xd53d100a,               /* el12: mrs x10, sctlr_el12 */
    0xd538100a,               /* e2h: mrs x10, sctlr_el1 */
    0xd510109f,               /* oslar: msr oslar_el1, xzr */
    0xd530118a,               /* mrs x10, oslsr_el1 */
    0xd5130502,               /* dtr: msr dbgdtrtx_el0, x2 */
    0x128001ea,               /* mov w10, #0xfffffff0 */
    0xd51b9d0a,               /* msr pmccntr_el0, x10 */
    0x52a1000a,               /* mov w10, #0x8000000 */
    0xd51befea,               /* msr pmccfiltr_el0, x10 */
    0x52b0000a,               /* mov w10, #0x80000000 */
    0xd51b9c2a,               /* msr pmcntenset_el0, x10 */
    0xd280002a,               /* mov x10, #0x1 */
    0xd51b9c0a,               /* msr pmcr_el0, x10 */
    0xd280028b,               /* mov x11, #0x14 */
    0xf100056b,               /* subs x11, x11, #0x1 */
    0x54ffffe1,               /* b.ne 40080c48 */
    0xd53b9d0a,               /* overflow: mrs x10, pmccntr_el0 */
    0xd51b9c1f,               /* msr pmcr_el0, xzr */
    0xd28001aa,               /* mov x10, #0xd */
    0xd51c400a,               /* msr spsr_el2, x10 */
    0x1000006a,               /* adr x10, 40080c6c */
    0xd51c402a,               /* msr elr_el2, x10 */
    0xd69f03e0,               /* illegal: eret */
    0x14000000,               /* b 40080c6c */
    0x40010000,               /* .word 0x40010000 */
    0x00000000,               /* .word 0x00000000 */
    0x80823519,               /* .word 0x80823519 */
    0x00000000,               /* .word 0x00000000 */
    0x30c51835,               /* .word 0x30c51835 */
    0x00000000,               /* .word 0x00000000 */
};

/* EL2 makes a world of both stages for EL1, which accesses memory, calls, and
 * has virtual SErrors. */
enum {
    WALK_ERET = 29,
    WALK_EL1 = 30,
    WALK_STR = 31,
    WALK_TLBI = 32,
    WALK_AT = 33,
    WALK_HVC = 34,
    WALK_SECOND = 35,
    WALK_ESB = 36,
    WALK_HVC2 = 38,
    WALK_THIRD = 40,
    WALK_LOWER = 768,
    WALK_VBAR1 = 1024,
    WALK_VSERROR = 1248,
    WALK_ABORT = 1250
};

static const uint32_t walk_code[] = {
    0x5800a000,                /* ldr x0, 40081400 */
    0xb27b0000,                /* orr x0, x0, #0x20 */
    0xd51c1100,                /* msr hcr_el2, x0 */
    0x58009fe0,                /* ldr x0, 40081408 */
    0xd51c2140,                /* msr vtcr_el2, x0 */
    0x58009fe0,                /* ldr x0, 40081410 */
    0xd51c2100,                /* msr vttbr_el2, x0 */
    0x58009fe0,                /* ldr x0, 40081418 */
    0xd51c00a0,                /* msr vmpidr_el2, x0 */
    0x58009fe0,                /* ldr x0, 40081420 */
    0xd5182040,                /* msr tcr_el1, x0 */
    0x58009fe0,                /* ldr x0, 40081428 */
    0xd5182000,                /* msr ttbr0_el1, x0 */
    0xd2801fe0,                /* mov x0, #0xff */
    0xd518a200,                /* msr mair_el1, x0 */
    0x58009fa0,                /* ldr x0, 40081430 */
    0x927ef800,                /* and x0, x0, #0xfffffffffffffffd */
    0xd5181000,                /* msr sctlr_el1, x0 */
    0x10003dc0,                /* adr x0, 40080800 */
    0xd51cc000,                /* msr vbar_el2, x0 */
    0x10000140,                /* adr x0, 40080078 */
    0xd51c4020,                /* msr elr_el2, x0 */
    0xd28078a0,                /* mov x0, #0x3c5 */
    0xd51c4000,                /* msr spsr_el2, x0 */
    0xd2a80404,                /* mov x4, #0x40200000 */
    0x58009ea6,                /* ldr x6, 40081438 */
    0xd281fd07,                /* mov x7, #0xfe8 */
    0x58009ea8,                /* ldr x8, 40081440 */
    0xd5033fdf,                /* isb */
    0xd69f03e0,                /* eret: eret */
    0xf9400085,                /* el1: ldr x5, [x4] */
    0xf9000085,                /* str: str x5, [x4] */
    0xd5088746,                /* tlbi: tlbi aside1, x6 */
    0xd5087807,                /* at: at s1e1r, x7 */
    0xd40000e2,                /* hvc: hvc #0x7 */
    0xd50344df,                /* second: msr daifset, #0x4 */
    0xd503221f,                /* esb: esb */
    0xd50344ff,                /* msr daifclr, #0x4 */
    0xd4000102,                /* hvc2: hvc #0x8 */
    0xd503201f,                /* nop */
    0xd503201f,                /* third: nop */
    0x14000000,                /* b 400800a4 */
    [0xc00 / 4] = 0xd53c5201,  /* lower: mrs x1, esr_el2 */
    0xd35afc23,                /* lsr x3, x1, #26 */
    0xf100907f,                /* cmp x3, #0x24 */
    0x54000140,                /* b.eq 40080c34 */
    0x92400c21,                /* and x1, x1, #0xf */
    0xd53c1100,                /* mrs x0, hcr_el2 */
    0xb2780000,                /* orr x0, x0, #0x100 */
    0xd51c1100,                /* msr hcr_el2, x0 */
    0xf100203f,                /* cmp x1, #0x8 */
    0x54000061,                /* b.ne 40080c30 */
    0x10001ec2,                /* adr x2, 40081000 */
    0xd518c002,                /* msr vbar_el1, x2 */
    0xd69f03e0,                /* eret */
    0xd503207f,                /* wfi */
    [0x1380 / 4] = 0xd5181008, /* vserror: msr sctlr_el1, x8 */
    0xd5033fdf,                /* isb */
    0xf94000e8,                /* abort: ldr x8, [x7] */
    [0x1400 / 4] = 0x80000001, /* .word 0x80000001 */
    0x00000000,                /* .word 0x00000000 */
    0x806a3559,                /* .word 0x806a3559 */
    0x00000000,                /* .word 0x00000000 */
    0x40020000,                /* .word 0x40020000 */
    0x00050000,                /* .word 0x00050000 */
    0x80000007,                /* .word 0x80000007 */
    0x00000000,                /* .word 0x00000000 */
    0x00803519,                /* .word 0x00803519 */
    0x00000182,                /* .word 0x00000182 */
    0x40010000,                /* .word 0x40010000 */
    0x00090000,                /* .word 0x00090000 */
    0x30d0198d,                /* .word 0x30d0198d */
    0x00000000,                /* .word */
    0x00000000,                /* .word */
    0x00090000,                /* .word 0x00090000 */
    0x30d0198c,                /* .word 0x30d0198c */
    0x00000000,                /* .word 0x00000000 */
};

/* The GIC: physical interrupts of all kinds, then virtual ones at EL1. */
enum {
    GIC_SGI = 14,
    GIC_IAR = 15,
    GIC_EOI = 16,
    GIC_PEND = 18,
    GIC_UNPEND = 19,
    GIC_ACTIVE = 20,
    GIC_INACTIVE = 21,
    GIC_SPI = 26,
    GIC_ITS = 44,
    GIC_VIAR = 60,
    GIC_VPMR = 62,
    GIC_VEOI = 63,
    GIC_VCTLR = 65,
    GIC_VDIR = 67
};

static const uint32_t gic_code[] = {
    0x58006040,               /* ldr x0, 40080c08 */
    0x52800041,               /* mov w1, #0x2 */
    0xb9000001,               /* str w1, [x0] */
    0x58006022,               /* ldr x2, 40080c10 */
    0x12800001,               /* mov w1, #0xffffffff */
    0xb9008041,               /* str w1, [x2, #128] */
    0xb9010041,               /* str w1, [x2, #256] */
    0xd2801fe3,               /* mov x3, #0xff */
    0xd5184603,               /* msr icc_pmr_el1, x3 */
    0xd2800023,               /* mov x3, #0x1 */
    0xd518cce3,               /* msr icc_igrpen1_el1, x3 */
    0xd5033fdf,               /* isb */
    0xd2a06003,               /* mov x3, #0x3000000 */
    0xb2400063,               /* orr x3, x3, #0x1 */
    0xd518cba3,               /* sgi: msr icc_sgi1r_el1, x3 */
    0xd538cc04,               /* iar: mrs x4, icc_iar1_el1 */
    0xd518cc24,               /* eoi: msr icc_eoir1_el1, x4 */
    0x52a10001,               /* mov w1, #0x8000000 */
    0xb9020041,               /* pend: str w1, [x2, #512] */
    0xb9028041,               /* unpend: str w1, [x2, #640] */
    0xb9030041,               /* active: str w1, [x2, #768] */
    0xb9038041,               /* inactive: str w1, [x2, #896] */
    0x91401805,               /* add x5, x0, #0x6, lsl #12 */
    0xd2800026,               /* mov x6, #0x1 */
    0xf900a0a6,               /* str x6, [x5, #320] */
    0x52802001,               /* mov w1, #0x100 */
    0xb9020401,               /* spi: str w1, [x0, #516] */
    0x58005d62,               /* ldr x2, 40080c18 */
    0x58005d81,               /* ldr x1, 40080c20 */
    0xf9003841,               /* str x1, [x2, #112] */
    0x58005d81,               /* ldr x1, 40080c28 */
    0xf9003c41,               /* str x1, [x2, #120] */
    0x52800021,               /* mov w1, #0x1 */
    0xb9000041,               /* str w1, [x2] */
    0x58005d42,               /* ldr x2, 40080c30 */
    0x58005d61,               /* ldr x1, 40080c38 */
    0xf9008041,               /* str x1, [x2, #256] */
    0x58005d61,               /* ldr x1, 40080c40 */
    0xf9008441,               /* str x1, [x2, #264] */
    0x58005d61,               /* ldr x1, 40080c48 */
    0xf9004041,               /* str x1, [x2, #128] */
    0x52800021,               /* mov w1, #0x1 */
    0xb9000041,               /* str w1, [x2] */
    0xd2801401,               /* mov x1, #0xa0 */
    0xf9004441,               /* its: str x1, [x2, #136] */
    0x58005ce1,               /* ldr x1, 40080c50 */
    0xd51ccc01,               /* msr ich_lr0_el2, x1 */
    0x58005ce1,               /* ldr x1, 40080c58 */
    0xd51ccbe1,               /* msr ich_vmcr_el2, x1 */
    0xd2800021,               /* mov x1, #0x1 */
    0xd51ccb01,               /* msr ich_hcr_el2, x1 */
    0x58005ca1,               /* ldr x1, 40080c60 */
    0xd51c1101,               /* msr hcr_el2, x1 */
    0x10003961,               /* adr x1, 40080800 */
    0xd51cc001,               /* msr vbar_el2, x1 */
    0x100000a1,               /* adr x1, 400800f0 */
    0xd51c4021,               /* msr elr_el2, x1 */
    0xd28078a1,               /* mov x1, #0x3c5 */
    0xd51c4001,               /* msr spsr_el2, x1 */
    0xd69f03e0,               /* eret */
    0xd538cc01,               /* viar: mrs x1, icc_iar1_el1 */
    0xd2801c03,               /* mov x3, #0xe0 */
    0xd5184603,               /* vpmr: msr icc_pmr_el1, x3 */
    0xd518cc21,               /* veoi: msr icc_eoir1_el1, x1 */
    0xd2800043,               /* mov x3, #0x2 */
    0xd518cc83,               /* vctlr: msr icc_ctlr_el1, x3 */
    0xd2800c64,               /* mov x4, #0x63 */
    0xd518cb24,               /* vdir: msr icc_dir_el1, x4 */
    0xd4000002,               /* hvc #0x0 */
    [0xc00 / 4] = 0xd503207f, /* wfi */
    0x00000000,               /* udf #0 */
    0x08000000,               /* .word 0x08000000 */
    0x00000000,               /* .word 0x00000000 */
    0x080b0000,               /* .word 0x080b0000 */
    0x00000000,               /* .word 0x00000000 */
    0x080a0000,               /* .word 0x080a0000 */
    0x00000000,               /* .word 0x00000000 */
    0x4010000f,               /* .word 0x4010000f */
    0x00000000,               /* .word 0x00000000 */
    0x40110000,               /* .word 0x40110000 */
    0x40000000,               /* .word 0x40000000 */
    0x08080000,               /* .word 0x08080000 */
    0x00000000,               /* .word 0x00000000 */
    0x40120000,               /* .word 0x40120000 */
    0x80000000,               /* .word 0x80000000 */
    0x40121000,               /* .word 0x40121000 */
    0x80000000,               /* .word 0x80000000 */
    0x40122000,               /* .word 0x40122000 */
    0x80000000,               /* .word 0x80000000 */
    0x00000023,               /* .word 0x00000023 */
    0x50800000,               /* .word 0x50800000 */
    0xf0000002,               /* .word 0xf0000002 */
    0x00000000,               /* .word 0x00000000 */
    0x80000010,               /* .word 0x80000010 */
    0x00000000,               /* .word 0x00000000 */
};

/* CPU 0 switches CPU 1 on, which goes off, and is suspended until the interrupt that is pending. */
enum { POWER_ON = 4, POWER_SUSPEND = 17, POWER_RESUMED = 19, POWER_SECOND = 20, POWER_OFF = 22 };

static const uint32_t power_code[] = {
    0x58000340, /* ldr x0, 40080068 */
    0xd2800021, /* mov x1, #0x1 */
    0x10000242, /* adr x2, 40080050 */
    0xd2800ee3, /* mov x3, #0x77 */
    0xd4000003, /* on: smc #0x0 */
    0x580002e0, /* ldr x0, 40080070 */
    0x52800041, /* mov w1, #0x2 */
    0xb9000001, /* str w1, [x0] */
    0x580002c2, /* ldr x2, 40080078 */
    0x12800001, /* mov w1, #0xffffffff */
    0xb9008041, /* str w1, [x2, #128] */
    0xb9010041, /* str w1, [x2, #256] */
    0xb9020041, /* str w1, [x2, #512] */
    0x58000260, /* ldr x0, 40080080 */
    0xd2a00021, /* mov x1, #0x10000 */
    0x10000082, /* adr x2, 4008004c */
    0xd2801103, /* mov x3, #0x88 */
    0xd4000003, /* suspend: smc #0x0 */
    0x14000000, /* b 40080048 */
    0xd503207f, /* resumed: wfi */
    0xaa0003e9, /* second: mov x9, x0 */
    0x18000060, /* ldr w0, 40080060 */
    0xd4000003, /* off: smc #0x0 */
    0x14000000, /* b 4008005c */
    0x84000002, /* .word 0x84000002 */
    0x00000000, /* udf #0 */
    0xc4000003, /* .word 0xc4000003 */
    0x00000000, /* .word 0x00000000 */
    0x08000000, /* .word 0x08000000 */
    0x00000000, /* .word 0x00000000 */
    0x080b0000, /* .word 0x080b0000 */
    0x00000000, /* .word 0x00000000 */
    0xc4000001, /* .word 0xc4000001 */
    0x00000000, /* .word 0x00000000 */
};

/* DMA of fw_cfg, also to decoded code, and of a virtio device; stores to decoded code. */
enum {
    DMA_STORE = 4,
    DMA_LOOP = 8,
    DMA_FW = 13,
    DMA_CODE = 16,
    DMA_NOTIFY = 39,
    DMA_F = 1024,
    DMA_G = 1025,
    DMA_H = 2048
};

static const uint32_t dma_code[] = {
    0x94000400,                /* bl 40081000 */
    0x94000400,                /* bl 40081004 */
    0x10007fc1,                /* adr x1, 40081000 */
    0xb9400022,                /* ldr w2, [x1] */
    0xb9000022,                /* store: str w2, [x1] */
    0xd2800a03,                /* mov x3, #0x50 */
    0xb9010022,                /* str w2, [x1, #256] */
    0xf1000463,                /* subs x3, x3, #0x1 */
    0x54ffffc1,                /* loop: b.ne 40080018 */
    0x940007f7,                /* bl 40082000 */
    0x58000400,                /* ldr x0, 400800a8 */
    0x58000421,                /* ldr x1, 400800b0 */
    0xdac00c21,                /* rev x1, x1 */
    0xf9000001,                /* fw: str x1, [x0] */
    0x58000401,                /* ldr x1, 400800b8 */
    0xdac00c21,                /* rev x1, x1 */
    0xf9000001,                /* code: str x1, [x0] */
    0x580003e0,                /* ldr x0, 400800c0 */
    0x52800021,                /* mov w1, #0x1 */
    0xb9007001,                /* str w1, [x0, #112] */
    0x52800061,                /* mov w1, #0x3 */
    0xb9007001,                /* str w1, [x0, #112] */
    0x52800021,                /* mov w1, #0x1 */
    0xb9002401,                /* str w1, [x0, #36] */
    0xb9002001,                /* str w1, [x0, #32] */
    0x52800161,                /* mov w1, #0xb */
    0xb9007001,                /* str w1, [x0, #112] */
    0x52800101,                /* mov w1, #0x8 */
    0xb9003801,                /* str w1, [x0, #56] */
    0x18000181,                /* ldr w1, 400800a4 */
    0xb9008001,                /* str w1, [x0, #128] */
    0x11040021,                /* add w1, w1, #0x100 */
    0xb9009001,                /* str w1, [x0, #144] */
    0x11040021,                /* add w1, w1, #0x100 */
    0xb900a001,                /* str w1, [x0, #160] */
    0x52800021,                /* mov w1, #0x1 */
    0xb9004401,                /* str w1, [x0, #68] */
    0x528001e1,                /* mov w1, #0xf */
    0xb9007001,                /* str w1, [x0, #112] */
    0xb900501f,                /* notify: str wzr, [x0, #80] */
    0xd503207f,                /* wfi */
    0x40003000,                /* .word 0x40003000 */
    0x09020010,                /* .word 0x09020010 */
    0x00000000,                /* .word 0x00000000 */
    0x40002000,                /* .word 0x40002000 */
    0x00000000,                /* .word 0x00000000 */
    0x40002010,                /* .word 0x40002010 */
    0x00000000,                /* .word 0x00000000 */
    0x0a003e00,                /* .word 0x0a003e00 */
    [0x1000 / 4] = 0xd65f03c0, /* f: ret */
    0xd65f03c0,                /* g: ret */
    [0x2000 / 4] = 0xd65f03c0, /* h: ret */
};
