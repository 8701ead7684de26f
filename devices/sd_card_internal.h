/* What the parts of an SD card have in common. */
#pragma once

#include "devices/sd_card.h"

#define SD_BLOCK 512

/* Errors of the card's status, 4.10.1. */
#define SD_OUT_OF_RANGE UINT32_C(0x80000000)
#define SD_ERROR        UINT32_C(0x00080000)

/* The command's data are all there. */
void sd_end_transfer(struct sd_card *c);

/* Nothing is to be erased. */
void sd_end_erase(struct sd_card *c);
