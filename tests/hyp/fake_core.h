/* What the stand-ins of tests/hyp/fake.c have been asked. */
#pragma once

#include <stdint.h>

struct fake_core {
    unsigned cpu; /* which this_cpu() is */
    unsigned kicks, deactivated[1024], sent[16];
    uint8_t ram[65536]; /* a guest's, at IPA 0 */
};
extern struct fake_core fake_core;
