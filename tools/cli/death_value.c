/* An address that is beyond all addresses: what the value looks like that was taken for one. */
#include <inttypes.h>
#include <string.h>

#include "death_abort.h"
#include "death_trace.h"

/* It leads to RAM with its bytes in the other order. */
static bool add_swapped(const struct abort *a, struct verdict *v)
{
    uint64_t other = GUINT64_SWAP_LE_BE(a->address);

    if (other < DEATH_RAM || other - DEATH_RAM >= a->c->config->ram_size)
        return false;
    g_string_append_printf(v->cause, ": that is %#" PRIx64 " with its bytes in the other order",
                           other);
    g_string_truncate(v->evidence, 0);
    if (death_add_big_endian(a, v->evidence)) {
        g_string_printf(v->next, "clear SCTLR_EL%u.EE, then ISB", death_regime_el(a));
    } else {
        g_string_assign(v->evidence,
                        "numbers in a device tree, and those of a network, are big-endian");
        g_string_assign(v->next, "REV, or be64toh(), behind the load");
    }
    return true;
}

static bool add_text(const struct abort *a, struct verdict *v)
{
    char text[9] = "";

    for (unsigned k = 0; k < 8; k++) {
        text[k] = (char)(a->address >> 8 * k);
        if (text[k] < ' ' || text[k] > '~')
            return false;
    }
    g_string_append_printf(v->cause, ": its bytes are the text \"%s\"", text);
    g_string_truncate(v->evidence, 0);
    g_string_assign(v->next, "has a string been written beyond its end, or an array been read "
                             "beyond its own?");
    return true;
}

/* LDR Xt, NAME has loaded what stands at NAME. */
static bool add_literal(const struct abort *a, struct verdict *v)
{
    const struct arm_event *p, *load = NULL;
    char symbol[256];

    for (unsigned n = 0; (p = death_trace_back(a->c->trace, n)); n++) {
        if (p->kind == ARM_EVENT_MEM)
            load = p->mem.value[0] == a->address ? p : NULL;
        else if (load && p->pc == load->pc && death_is_literal(p->insn.word))
            break;
    }
    if (!p || !a->c->symbols ||
        !arm_checker_symbol(a->c->symbols, p->cpu, p->el, load->mem.va, symbol, sizeof(symbol)) ||
        !g_str_has_suffix(symbol, "+0"))
        return false;
    symbol[strlen(symbol) - strlen("+0")] = '\0';
    g_autofree char *at = death_place(a->c, p->cpu, p->el, p->pc);
    g_string_append_printf(v->cause, ": the LDR (literal) at %s has loaded what stands at %s", at,
                           symbol);
    g_string_truncate(v->evidence, 0);
    g_string_printf(v->next, "`adr x0, %s` or `ldr x0, =%s` is its address", symbol, symbol);
    return true;
}

bool death_explain_value(const struct abort *a, struct verdict *v)
{
    return add_swapped(a, v) || add_text(a, v) || add_literal(a, v);
}
