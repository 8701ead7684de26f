/*
 * The file that perf takes from a JIT: tools/perf/Documentation/jitdump-specification.txt of Linux.
 * Numbers are in the host's byte order.
 */
#define _GNU_SOURCE /* gettid() */
#include "jitdump.h"

#include <elf.h>
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "trace/disasm.h"

#define MAGIC   0x4a695444
#define VERSION 1

struct file_header {
    uint32_t magic, version, size, machine, pad, pid;
    uint64_t timestamp, flags;
};

enum record_id { CODE_LOAD = 0, CODE_DEBUG_INFO = 2, CODE_CLOSE = 3 };

struct record_header {
    uint32_t id, size; /* with all that follows */
    uint64_t timestamp;
};

/* Then the name with its NUL, and the code. */
struct code_load {
    struct record_header header;
    uint32_t pid, tid;
    uint64_t vma, code_address, code_size, index;
};

/* Then the lines. */
struct debug_info {
    struct record_header header;
    uint64_t code_address, count;
};

/* Then the name of the file with its NUL. */
struct debug_line {
    uint64_t address;
    uint32_t line, discriminator;
};

struct jitdump {
    char *path, *listing; /* of the files; the listing's is absolute */
    FILE *file, *text;
    void *marker; /* how perf hears of the file: a page of it that could be executed */
    size_t marker_size;
    struct trace_disasm *a64;
    uint64_t index; /* of the next code */
    uint32_t line;  /* of the listing, the last one */
};

static uint64_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static struct record_header record(enum record_id id, size_t size)
{
    return (struct record_header){(uint32_t)id, (uint32_t)size, now()};
}

/* ---- the files ---- */

static void say(const char *path, int error)
{
    fprintf(stderr, "armillary run: --jitdump: %s: %s\n", path, g_strerror(error));
}

static FILE *open_file(const char *path)
{
    FILE *f = fopen(path, "w+e");

    if (!f)
        say(path, errno);
    return f;
}

static bool open_marker(struct jitdump *j)
{
    j->marker_size = (size_t)sysconf(_SC_PAGESIZE);
    j->marker = mmap(NULL, j->marker_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(j->file), 0);
    if (j->marker != MAP_FAILED)
        return true;
    j->marker = NULL;
    say(j->path, errno);
    return false;
}

struct jitdump *jitdump_open(const char *dir)
{
    struct jitdump *j = g_new0(struct jitdump, 1);
    g_autofree char *absolute = g_canonicalize_filename(dir, NULL);
    struct file_header header = {.magic = MAGIC,
                                 .version = VERSION,
                                 .size = sizeof(header),
                                 .machine = EM_X86_64,
                                 .pid = (uint32_t)getpid(),
                                 .timestamp = now()};

    j->path = g_strdup_printf("%s/jit-%ld.dump", absolute, (long)getpid());
    j->listing = g_strdup_printf("%s/jit-%ld.s", absolute, (long)getpid());
    j->a64 = trace_disasm_new();
    j->file = open_file(j->path);
    j->text = j->file ? open_file(j->listing) : NULL;
    if (j->text && open_marker(j)) {
        fwrite(&header, sizeof(header), 1, j->file);
        return j;
    }
    jitdump_close(j);
    return NULL;
}

static void close_file(FILE *f, const char *path)
{
    bool good = !f || !ferror(f);

    if ((f && fclose(f)) || !good)
        say(path, errno);
}

void jitdump_close(struct jitdump *j)
{
    if (!j)
        return;
    if (j->marker) {
        struct record_header end = record(CODE_CLOSE, sizeof(end));
        fwrite(&end, sizeof(end), 1, j->file);
        munmap(j->marker, j->marker_size);
    }
    close_file(j->file, j->path);
    close_file(j->text, j->listing);
    trace_disasm_free(j->a64);
    g_free(j->path);
    g_free(j->listing);
    g_free(j);
}

/* ---- blocks ---- */

void jitdump_lines(struct jitdump *j, const struct arm_host_code *code, const char *name)
{
    size_t name_size = strlen(j->listing) + 1;
    struct debug_info info = {.code_address = code->usual.address, .count = code->insn_count};
    g_autoptr(GString) text = g_string_new(NULL);

    info.header = record(CODE_DEBUG_INFO,
                         sizeof(info) + code->insn_count * (sizeof(struct debug_line) + name_size));
    fwrite(&info, sizeof(info), 1, j->file);
    fprintf(j->text, "%s:\n", name);
    j->line++;
    for (const struct arm_host_insn *i = code->insns; i < code->insns + code->insn_count; i++) {
        struct debug_line line = {code->usual.address + i->offset, ++j->line, 0};
        fwrite(&line, sizeof(line), 1, j->file);
        fwrite(j->listing, name_size, 1, j->file);
        g_string_truncate(text, 0);
        trace_disasm_text(j->a64, i->pc, i->word, text);
        fprintf(j->text, "%#" PRIx64 ": %08x %s\n", i->pc, i->word, text->str);
    }
}

void jitdump_code(struct jitdump *j, const struct arm_host_piece *p, const char *name)
{
    size_t name_size = strlen(name) + 1;
    struct code_load load = {.header = record(CODE_LOAD, sizeof(load) + name_size + p->size),
                             .pid = (uint32_t)getpid(),
                             .tid = (uint32_t)gettid(),
                             .vma = p->address,
                             .code_address = p->address,
                             .code_size = p->size,
                             .index = j->index++};

    fwrite(&load, sizeof(load), 1, j->file);
    fwrite(name, name_size, 1, j->file);
    fwrite(p->bytes, p->size, 1, j->file);
}
