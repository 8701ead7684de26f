/* Runs an ELF image until it comes to a symbol, and says with which arguments.
 *
 *   until_symbol IMAGE SYMBOL [TIMES]
 */
#include <armillary.h>
#include <inttypes.h>

#include "elf_symbol.h"

static struct arm_machine *create(const char *image)
{
    struct arm_config config;
    struct arm_error err;
    struct arm_machine *m;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.cpu = "n1";
    config.cpus = 1;
    config.ram_size = (uint64_t)256 << 20;
    config.el2 = true;
    config.semihosting = true;
    config.kernel = image;
    m = arm_machine_new(&config, &err);
    if (!m)
        fprintf(stderr, "%s\n", err.text);
    return m;
}

int main(int argc, char **argv)
{
    struct arm_until until;
    struct arm_machine *m;
    struct arm_error err;
    int times = argc > 3 ? atoi(argv[3]) : 1, why = ARM_STOP_UNTIL;
    uint64_t pc = argc > 2 ? elf_symbol(argv[1], argv[2]) : 0;

    if (!pc)
        return 2;
    m = create(argv[1]);
    if (!m)
        return 2;
    memset(&until, 0, sizeof(until));
    until.size = sizeof(until);
    until.pcs = &pc;
    until.pc_count = 1;
    until.max_insns = 100000000;
    for (; times && why == ARM_STOP_UNTIL; times--) {
        struct arm_end end;
        uint64_t x0 = 0, x1 = 0, x30 = 0;
        why = arm_run_until(m, &until, &err);
        if (why != ARM_STOP_UNTIL)
            break;
        arm_last_end(m, &end);
        arm_reg_read(m, end.cpu, "x0", &x0);
        arm_reg_read(m, end.cpu, "x1", &x1);
        arm_reg_read(m, end.cpu, "x30", &x30);
        printf("%s at EL%u after %" PRIu64 " instructions: x0 %#" PRIx64 ", x1 %#" PRIx64
               ", called from %#" PRIx64 "\n",
               argv[2], end.el, end.retired, x0, x1, x30);
    }
    if (why < 0)
        fprintf(stderr, "%s\n", err.text);
    else if (why != ARM_STOP_UNTIL)
        fprintf(stderr, "%s was not reached any more\n", argv[2]);
    arm_machine_free(m);
    return why == ARM_STOP_UNTIL ? 0 : 1;
}
