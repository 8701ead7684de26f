/* A disk from a file that says that it is qcow2: read, and written where it may be. */
#include "devices/disk.h"
#include "tests/fuzz/input.h"

#define PIECE 3000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct arm_log quiet;
    struct memfile file = memfile_open(data, size);
    uint8_t bytes[PIECE] = {1};
    struct arm_error err;
    struct disk disk;
    struct disk_spec spec = {.path = file.path, .mode = DISK_WRITABLE, .format = "qcow2"};

    if (size && disk_open(&disk, &spec, &quiet, &err) == 0) {
        for (unsigned k = 0; k < 8 && disk.size > PIECE; k++) {
            uint64_t at = (disk.size - PIECE) / 7 * k;
            disk_read(&disk, at, bytes, PIECE);
            disk_write(&disk, at, bytes, PIECE);
        }
        disk_flush(&disk);
        disk_close(&disk);
    }
    memfile_close(&file);
    return 0;
}
