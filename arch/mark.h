/*
 * Marks for who counts a stretch of instructions (`armillary lab`): hints that are not allocated,
 * so a CPU executes them as NOP. A stretch belongs to the number in X0 at its beginning, below
 * MARK_KEYS; its marks are not in it.
 */
#pragma once

#define MARK_BEGIN 96
#define MARK_END   97
#define MARK_KEYS  1024
