/* What is said when a limit or the user has ended the run: who has given up, goes round, or stands.
 */
#include "armillary.h"
#include "death_diagnose.h"
#include "death_halt.h"
#include "death_watch_state.h"

#define NEAR_LOOKS  48  /* so many near each other are long */
#define ROUND_BYTES 256 /* who stays within so many goes round */

static bool goes_round(const struct looked *l)
{
    uint64_t low = UINT64_MAX, high = 0;

    for (unsigned k = 0; k < PCS; k++) {
        low = MIN(low, l->pcs[k]);
        high = MAX(high, l->pcs[k]);
    }
    return l->count >= PCS && l->quiet >= PCS && high - low <= ROUND_BYTES;
}

/* A CPU that stays where it is for long, in what panic() or the like has called. */
static bool report_given_up(struct death_watch *d)
{
    struct corpse c = {.m = d->m, .config = &d->req->config, .kind = DEATH_SPIN};
    bool stays = false;

    for (unsigned k = 0; k < MIN(arm_cpu_count(d->m), CPUS_LOOKED_AT); k++)
        stays |= d->cpu[k].near >= NEAR_LOOKS && arm_cpu_state(d->m, k) == ARM_CPU_RUNNING;
    if (!stays)
        return false;
    c.symbols = death_watch_symbols(d);
    bool given_up = death_find_given_up(&c, &c.cpu);
    arm_checker_free(c.symbols);
    return given_up && death_watch_report(d, DEATH_SPIN, c.cpu, ENDED);
}

/* A CPU that takes very many exceptions: errors, one behind the other, each another one, as what
 * its handler returns to fails too; or a guest's loads of what its hypervisor emulates. */
static bool report_exceptions(struct death_watch *d, unsigned cpu)
{
    if (d->cpu[cpu].storms < STORM_LOOKS)
        return false;
    struct death_history *h = death_history_new(d->m, death_watch_again(d), false);
    enum death_kind kind = !h                            ? DEATH_NONE
                           : death_history_fails(h, cpu) ? DEATH_RECURSION
                           : death_history_asks(h, cpu)  ? DEATH_ANSWERS
                                                         : DEATH_NONE;

    death_history_free(h);
    return kind != DEATH_NONE && death_watch_report(d, kind, cpu, ENDED);
}

/* Who does nothing else: those that ask for something before those that stand. */
void death_watch_idlers(struct death_watch *d)
{
    if (d->panic.text || report_given_up(d)) /* it has said itself what happened */
        return;

    unsigned cpus = MIN(arm_cpu_count(d->m), CPUS_LOOKED_AT);

    for (unsigned k = 0; k < cpus; k++)
        if (arm_cpu_state(d->m, k) != ARM_CPU_OFF && death_faults_at_vector(d->m, k) &&
            death_watch_report(d, DEATH_LOOP, k, ENDED))
            return;
    for (unsigned stands = 0; stands < 2; stands++)
        for (unsigned k = 0; k < cpus; k++)
            if (arm_cpu_state(d->m, k) != ARM_CPU_OFF &&
                death_is_parked(d->m, k) == (stands == 1) && (stands || goes_round(&d->cpu[k])) &&
                death_watch_report(d, DEATH_SPIN, k, ENDED))
                return;
    for (unsigned k = 0; k < cpus; k++)
        if (report_exceptions(d, k))
            return;
}
