/* Memory attributes of both stages, and their combination. A byte as in MAIR_ELx. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ATTR_DEVICE_nGnRnE 0x00
#define ATTR_NORMAL_NC     0x44
#define ATTR_NORMAL_WT_RA  0xaa
#define ATTR_NORMAL_WB     0xff

/* What stage 2 says: the descriptor's MemAttr<3:0>, as FEAT_S2FWB reads it or not. */
struct s2_attr {
    uint8_t memattr;
    bool fwb;
    uint8_t sh;
    bool nc; /* HCR_EL2.CD: Normal memory is Non-cacheable */
};

/* Is memory Device whatever stage 1 says? */
bool s2_attr_is_device(const struct s2_attr *s2);

/* S2CombineS1MemAttrs(); *sh is stage 1's and becomes the result's. */
uint8_t attr_combine(uint8_t s1, uint8_t *sh, const struct s2_attr *s2);

/* Stage 1's byte as a known one: reserved encodings act as Device-nGnRnE or Non-cacheable. */
uint8_t attr_normalize(uint8_t attr);

/* Shareability of Device and Non-cacheable memory is Outer Shareable. */
uint8_t attr_effective_sh(uint8_t attr, uint8_t sh);
