/* Counts why guests leave for the hypervisor at EL2.
 *
 *   count_exits INSTRUCTIONS XEN KERNEL INITRD     Xen, and Linux as its dom0
 */
#include <armillary.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct counts {
    uint64_t by_class[64]; /* ESR_EL2.EC of synchronous exceptions and SErrors */
    uint64_t interrupts;
};

static void left_guest(void *ctx, const struct arm_event *event)
{
    struct counts *c = (struct counts *)ctx;

    if (event->world.enter)
        return;
    if (event->world.esr)
        c->by_class[event->world.esr >> 26 & 63]++;
    else
        c->interrupts++;
}

static void show_console(void *ctx, const uint8_t *data, size_t size)
{
    fwrite(data, 1, size, (FILE *)ctx);
}

static void print(const struct counts *c)
{
    char text[128];
    unsigned k;

    printf("%10" PRIu64 " interrupts\n", c->interrupts);
    for (k = 0; k < 64; k++)
        if (c->by_class[k]) {
            arm_text_esr((uint64_t)k << 26 | 0x3f, text, sizeof(text));
            printf("%10" PRIu64 " %s\n", c->by_class[k], text);
        }
}

int main(int argc, char **argv)
{
    struct arm_module modules[2];
    struct arm_config config;
    struct arm_filter filter;
    struct arm_machine *m;
    struct arm_error err;
    struct counts counts;

    if (argc != 5)
        return 2;
    memset(&counts, 0, sizeof(counts));
    memset(modules, 0, sizeof(modules));
    modules[0].kind = ARM_MODULE_KERNEL;
    modules[0].path = argv[3];
    modules[0].args = "console=hvc0";
    modules[1].kind = ARM_MODULE_RAMDISK;
    modules[1].path = argv[4];
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.cpu = "n1";
    config.cpus = 1;
    config.ram_size = (uint64_t)1 << 30;
    config.el2 = true;
    config.kernel = argv[2];
    config.append = "console=dtuart dom0_mem=512M";
    config.modules = modules;
    config.module_count = 2;
    config.console_write = show_console;
    config.console_ctx = stderr;
    m = arm_machine_new(&config, &err);
    if (!m) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    memset(&filter, 0, sizeof(filter));
    filter.size = sizeof(filter);
    filter.events = ARM_BIT(ARM_EVENT_WORLD);
    arm_subscribe(m, &filter, left_guest, &counts);
    arm_run(m, strtoull(argv[1], NULL, 0));
    print(&counts);
    arm_machine_free(m);
    return 0;
}
