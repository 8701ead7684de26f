/*
 * Snapshots that say anything with a right checksum. The first byte chooses the machine, the second
 * the snapshot to begin with, one of a few points of its run; then come changes of its state and of
 * the file around it; the rest is code for the machine that is restored (tests/fuzz/guest_code.h).
 * What is refused says why and leaves the machine as it was; what is taken runs and comes back.
 */
#include <glib.h>
#include <stdio.h>
#include <zstd.h>

#include "machine/machine.h"
#include "machine/snapshot.h"
#include "tests/fuzz/guest_code.h"
#include "tests/random.h"

#define STEPS        3000
#define MACHINES     4
#define POINTS       3
#define SECTIONS_MAX 64
#define CHANGES_MAX  16
#define HEADER_BYTES 56
#define DISK_BYTES   (3 << 16)

struct section {
    size_t at, len; /* of its contents in the state */
};

/* A machine, and snapshots of it. Each input begins with one of these and ends there. */
struct subject {
    struct arm_machine *m;
    struct arm_snapshot *point[POINTS];
    struct section section[POINTS][SECTIONS_MAX];
    unsigned sections[POINTS];
};

/* ---- machines ---- */

/* Prologue, handlers, and the same random instructions each time. */
static void busy_code(struct code *c, bool el2)
{
    uint8_t bytes[6 * 300];
    uint64_t random = 42;

    for (unsigned k = 0; k < sizeof(bytes); k++)
        bytes[k] = (uint8_t)random_next(&random);
    emit_vectors(c);
    emit_prologue(c, el2);
    emit_input(c, &(struct choices){bytes, sizeof(bytes)});
}

static struct arm_machine *create(unsigned n)
{
    static const char *const cpus[MACHINES] = {"max", "n1", "a57", "max,-vhe"};
    static const uint8_t sectors[DISK_BYTES];
    const struct arm_port ports[] = {{.console = true}, {.testdev = true}};
    struct memfile disk = memfile_open(sectors, sizeof(sectors));
    const struct arm_device virtio[] = {
        {.kind = ARM_VIRTIO_RNG},
        {.kind = ARM_VIRTIO_CONSOLE, .ports = ports, .port_count = ARRAY_SIZE(ports)},
        {.kind = ARM_VIRTIO_BLK, .drive = {.path = disk.path, .format = "raw"}}};
    struct code *c = calloc(1, sizeof(*c));
    struct arm_error err;

    if (!c)
        abort();
    busy_code(c, n != 2);
    struct memfile file = memfile_open(c->words, sizeof(c->words));
    const struct arm_blob blobs[] = {
        {.path = file.path, .addr = CODE_BASE, .force_raw = true, .cpu = 0},
        {.path = file.path, .addr = CODE_BASE + sizeof(c->words), .force_raw = true, .cpu = 1}};
    const struct arm_config config = {.size = sizeof(config),
                                      .cpu = cpus[n],
                                      .cpus = n == 1 ? 1 : 2,
                                      .ram_size = 16 << 20,
                                      .el2 = n != 2,
                                      .blobs = blobs,
                                      .blob_count = n == 1 ? 1 : 2,
                                      .devices = virtio,
                                      .device_count = ARRAY_SIZE(virtio),
                                      .gic = {.gicv = n == 0, .no_its = n == 3},
                                      .semihosting = n != 3,
                                      .no_reboot = true,
                                      .log = fuzz_log()};
    struct arm_machine *m = arm_machine_new(&config, &err);

    if (!m) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    memfile_close(&file);
    free(c);
    return m; /* the disk stays open: its path is a fact of the machine */
}

static unsigned find_sections(const struct arm_snapshot *s, struct section *sections)
{
    char name[STATE_NAME_MAX];
    struct state_io io;
    uint32_t version;
    unsigned n = 0;

    state_io_restore(&io, s->state, s->state_size);
    while (state_section_next(&io, name, &version)) {
        CHECK(n < SECTIONS_MAX);
        sections[n].at = io.at;
        sections[n++].len = state_section_skip(&io);
    }
    return n;
}

static void back_to(struct arm_machine *m, const struct arm_snapshot *s)
{
    struct arm_error err;

    CHECK(arm_snapshot_restore(m, s, &err) == 0);
}

static struct subject *subject(unsigned n)
{
    static struct subject all[MACHINES];
    struct subject *s = &all[n];
    struct arm_error err;

    if (s->m)
        return s;
    s->m = create(n);
    for (unsigned k = 0; k < POINTS; k++) {
        s->point[k] = arm_snapshot_take(s->m, &err);
        CHECK(s->point[k]);
        s->sections[k] = find_sections(s->point[k], s->section[k]);
        (void)arm_run(s->m, 20000);
    }
    back_to(s->m, s->point[0]);
    return s;
}

/* ---- changes of the state ---- */

static void set_length(GByteArray *state, const struct section *s, uint64_t len)
{
    le_put(state->data + s->at - 8, 8, len);
}

/* @bytes of a field become another value, often one near to it. */
static void change_field(struct choices *in, uint8_t *field, unsigned bytes)
{
    unsigned how = below(in, 4);
    uint64_t old = le_get(field, bytes);

    le_put(field, bytes,
           zext(how == 0   ? value(in)
                : how == 1 ? old ^ BIT(below(in, 8 * bytes))
                : how == 2 ? old + 1 + below(in, 8)
                           : old - 1 - below(in, 8),
                8 * bytes));
}

/* The section's length follows, unless @keep. */
static void insert(struct choices *in, GByteArray *state, const struct section *s, size_t at,
                   bool keep)
{
    uint8_t le[8];

    le_put(le, 8, value(in));
    g_byte_array_set_size(state, state->len + 8);
    memmove(state->data + at + 8, state->data + at, state->len - 8 - at);
    memcpy(state->data + at, le, 8);
    set_length(state, s, s->len + (keep ? 0 : 8));
}

static void change_section(struct choices *in, GByteArray *state, const struct section *s)
{
    unsigned how = below(in, 32), bytes = 1u << (how & 3);
    size_t at = s->at + (s->len ? take(in, 3) % s->len : 0);

    if (at + bytes > state->len)
        return;
    if (how < 24) {
        change_field(in, state->data + at, bytes);
    } else if (how < 28) {
        insert(in, state, s, at, how == 24);
    } else if (how == 28) {
        le_put(state->data + s->at - 12, 4, value(in)); /* the version */
    } else if (how == 29) {
        g_byte_array_set_size(state, (guint)at);
    } else {
        g_byte_array_remove_range(state, (guint)at, bytes);
        set_length(state, s, s->len - bytes);
    }
}

/* From the last section to the first, so that those in front stay where they were. */
static void change_state(struct choices *in, GByteArray *state, const struct subject *s,
                         unsigned point)
{
    unsigned changes = below(in, below(in, 2) ? CHANGES_MAX : 3), last = s->sections[point];

    while (changes-- && last) {
        unsigned back = below(in, 256);
        if (back & 0x80)
            last -= back % last;
        change_section(in, state, &s->section[point][last - 1]);
        if (!(back & 1))
            last--;
    }
}

/* ---- the file around it ---- */

static void put_le(GByteArray *to, uint64_t v, unsigned bytes)
{
    uint8_t le[8];

    le_put(le, bytes, v);
    g_byte_array_append(to, le, bytes);
}

/* Runs of pages or clusters with other contents each, some of them out of order. */
static void put_runs(struct choices *in, GByteArray *to, size_t bytes)
{
    uint64_t n = 0;

    for (unsigned runs = below(in, 4); runs--;) {
        unsigned how = below(in, 256), count = 1 + (how >> 4 & 3);
        n += how & 8 ? value(in) : how & 7;
        put_le(to, n, 4);
        put_le(to, how == 0xff ? value(in) : count, 4);
        guint at = to->len;
        g_byte_array_set_size(to, at + count * (guint)bytes);
        memset(to->data + at, (int)how, count * bytes);
        n += count;
    }
    put_le(to, 0, 8);
}

static GByteArray *make_frame(struct choices *in, unsigned how, const GByteArray *state,
                              struct arm_machine *m)
{
    GByteArray *plain = g_byte_array_new(), *packed = g_byte_array_new();

    put_le(plain, how & 1 ? value(in) : state->len, 8);
    g_byte_array_append(plain, state->data, state->len);
    for (unsigned n = 0; n < m->mem.bank_count; n++)
        put_runs(in, plain, PAGE_SIZE);
    for (unsigned n = 0; n < VIRT_DISKS; n++) {
        const struct disk *disk = virt_board_disk(&m->board, n);
        if (disk && disk->has_overlay)
            put_runs(in, plain, disk->overlay.block_bytes);
    }
    if (how & 2)
        g_byte_array_set_size(plain, (guint)(take(in, 4) % plain->len));
    g_byte_array_set_size(packed, (guint)ZSTD_compressBound(plain->len));
    size_t size = ZSTD_compress(packed->data, packed->len, plain->data, plain->len, 1);
    CHECK(!ZSTD_isError(size));
    g_byte_array_set_size(packed, (guint)size);
    if (how & 4)
        packed->data[take(in, 3) % size] ^= (uint8_t)take(in, 1);
    if (how & 8)
        g_byte_array_append(packed, (const guint8 *)"something", below(in, 9));
    g_byte_array_free(plain, TRUE);
    return packed;
}

static GString *make_text(struct choices *in, unsigned how, const char *facts)
{
    GString *text = g_string_new("# Armillary\n");

    g_string_append(text, facts);
    if (how & 16)
        text->str[take(in, 2) % text->len] = (char)take(in, 1);
    if (how & 32)
        g_string_truncate(text, take(in, 2) % text->len);
    return text;
}

/* Its checksum is right; what else the header says is mostly. */
static struct memfile make_file(struct choices *in, const GByteArray *state, struct arm_machine *m)
{
    unsigned how = below(in, 3) ? 0 : below(in, 256);
    GByteArray *frame = make_frame(in, how, state, m), *file = g_byte_array_new();
    GString *text = make_text(in, how, m->facts);
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    uint8_t hash[32];
    gsize hash_bytes = sizeof(hash);

    g_checksum_update(sum, (const guchar *)text->str, (gssize)text->len);
    g_checksum_update(sum, frame->data, frame->len);
    g_checksum_get_digest(sum, hash, &hash_bytes);
    g_byte_array_append(file, (const guint8 *)"ARMSNAP", 8);
    put_le(file, how & 64 ? below(in, 4) : 1, 4);
    put_le(file, how & 128 ? value(in) : text->len, 4);
    put_le(file, how & 128 ? value(in) : frame->len, 8);
    g_byte_array_append(file, hash, sizeof(hash));
    CHECK(file->len == HEADER_BYTES);
    g_byte_array_append(file, (const guint8 *)text->str, (guint)text->len);
    g_byte_array_append(file, frame->data, frame->len);
    struct memfile f = memfile_open(file->data, file->len);
    g_checksum_free(sum);
    g_string_free(text, TRUE);
    g_byte_array_free(frame, TRUE);
    g_byte_array_free(file, TRUE);
    return f;
}

/* ---- one input ---- */

static bool load_file(struct choices *in, const GByteArray *state, struct arm_machine *m)
{
    struct memfile f = make_file(in, state, m);
    struct arm_error err = {0}, info_err = {0};
    char info[4096];
    int rc = arm_snapshot_load(m, f.path, &err);

    CHECK(rc == 0 || (rc == -(int)err.code && g_str_has_prefix(err.text, f.path)));
    int info_rc = arm_snapshot_info(f.path, info, sizeof(info), &info_err);
    CHECK(info_rc == 0 || (info_err.code && g_str_has_prefix(info_err.text, f.path)));
    memfile_close(&f);
    return rc == 0;
}

/* Without the file around it, which takes its time. False: refused, and half restored. */
static bool restore(const GByteArray *state, const struct arm_snapshot *from, struct arm_machine *m)
{
    struct arm_snapshot changed = *from;
    struct arm_error err = {0};

    changed.state = state->data;
    changed.state_size = state->len;
    int rc = arm_snapshot_restore(m, &changed, &err);
    CHECK(rc == 0 || (err.code && err.text[0]));
    return rc == 0;
}

static void check_is(struct arm_machine *m, const struct arm_snapshot *s)
{
    struct state_io io;

    state_io_compare(&io, s->state, s->state_size);
    machine_state(&io, m);
    if (state_failed(&io))
        fprintf(stderr, "%s\n", io.error.text);
    CHECK(!state_failed(&io));
}

static void run(struct choices *in, struct arm_machine *m)
{
    struct code *c = calloc(1, sizeof(*c));
    uint64_t before = arm_retired(m);

    CHECK(c);
    emit_vectors(c);
    c->count = 0;
    emit_input(c, in);
    (void)arm_run(m, STEPS / 3);
    (void)arm_mem_write(m, CODE_BASE, c->words, sizeof(c->words));
    (void)arm_run(m, STEPS);
    CHECK(arm_retired(m) - before <= STEPS + STEPS / 3);
    free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices in = {data, size};
    unsigned how = below(&in, 256), point = below(&in, POINTS);
    struct subject *s = subject(how % MACHINES);
    const struct arm_snapshot *from = s->point[point];
    GByteArray *state = g_byte_array_new();
    bool by_file = how >> 6 == 3, taken;

    g_byte_array_append(state, from->state, (guint)from->state_size);
    change_state(&in, state, s, point);
    if (by_file)
        taken = load_file(&in, state, s->m);
    else
        taken = restore(state, from, s->m);
    if (taken)
        run(&in, s->m);
    else if (by_file)
        check_is(s->m, s->point[0]);
    back_to(s->m, s->point[0]);
    g_byte_array_free(state, TRUE);
    return 0;
}
