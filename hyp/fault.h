/* Where an abort is, that a guest has left with. */
#pragma once

struct vcpu;

/* At the exit, while EL1's registers are the guest's: v->fault_ipa and v->fault_known. */
void fault_note(struct vcpu *v);
