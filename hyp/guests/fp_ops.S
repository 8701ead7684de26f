/* What fp.c does with V0 to V31: each function has its recomputation in C there. */
    .arch armv8-a
    .altmacro

    .macro all op, distance
    .set n, 0
    .rept 32
    \op %n, %((n + \distance) & 31)
    .set n, n + 1
    .endr
    .endm

    .macro load n, unused
    ldr q\n, [x0, #16 * \n]
    .endm

    .macro store n, unused
    str q\n, [x0, #16 * \n]
    .endm

    .macro add_ n, m
    add v\n\().2d, v\n\().2d, v\m\().2d
    .endm

    .macro eor_ n, m
    eor v\n\().16b, v\n\().16b, v\m\().16b
    .endm

    .macro ext_ n, m
    ext v\n\().16b, v\n\().16b, v\m\().16b, #3
    .endm

    .macro function name
    .globl \name
\name:
    .endm

    .text
function fp_load
    all load, 0
    ldr x1, [x0, #512]
    ldr x2, [x0, #520]
    msr fpsr, x1
    msr fpcr, x2
    ret

function fp_store
    all store, 0
    mrs x1, fpsr
    mrs x2, fpcr
    str x1, [x0, #512]
    str x2, [x0, #520]
    ret

function fp_add
    all add_, 1
    ret

function fp_eor
    all eor_, 5
    ret

function fp_ext
    all ext_, 7
    ret

function fp_uqadd
    uqadd v29.4s, v29.4s, v2.4s
    ret

function fp_convert
    scvtf d0, d0
    ret

function fp_divide
    fmov d31, #1.0
    movi d30, #0
    fdiv d31, d31, d30
    ret
