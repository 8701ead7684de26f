/* How the devices of machine/virt_devices.h are made, a function a row of base/device_kinds.def. */
#pragma once

#include "machine/virt_devices.h"

#define VIRT_PICTURE_WIDTH  1280 /* of what shows pictures, if nothing else is wanted */
#define VIRT_PICTURE_HEIGHT 800

/* 0 or -ARM_Exxx; what was made so far is unplugged in any case. */
typedef int virt_plug_fn(struct virt_plugged *p, const struct plug *plug, struct arm_error *err);

#define DEVICE_KIND(kind, place, name, fn, text) virt_plug_fn virt_plug_##fn;
#include "base/device_kinds.def"
#undef DEVICE_KIND

/* The device before this one that it is a unit of; NULL: there is none of that number. */
struct virt_plugged *virt_controller_of(const struct plug *plug);

/* No device has the address of a group. */
int virt_check_mac(const struct arm_wire *wire, struct arm_error *err)
    __attribute__((warn_unused_result));
