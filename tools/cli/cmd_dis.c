/* `armillary dis`: what the decoder's table says about instruction words. */
#include <errno.h>
#include <gelf.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "command.h"
#include "parse.h"
#include "trace/disasm.h"

static void print_text(struct trace_disasm *d, uint64_t addr, uint32_t word)
{
    GString *text = g_string_new(NULL);

    printf("%s", trace_disasm_word(d, addr, word, text) ? text->str : "(no text)");
    g_string_free(text, TRUE);
}

static void print_word(struct trace_disasm *d, uint64_t addr, uint32_t word)
{
    char row[1024];

    printf("%8" PRIx64 ":  %08x  ", addr, word);
    if (arm_text_insn(word, row, sizeof(row)) == 0) {
        printf("unallocated\n");
        return;
    }
    print_text(d, addr, word);
    printf("  ; %s\n", row);
}

static void print_bytes(struct trace_disasm *d, uint64_t addr, const uint8_t *bytes, size_t size)
{
    for (size_t k = 0; k + 4 <= size; k += 4)
        print_word(d, addr + k,
                   (uint32_t)bytes[k] | (uint32_t)bytes[k + 1] << 8 | (uint32_t)bytes[k + 2] << 16 |
                       (uint32_t)bytes[k + 3] << 24);
    if (size % 4)
        fprintf(stderr, "armillary dis: %zu bytes are left over at the end\n", size % 4);
}

/* The sections with code of an AArch64 ELF file. */
static bool print_elf(struct trace_disasm *d, const char *path, Elf *elf)
{
    GElf_Ehdr eh;
    GElf_Shdr sh;
    size_t strings;
    bool any = false;

    if (!gelf_getehdr(elf, &eh) || eh.e_machine != EM_AARCH64 ||
        elf_getshdrstrndx(elf, &strings) != 0) {
        fprintf(stderr, "armillary dis: %s: expected an ELF file for AArch64 with sections\n",
                path);
        return false;
    }
    for (Elf_Scn *s = elf_nextscn(elf, NULL); s; s = elf_nextscn(elf, s)) {
        Elf_Data *data;
        if (!gelf_getshdr(s, &sh) || sh.sh_type != SHT_PROGBITS || !(sh.sh_flags & SHF_EXECINSTR) ||
            !(data = elf_getdata(s, NULL)))
            continue;
        const char *name = elf_strptr(elf, strings, sh.sh_name);
        printf("%s %s:\n", path, name ? name : "?");
        print_bytes(d, sh.sh_addr, data->d_buf, data->d_size);
        any = true;
    }
    if (!any)
        fprintf(stderr, "armillary dis: %s: no section with code\n", path);
    return any;
}

static bool print_file(struct trace_disasm *d, const char *path, uint64_t base)
{
    g_autofree char *contents = NULL;
    g_autoptr(GError) error = NULL;
    gsize size;

    if (!g_file_get_contents(path, &contents, &size, &error)) {
        uint64_t number;
        fprintf(stderr, "armillary dis: %s%s\n", error->message,
                parse_hex(path, &number) ? "; a word has at most 32 bits" : "");
        return false;
    }
    if (size < SELFMAG || memcmp(contents, ELFMAG, SELFMAG)) {
        print_bytes(d, base, (const uint8_t *)contents, size);
        return true;
    }
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory(contents, size);
    bool ok = elf && print_elf(d, path, elf);
    if (!elf)
        fprintf(stderr, "armillary dis: %s: %s\n", path, elf_errmsg(-1));
    elf_end(elf);
    return ok;
}

static void help(void)
{
    printf(
        "usage: armillary dis [--base ADDR] WORD...|FILE...\n\n"
        "A word is hexadecimal, as in the manual; a file is an ELF file or raw little-endian "
        "words\n(write ./FILE if its name could be a word). A line a word: address, word, text, "
        "row of\narch/a64.def, the encoding's fields, feature, registers and flags read and "
        "written, facts\n(docs/instructions.md), at which ELs it is UNDEFINED, and the line of the "
        "sources that executes it.\n\n"
        "  --base ADDR   address of the first word, or of a raw file (default: 0)\n");
}

int cmd_dis(int argc, char **argv)
{
    uint64_t addr = 0, word;
    struct trace_disasm *d;
    bool ok = true;
    int k = 1;

    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        help();
        return 0;
    }
    if (argc > k && !strcmp(argv[k], "--base")) {
        if (argc == k + 1 || !parse_hex(argv[k + 1], &addr)) {
            fprintf(stderr, "armillary dis: --base: expected a hexadecimal address\n");
            return EXIT_USAGE;
        }
        k += 2;
    }
    if (k == argc || argv[k][0] == '-') {
        fprintf(stderr, "armillary dis: %s; see `armillary dis --help`\n",
                k == argc ? "no word and no file" : "unknown option");
        return EXIT_USAGE;
    }
    d = trace_disasm_new();
    if (!trace_disasm_starts(d)) {
        fprintf(stderr, "armillary dis: capstone does not start\n");
        trace_disasm_free(d);
        return EXIT_USAGE;
    }
    for (; k < argc; k++) {
        if (parse_hex(argv[k], &word) && word <= UINT32_MAX) {
            print_word(d, addr, (uint32_t)word);
            addr += 4;
        } else {
            ok = print_file(d, argv[k], addr) && ok;
        }
    }
    trace_disasm_free(d);
    return ok ? 0 : EXIT_USAGE;
}
