/* How a CPU came to where it is, and what is at an address that nothing answers at. */
#include <inttypes.h>

#include "death_state.h"

bool death_add_way(const struct corpse *c, const struct death_fault *f, GString *out)
{
    const struct death_return *r = c->history ? &c->history->entered[f->cpu] : NULL;

    if (!r || !r->valid || r->target != f->elr) {
        if (death_add_jump(c, f, out))
            return false;
        g_autofree char *lr = death_place(c, f->cpu, f->from, death_reg(c, f->cpu, "x30"));
        g_string_append_printf(out, "X30 (the last call) is %s", lr);
        return false;
    }
    g_autofree char *from = death_place(c, f->cpu, r->from, r->pc);
    g_string_append_printf(out, "the ERET at %s (EL%u) went there: ELR_EL%u was %#" PRIx64, from,
                           r->from, r->from, r->target);
    return true;
}

/* Where other boards have what programs begin with. @gic: only if this machine's is of the other
 * version; 0: whatever it is. */
static const struct {
    uint64_t base, end;
    unsigned gic;
    const char *text;
} places[] = {
    {0x08010000, 0x0801ffff, 3,
     "a GICv2 has its CPU interface there, and this machine has a GICv3"},
    {0x080a0000, 0x0813ffff, 2,
     "a GICv3 has its redistributors there, and this machine has a GICv2"},
    {0x3f000000, 0x3fffffff, 0,
     "a Raspberry Pi 2 or 3 has its devices there; this board has its UART, a PL011, at 0x9000000"},
    {0xfe000000, 0xfeffffff, 0,
     "a Raspberry Pi 4 has its devices there; this board has its UART, a PL011, at 0x9000000"},
    {0x1c090000, 0x1c0cffff, 0,
     "Arm's FVPs and Versatile Express have their UARTs there; this board has a PL011 at "
     "0x9000000"},
    {0x101f0000, 0x101f3fff, 0,
     "a Versatile PB has its UARTs there; this board has a PL011 at 0x9000000"},
};

bool death_add_other_board(const struct corpse *c, uint64_t pa, GString *out)
{
    unsigned gic = c->config->gic.version == 2 ? 2 : 3;

    for (size_t k = 0; k < G_N_ELEMENTS(places); k++)
        if (pa >= places[k].base && pa <= places[k].end &&
            (!places[k].gic || places[k].gic == gic)) {
            g_string_append(out, places[k].text);
            return true;
        }
    return false;
}
