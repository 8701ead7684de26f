/* Parts of a virtual interface's state, written back in the right order and in wrong ones. */
    .arch armv8-a
    .macro function name
    .globl \name
    .type \name, %function
\name:
    .endm
    .macro end name
    .size \name, . - \name
    .endm

    .text
function save
    mrs x1, S3_4_C12_C11_7 /* ICH_VMCR_EL2 */
    mrs x2, S3_4_C12_C8_0  /* ICH_AP0R0_EL2 */
    mrs x3, S3_4_C12_C9_0  /* ICH_AP1R0_EL2 */
    mrs x4, S3_0_C12_C12_5 /* ICC_SRE_EL1 */
    stp x1, x2, [x0]
    stp x3, x4, [x0, #16]
    ret
end save

function restore
    ldp x1, x2, [x0]
    ldp x3, x4, [x0, #16]
    msr S3_0_C12_C12_5, x4
    isb
    msr S3_4_C12_C8_0, x2
    msr S3_4_C12_C9_0, x3
    msr S3_4_C12_C11_7, x1
    ret
end restore

function restore_without_isb
    ldp x1, x2, [x0]
    ldp x3, x4, [x0, #16]
    msr S3_0_C12_C12_5, x4
    msr S3_4_C12_C8_0, x2
    msr S3_4_C12_C9_0, x3
    msr S3_4_C12_C11_7, x1
    ret
end restore_without_isb

function restore_late
    ldp x1, x2, [x0]
    ldp x3, x4, [x0, #16]
    msr S3_4_C12_C11_7, x1
    msr S3_4_C12_C8_0, x2
    msr S3_4_C12_C9_0, x3
    msr S3_0_C12_C12_5, x4
    isb
    ret
end restore_late

function restore_priorities_backwards
    ldp x1, x2, [x0]
    ldp x3, x4, [x0, #16]
    msr S3_0_C12_C12_5, x4
    isb
    msr S3_4_C12_C9_0, x3
    msr S3_4_C12_C8_0, x2
    msr S3_4_C12_C11_7, x1
    ret
end restore_priorities_backwards
