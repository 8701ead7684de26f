#include "devices/disk_format.h"

#include "base/magic.h"

const struct disk_format disk_formats[] = {
#define DISK_FORMAT(name, kind, from, offset, magic, command)                                      \
    {name, DISK_FORMAT_##kind, DISK_FORMAT_##from, offset, magic, sizeof(magic) - 1, command},
#include "devices/disk_format.def"
#undef DISK_FORMAT
    {0},
};

bool disk_format_place(const struct disk_format *f, uint64_t size, uint64_t *place)
{
    if (f->from == DISK_FORMAT_END && size < f->offset)
        return false;
    *place = f->from == DISK_FORMAT_END ? size - f->offset : f->offset;
    return *place <= size && f->magic_bytes <= size - *place;
}
