#include "loader/loader.h"

#include "base/bits.h"
#include "loader/kernel.h"

#define MIB        (UINT64_C(1) << 20)
#define DTB_ALIGN  (2 * MIB) /* so that it never shares a 2 MiB block with what the kernel maps */
#define DTB_ROOM   MIB       /* of the tree with what a guest adds to it in place, at least */
#define DTB_MAX    (2 * MIB) /* what the arm64 Linux boot protocol allows */
#define INITRD_MAX (128 * MIB)

static const char *kind_name(enum kernel_kind kind)
{
    static const char *const names[] = {
        [KERNEL_NONE] = "none", [KERNEL_IMAGE] = "arm64 Image",   [KERNEL_FLAT] = "flat binary",
        [KERNEL_ELF] = "ELF",   [KERNEL_UIMAGE] = "U-Boot image",
    };

    return names[kind];
}

/* What the steps below hand to each other. */
struct load {
    const struct load_request *req;
    struct load_map map;
    struct kernel kernel;
    uint64_t initrd_base; /* also without an initrd: the device tree goes behind it */
    uint64_t initrd_size;
};

static struct file_limit ram_limit(const struct load_map *map)
{
    return (struct file_limit){map->ram_size, "the machine's RAM"};
}

/* A file that is a program of any kind. */
static int load_program(struct load_map *map, struct file_data *f, bool started, struct kernel *out,
                        struct arm_error *err)
{
    const struct format *format = format_of(f->bytes, f->size);

    if (format_by_segments(format, FORMAT_KERNEL))
        return elf_load(map, f, started, out, err);
    return format_is_uimage(format) ? uimage_load(map, f, out, err) : image_load(map, f, out, err);
}

static int load_kernel(struct load *ld, struct arm_error *err)
{
    const struct file_limit limit = ram_limit(&ld->map);
    struct file_data f;
    int rc = file_begin(&f, ld->req->kernel, FORMAT_KERNEL, &limit, err);

    if (!rc)
        rc = load_program(&ld->map, &f, true, &ld->kernel, err);
    file_free(&f);
    return rc;
}

/*
 * Behind the kernel and half-way up the RAM, but within reach of a kernel that maps only the first
 * 128 MiB: the place the boot protocol's users have come to expect.
 */
static uint64_t initrd_base(const struct load *ld)
{
    uint64_t half = ld->req->ram_size / 2;
    uint64_t base = ld->req->ram_base + (half < INITRD_MAX ? half : INITRD_MAX);

    return align_up(base > ld->kernel.high ? base : ld->kernel.high, PAGE_SIZE);
}

static int load_initrd(struct load *ld, struct arm_error *err)
{
    const struct file_limit limit = ram_limit(&ld->map);
    struct file_data f;
    int rc = file_begin(&f, ld->req->initrd, FORMAT_INITRD, &limit, err);

    if (!rc) {
        ld->initrd_size = file_extent(&f);
        rc = load_place_file(&ld->map, &f, "initrd", ld->initrd_base, ld->initrd_size, err);
    }
    file_free(&f);
    return rc;
}

/* Bytes of the user's, or none: just a place to start at. */
static int load_bytes(struct load_map *map, struct load_blob *b, struct arm_error *err)
{
    b->entry = b->addr;
    return load_place(map, "data", "bytes", b->addr, b->data, b->data_size, b->data_size, err);
}

static int load_blob(struct load_map *map, struct load_blob *b, struct arm_error *err)
{
    const struct file_limit limit = ram_limit(map);
    struct file_data f;
    struct kernel k;
    int rc = file_begin(&f, b->file, b->force_raw ? FORMAT_RAW : FORMAT_BLOB, &limit, err);
    const struct format *format = rc ? NULL : format_of(f.bytes, f.size);

    b->entry = b->addr;
    if (!rc && !b->force_raw &&
        (format_by_segments(format, FORMAT_BLOB) || format_is_uimage(format))) {
        rc = load_program(map, &f, false, &k, err);
        if (!rc)
            b->entry = k.entry;
    } else if (!rc) {
        rc = load_place_file(map, &f, "raw", b->addr, file_extent(&f), err);
    }
    file_free(&f);
    return rc;
}

/*
 * With room in the tree for firmware and hypervisors that add nodes to it: as much as QEMU gives,
 * which is 1 MiB for its own tree and twice as much as it needs for a file. Differs: never more
 * than a kernel takes or than there is before something else in RAM, where QEMU refuses or loads no
 * tree.
 */
static int place_dtb_at(struct load *ld, struct dt *dt, uint64_t base, struct boot_state *out,
                        struct arm_error *err)
{
    uint64_t room = 2 * ((uint64_t)dt_size(dt) + 10000), there = load_room(&ld->map, base);
    int rc;

    if (room < DTB_ROOM)
        room = DTB_ROOM;
    if (room > DTB_MAX)
        room = DTB_MAX;
    if (room > there)
        room = align_down(there, 8);
    rc = dt_expand(dt, room, err);
    if (rc)
        return rc;
    out->dtb_base = base;
    out->dtb_size = dt_size(dt);
    return load_place(&ld->map, "device tree", "blob", base, dt->blob, dt_used(dt), dt_size(dt),
                      err);
}

/*
 * At the start of RAM if the program leaves room there: an ELF program is not told, it knows the
 * place or does without.
 */
static int place_dtb_at_ram_base(struct load *ld, struct dt *dt, struct boot_state *out,
                                 struct arm_error *err)
{
    uint64_t base = ld->req->ram_base, size = dt_size(dt);

    bool reaches_it = ld->kernel.low < base + size && ld->kernel.high > base;

    if (ld->kernel.kind != KERNEL_NONE && reaches_it && load_room(&ld->map, base) < size) {
        LOG(ld->map.log, LOADER, WARN,
            "no room for the device tree's %llu bytes at %#llx, below the %s at %#llx",
            (unsigned long long)size, (unsigned long long)base, kind_name(ld->kernel.kind),
            (unsigned long long)ld->kernel.low);
        return 0;
    }
    return place_dtb_at(ld, dt, base, out, err);
}

static int place_dtb_behind_initrd(struct load *ld, struct dt *dt, struct boot_state *out,
                                   struct arm_error *err)
{
    uint64_t base = align_up(ld->initrd_base + ld->initrd_size, DTB_ALIGN);
    uint64_t size = dt_size(dt), end = ld->req->ram_base + ld->req->ram_size;

    if (base >= end || size > end - base)
        return error_set(err, ARM_EINVAL,
                         "device tree: no room for %llu bytes at %#llx, behind kernel and initrd: "
                         "expected more memory than %llu MiB",
                         (unsigned long long)size, (unsigned long long)base,
                         (unsigned long long)(ld->req->ram_size / MIB));
    out->x[0] = base;
    return place_dtb_at(ld, dt, base, out, err);
}

/* Behind the place of the device tree, which is at most DTB_ALIGN bytes. */
static int load_modules(struct load *ld, struct dt *dt, struct arm_error *err)
{
    uint64_t base = align_up(ld->initrd_base + ld->initrd_size, DTB_ALIGN) + DTB_ALIGN;
    int rc;

    if (!ld->kernel.linux_boot)
        return error_set(err, ARM_EINVAL,
                         "%s: a module needs a kernel that is told of it: "
                         "expected an arm64 Image or a flat binary, not %s",
                         ld->req->modules.modules[0].file, kind_name(ld->kernel.kind));
    rc = modules_load(&ld->map, &ld->req->modules, base, ld->req->append, dt, err);
    if (!rc && dt_size(dt) > DTB_ALIGN)
        rc = error_set(err, ARM_EINVAL, "device tree: %zu bytes, expected at most 2 MiB",
                       dt_size(dt));
    return rc;
}

static int complete_dtb(struct load *ld, struct dt *dt, struct arm_error *err)
{
    bool modules = ld->req->modules.count != 0;
    int rc =
        ld->req->tree_has_memory ? 0 : dt_set_memory(dt, ld->req->ram_base, ld->req->ram_size, err);

    if (!rc)
        rc = dt_set_chosen(dt, modules ? NULL : ld->req->append, ld->initrd_base, ld->initrd_size,
                           err);
    if (!rc && modules)
        rc = load_modules(ld, dt, err);
    return rc;
}

static int place_dtb(struct load *ld, struct dt *dt, struct boot_state *out, struct arm_error *err)
{
    return ld->kernel.linux_boot ? place_dtb_behind_initrd(ld, dt, out, err)
                                 : place_dtb_at_ram_base(ld, dt, out, err);
}

static int load_all(struct load *ld, struct dt *dt, struct boot_state *out, struct arm_error *err)
{
    const struct load_request *req = ld->req;
    int rc = 0;

    if (req->firmware_size)
        rc = load_reserve(&ld->map, "firmware", "contents", req->firmware_base, req->firmware_size,
                          err);
    if (!rc && req->kernel)
        rc = load_kernel(ld, err);
    ld->initrd_base = initrd_base(ld);
    if (!rc && req->initrd) {
        if (ld->kernel.linux_boot)
            rc = load_initrd(ld, err);
        else
            LOG(ld->map.log, LOADER, WARN, "%s: ignored: only Linux-style kernels get an initrd",
                req->initrd);
    }
    if (!rc)
        rc = complete_dtb(ld, dt, err);
    for (unsigned i = 0; !rc && i < req->blob_count; i++)
        rc = req->blobs[i].file ? load_blob(&ld->map, &req->blobs[i], err)
                                : load_bytes(&ld->map, &req->blobs[i], err);
    if (!rc) /* last: its room is what the others leave */
        rc = place_dtb(ld, dt, out, err);
    return rc;
}

int loader_load(struct physmem *mem, const struct arm_log *log, const struct load_request *req,
                struct dt *dt, struct boot_state *out, struct arm_error *err)
{
    struct load ld = {
        .req = req,
        .map = {.mem = mem, .log = log, .ram_base = req->ram_base, .ram_size = req->ram_size}};
    struct boot_state boot = {0};
    int rc = load_all(&ld, dt, &boot, err);

    if (rc)
        return rc;
    boot.kind = ld.kernel.kind;
    boot.pc = ld.kernel.entry;
    boot.initrd_base = ld.initrd_size ? ld.initrd_base : 0;
    boot.initrd_size = ld.initrd_size;
    boot.free_base = load_free(&ld.map, req->ram_base, req->ram_size, &boot.free_size);
    *out = boot;
    return 0;
}
