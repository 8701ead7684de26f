/* Who hears of blocks. */
#include "cpu/jit/translate.h"

void jit_watch(struct jit *jit, arm_host_code_fn *made, void *ctx)
{
    jit->made = made;
    jit->made_ctx = ctx;
}

void tr_tell(const struct tr *t, const struct arm_host_code *code)
{
    struct arm_host_insn insns[JIT_INSNS_MAX];
    struct arm_host_code c = *code;

    /* A block may be an SVC, HVC or ERET alone, which comes behind the others. */
    insns[0] = (struct arm_host_insn){.pc = t->cpu->page_va + t->first * 4u,
                                      .word = code_page_word(t->page, t->first)};
    for (unsigned k = 0; k < t->n; k++)
        insns[k] = (struct arm_host_insn){.pc = t->cpu->page_va + t->at[k] * 4u,
                                          .word = code_page_word(t->page, t->at[k]),
                                          .offset = (uint32_t)(t->start[k] - c.usual.bytes)};
    c.insns = insns;
    c.insn_count = t->n ? t->n : 1;
    c.cpu = t->cpu->index;
    c.el = t->cpu->ps.el;
    t->jit->made(t->jit->made_ctx, &c);
}
