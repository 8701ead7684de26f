/* An absolute symbol of another object: a relocation needs it. */
    .globl small
    .set small, 0x1234
