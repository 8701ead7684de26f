/* A relocation that there is no meaning for without threads. */
    .text
    .globl get
get:
    mrs x0, tpidr_el0
    add x0, x0, #:tprel_lo12:variable
    ret
    .section .tbss, "awT", %nobits
variable:
    .zero 8
