#include "hyp/vits.h"

bool vits_mmio(struct vcpu *v, struct mmio *m)
{
    (void)v;
    (void)m;
    return false;
}

void vits_enable_lpis(struct vcpu *v)
{
    (void)v;
}
