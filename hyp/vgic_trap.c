#include "hyp/vgic.h"

#include "hyp/vcpu.h"

bool vgic_trap(struct vcpu *v, uint16_t enc, bool write, unsigned rt)
{
    switch (enc) {
    case SYSREG_ENC(3, 0, 12, 11, 5): /* ICC_SGI1R_EL1 */
        if (write)
            vgic_send_sgi(v, vcpu_x(v, rt), true);
        return write;
    case SYSREG_ENC(3, 0, 12, 11,
                    6): /* ICC_ASGI1R_EL1: the other Security state's group 1, which is ours */
    case SYSREG_ENC(3, 0, 12, 11, 7): /* ICC_SGI0R_EL1 */
        if (write)
            vgic_send_sgi(v, vcpu_x(v, rt), false);
        return write;
    default:
        return false;
    }
}
