/* Another file of what tests/checker/dwarf_sample.c is, which has the enumeration that it indexes
 * with. */
enum others {
    OTHER_VBAR_EL1,
    OTHER_FAR_EL1,
    OTHER_ESR_EL1,
    OTHER_TPIDR_EL0,
    OTHER_SP_EL0,
    OTHER_PAR_EL1,
    OTHER_COUNT
};

enum others last = OTHER_COUNT;
