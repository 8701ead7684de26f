/* Calls a function of an ELF image with random registers, and checks what the procedure call
 * standard promises of those that it must preserve.
 *
 *   fuzz_call IMAGE FUNCTION TIMES [SEED]
 */
#include <armillary.h>
#include <inttypes.h>

#include "elf_symbol.h"

#define STACK (UINT64_C(0x40000000) + ((uint64_t)255 << 20))

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* X19 to X29 are preserved, and SP; so are the low halves of V8 to V15. */
static uint32_t preserved(unsigned k)
{
    return k < 11 ? ARM_X(19 + k) : k < 12 ? ARM_SP : ARM_V(8 + k - 12);
}
#define PRESERVED 20

/* Return: 0 returned, 1 did not within a million instructions, 2 broke the promise. */
static int call(struct arm_machine *m, uint64_t function, uint64_t back, uint64_t *random)
{
    uint64_t value[2], before[PRESERVED];
    struct arm_until until;
    unsigned k;

    for (k = 0; k < 31; k++) {
        value[0] = next_random(random) >> (next_random(random) & 63); /* of any magnitude */
        arm_reg_set(m, 0, ARM_X(k), value);
    }
    for (k = 0; k < 32; k++) {
        value[0] = next_random(random);
        value[1] = next_random(random);
        arm_reg_set(m, 0, ARM_V(k), value);
    }
    arm_reg_write(m, 0, "sp", STACK);
    arm_reg_write(m, 0, "x30", back);
    arm_reg_write(m, 0, "pc", function);
    for (k = 0; k < PRESERVED; k++) {
        arm_reg_get(m, 0, preserved(k), value);
        before[k] = value[0];
    }
    memset(&until, 0, sizeof(until));
    until.size = sizeof(until);
    until.pcs = &back;
    until.pc_count = 1;
    until.max_insns = 1000000;
    if (arm_run_until(m, &until, NULL) != ARM_STOP_UNTIL)
        return 1;
    for (k = 0; k < PRESERVED; k++) {
        arm_reg_get(m, 0, preserved(k), value);
        if (value[0] != before[k]) {
            printf("%s was %#" PRIx64 ", is %#" PRIx64 "\n", arm_reg_name(preserved(k)), before[k],
                   value[0]);
            return 2;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t random = argc > 4 ? strtoull(argv[4], NULL, 0) : 1, count[3] = {0, 0, 0}, pstate, back;
    uint64_t function = argc > 3 ? elf_symbol(argv[1], argv[2]) : 0;
    struct arm_config config;
    struct arm_machine *m;
    struct arm_error err;
    long times;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.cpus = 1;
    config.ram_size = (uint64_t)256 << 20;
    config.el2 = config.keep_going = true;
    config.kernel = argv[argc > 1];
    m = function ? arm_machine_new(&config, &err) : NULL;
    if (!m) {
        fprintf(stderr, "%s\n",
                function ? err.text : "usage: fuzz_call IMAGE FUNCTION TIMES [SEED]");
        return 2;
    }
    arm_reg_read(m, 0, "pc", &back); /* the entry, where no function of C returns to by itself */
    arm_reg_read(m, 0, "pstate", &pstate);
    for (times = atol(argv[3]); times > 0; times--) {
        arm_reg_write(m, 0, "pstate", pstate); /* a fault has changed it */
        count[call(m, function, back, &random)]++;
    }
    printf("%s: %" PRIu64 " returned, %" PRIu64 " did not, %" PRIu64 " broke the call standard\n",
           argv[2], count[0], count[1], count[2]);
    arm_machine_free(m);
    return count[2] != 0;
}
