/* A guest's ITS and LPIs (IHI0069 chapter 5). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct mmio;
struct vcpu;
struct vm;
struct virq;

bool vits_mmio(struct vcpu *v, struct mmio *m);
void vits_enable_lpis(struct vcpu *v);
