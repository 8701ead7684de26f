/* What a monitor says of itself (VESA Enhanced EDID standard, release A, revision 2: EDID 1.4). */
#pragma once

#include <stdint.h>

#define EDID_BYTES    128
#define EDID_SIDE_MAX 4095 /* pixels: what a detailed timing has bits for */

/* A monitor that likes @width by @height best, both 1 to EDID_SIDE_MAX, at 60 Hz. */
void edid_make(uint8_t edid[EDID_BYTES], unsigned width, unsigned height);
