/* An interrupt at EL2, from the vector: all that are pending, then softirqs, then perhaps another
 * task. */
#include "hyp/cpu.h"
#include "hyp/gic.h"
#include "hyp/opts.h"
#include "hyp/sched.h"
#include "hyp/softirq.h"

void host_irq(void);
void host_irq(void)
{
    gic_handle();
    softirq_run();
    sched_irq_exit();
}
