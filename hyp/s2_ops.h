/* What is done to a guest's memory while it runs, in the mode that its faults are handled in
 * (hyp/s2_fault.h). Sizes and addresses are multiples of a stage-2 page. */
#pragma once

#include "hyp/s2_tables.h"

/* stage2_unmap() is one of them (hyp/stage2.h). */

/* Log writes to [ipa, ipa + size): false: they are logged already, or there is no memory for it. */
bool s2_log_start(struct stage2 *s, uint64_t ipa, uint64_t size);
void s2_log_stop(struct stage2 *s);

/* Up to 64 pages from @ipa on: which were written since they were asked for last. */
uint64_t s2_log_take(struct stage2 *s, uint64_t ipa, unsigned pages);

/* A page was given the right to be written. */
void s2_log_write(struct stage2 *s, uint64_t ipa);

/* How many bytes were accessed since the last time. */
uint64_t s2_age(struct stage2 *s, uint64_t ipa, uint64_t size);

/* Pages become blocks where they can; how many blocks that makes. */
unsigned s2_collapse_range(struct stage2 *s, uint64_t ipa, uint64_t size);
