/* A device tree from a file, completed as for a start. */
#include <libfdt.h>

#include "loader/fdt.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memfile file = memfile_open(data, size);
    struct arm_error err = {0};
    struct dt dt;

    if (dt_load(&dt, file.path, &err) == 0) {
        if (dt_set_memory(&dt, 0x40000000, 0x10000000, &err) == 0 &&
            dt_set_chosen(&dt, "console=ttyAMA0", 0x48000000, 0x1234, &err) == 0) {
            CHECK(dt_size(&dt) <= dt.room);
            CHECK(fdt_check_full(dt.blob, dt.room) == 0);
            CHECK(dt_find(&dt, "/chosen") >= 0);
        }
        dt_free(&dt);
    }
    memfile_close(&file);
    return 0;
}
