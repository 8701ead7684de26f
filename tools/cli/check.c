#include "check.h"

#include <fcntl.h>
#include <gelf.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "trace/disasm.h"

const char check_summary[] =
    "Runs IMAGE as `armillary run` does, and follows the worlds below EL2 that it switches\n"
    "between: what a switch costs, and where each register's true value is. Needs no source and\n"
    "no change. What is found goes to standard error at the end, and to files.\n"
    "Exit code: 0 clean, 1 an error was found or a limit exceeded, 2 usage or host error; where\n"
    "nothing was found, that of a guest that failed: its own at a semihosting exit, 4 a fault\n"
    "loop, 3 --timeout or you quit; the end by --max-insns is clean.";

static const char **place_of(struct arm_check_config *config, const char *format)
{
    return !strcmp(format, "json")    ? &config->json
           : !strcmp(format, "junit") ? &config->junit
           : !strcmp(format, "sarif") ? &config->sarif
           : !strcmp(format, "html")  ? &config->html
           : !strcmp(format, "parts") ? &config->parts
                                      : NULL;
}

static bool parse_report(struct arm_check_config *config, char *part)
{
    char *eq = strchr(part, '=');
    const char **place;

    if (!eq || !eq[1])
        return false;
    *eq = '\0';
    place = place_of(config, part);
    if (place)
        *place = eq + 1;
    *eq = place ? '\0' : '=';
    return place != NULL;
}

static bool has_symtab(Elf *elf)
{
    GElf_Shdr header;

    for (Elf_Scn *s = NULL; elf && (s = elf_nextscn(elf, s));)
        if (gelf_getshdr(s, &header) && header.sh_type == SHT_SYMTAB)
            return true;
    return false;
}

bool check_has_symbols(const char *path)
{
    int fd = elf_version(EV_CURRENT) == EV_NONE ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
    bool found = has_symtab(elf);

    elf_end(elf);
    if (fd >= 0)
        close(fd);
    return found;
}

static int list_rules(void)
{
    const char *name, *meaning;
    bool warning;

    for (unsigned k = 0; (name = arm_check_rule(k, &meaning, &warning)); k++)
        printf("%-18s %-8s %s\n", name, warning ? "warning" : "error", meaning);
    return 0;
}

bool check_answers(const struct check_request *check, int *code)
{
    bool asked = check->config.rules && !strcmp(check->config.rules, "help");

    if (asked)
        *code = list_rules();
    return asked;
}

static void disassemble(uint64_t address, uint32_t word, char *buf, size_t size)
{
    struct trace_disasm *d = trace_disasm_new();
    GString *text = g_string_new(NULL);

    trace_disasm_text(d, address, word, text);
    g_strlcpy(buf, text->str, size);
    g_string_free(text, TRUE);
    trace_disasm_free(d);
}

bool check_parse(struct check_request *check, char **reports)
{
    check->config.size = sizeof(check->config);
    check->config.disassemble = disassemble;
    for (char **r = reports; r && *r; r++) {
        char *rest = *r, *comma;
        do {
            char *part = rest;
            comma = strchr(rest, ',');
            rest = comma ? comma + 1 : rest;
            if (comma)
                *comma = '\0';
            if (!parse_report(&check->config, part)) {
                fprintf(stderr,
                        "armillary check: --report=%s: expected FORMAT=FILE, the format json, "
                        "junit, sarif, html or parts\n",
                        part);
                return false;
            }
        } while (comma);
    }
    return true;
}

struct arm_checker *check_begin(const struct check_request *check, struct arm_machine *m, FILE *say)
{
    struct arm_error err = {0};
    struct arm_checker *checker = arm_checker_new(m, &check->config, &err);

    if (!checker)
        fprintf(say, "armillary check: %s\n", err.text);
    return checker;
}

static void print_line(void *ctx, const char *line)
{
    fprintf(ctx, "armillary: %s\n", line);
}

int check_end_merge(const struct check_request *check, struct arm_merge *merge, FILE *say, int code)
{
    struct arm_error err = {0};
    int bad = arm_merge_end(merge, &check->config, print_line, say, &err);

    arm_merge_free(merge);
    if (bad < 0)
        fprintf(say, "armillary check: %s\n", err.text);
    return bad < 0 ? EXIT_USAGE : bad ? EXIT_FOUND : code;
}

int check_end(struct arm_checker *checker, FILE *say, int code)
{
    struct arm_error err = {0};
    int bad = arm_checker_end(checker, print_line, say, &err);

    arm_checker_free(checker);
    if (bad < 0)
        fprintf(say, "armillary check: %s\n", err.text);
    return bad < 0 ? EXIT_USAGE : bad ? EXIT_FOUND : code;
}
