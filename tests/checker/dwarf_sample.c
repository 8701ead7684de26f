/* What tests/checker/test_dwarf.c reads the DWARF of: compiled by it, never run. */
typedef unsigned long word;

enum numbers { SLOT_SCTLR_EL1, SLOT_TPIDR_EL1, SLOT_ELR_EL1, SLOT_COUNT };
enum colours { RED, GREEN, BLUE, BLACK, COLOURS };

struct inner {
    word slot[SLOT_COUNT];
    word other[5];
};

struct vcpu {
    word x[31];
    union {
        word both;
        struct {
            unsigned low, high;
        };
    };
    struct inner in[2][3];
    const struct inner *next;
    unsigned char bytes[8];
};

struct vcpu vcpus[4];
static word counter;
word elsewhere[6];   /* as an enumeration of dwarf_sample_other.c counts */
word table[COLOURS]; /* no registers: colours are no names of its elements */

__attribute__((noinline)) word save(struct vcpu *const v, volatile word *p, word x)
{
    static struct vcpu local;

    v->x[3] = x;
    *p = local.x[1];
    local.x[1] = x;
    counter += x;
    table[x] = x;
    elsewhere[x] = x;
    return vcpus[x].both;
}

void _start(void)
{
    save(&vcpus[1], &counter, 2);
}
