/*
 * What the checker says of a hypervisor with one instruction of its world switch missing, or
 * changed: KVM in Debian's kernel, or Xen, boots once, and a fork of the process for each
 * instruction replaces that in memory and runs guests that verify their registers. A line for each:
 * function, offset, instruction, how the run ended, and the findings.
 *
 * Usage: nops [OPTION...] FUNCTION...      (nops --help)
 */
#define _GNU_SOURCE /* memfd_create() */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "armillary.h"
#include "nops_change.h"

#define FUNCTION_MAX  0x2000               /* bytes */
#define LOADED        UINT64_C(0x40200000) /* an Image whose text_offset is 0 */
#define RESULT_MAX    65536
#define DOMAINS_MAX   8
#define DOMAIN_MEMORY (UINT64_C(16) << 20)

static char *rules = "all", *cpu = "n1", *append = "console=ttyAMA0 quiet", *initrd, *image, *only,
            *patched;
static char *until = "kvmtest: init", **domains;
static int cpus = 1, vcpus = 1, memory = 1024, share = 1, first = 0;
static char *left_out[] = {"nop", NULL}, **kinds = left_out;
static gboolean list_only;

static const GOptionEntry options[] = {
    {"cpu", 0, 0, G_OPTION_ARG_STRING, &cpu, "CPU model", NULL},
    {"cpus", 0, 0, G_OPTION_ARG_INT, &cpus, "number of CPUs", NULL},
    {"memory", 0, 0, G_OPTION_ARG_INT, &memory, "MiB", NULL},
    {"image", 0, 0, G_OPTION_ARG_STRING, &image, "kernel, or Xen", NULL},
    {"initrd", 0, 0, G_OPTION_ARG_STRING, &initrd, "of tests/images/mk-kvm-initrd", NULL},
    {"domain", 0, 0, G_OPTION_ARG_STRING_ARRAY, &domains, "one of Xen's own: IMAGE,WORDS", NULL},
    {"vcpus", 0, 0, G_OPTION_ARG_INT, &vcpus, "of each domain", NULL},
    {"until", 0, 0, G_OPTION_ARG_STRING, &until, "what the console says before guests run", NULL},
    {"rules", 0, 0, G_OPTION_ARG_STRING, &rules, "as armillary check has them", NULL},
    {"append", 0, 0, G_OPTION_ARG_STRING, &append, "command line", NULL},
    {"only", 0, 0, G_OPTION_ARG_STRING, &only, "FUNCTION+0xOFFSET alone, with its report", NULL},
    {"patched", 0, 0, G_OPTION_ARG_STRING, &patched, "with --only: the kernel without it", NULL},
    {"share", 0, 0, G_OPTION_ARG_INT, &share, "every N-th instruction only", NULL},
    {"first", 0, 0, G_OPTION_ARG_INT, &first, "from the N-th", NULL},
    {"change", 0, 0, G_OPTION_ARG_STRING_ARRAY, &kinds, "what is changed, and how (nop)", NULL},
    {"list", 0, 0, G_OPTION_ARG_NONE, &list_only, "name the instructions, run nothing", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

struct run {
    struct arm_machine *m;
    struct arm_domain domain[DOMAINS_MAX];
    struct arm_module module[DOMAINS_MAX];
    unsigned domains;
    GString *console;
    bool booted;
};

static G_GNUC_NORETURN void die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(2);
}

static const char *const crashes[] = {"Internal error", "kernel BUG", "Kernel panic", "HYP panic",
                                      "FAILED",         "FAIL cpu",   "Panic on CPU", "Xen BUG"};

/* The host has given up, or a guest says what it misses. */
static bool crashed(const char *console)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(crashes); k++)
        if (strstr(console, crashes[k]))
            return true;
    return false;
}

/* A line ends the boot; a crash ends the run. */
static void console_write(void *ctx, const uint8_t *data, size_t size)
{
    struct run *r = ctx;

    g_string_append_len(r->console, (const char *)data, (gssize)size);
    if (!r->booted && strstr(r->console->str, until)) {
        r->booted = true;
        arm_stop(r->m);
    } else if (memchr(data, '\n', size) && crashed(r->console->str)) {
        arm_stop(r->m);
    }
}

/* Each is an image, a comma, and the words of its command line. */
static void add_domains(struct run *r)
{
    for (; domains && domains[r->domains]; r->domains++) {
        char *comma = strchr(domains[r->domains], ',');
        if (r->domains == DOMAINS_MAX || !comma)
            die("--domain", domains[r->domains]);
        *comma = '\0';
        r->domain[r->domains] = (struct arm_domain){g_strdup_printf("guest%u", r->domains + 1),
                                                    DOMAIN_MEMORY, (unsigned)vcpus, true};
        r->module[r->domains] = (struct arm_module){.kind = ARM_MODULE_KERNEL,
                                                    .path = domains[r->domains],
                                                    .args = comma + 1,
                                                    .domain = r->domains + 1};
    }
}

/* With the checker from the first instruction, as `armillary check` has it. */
static struct arm_checker *boot(struct run *r)
{
    add_domains(r);
    const struct arm_check_config check = {.size = sizeof(check), .rules = rules};
    struct arm_checker *checker;
    struct arm_error err = {0};
    const struct arm_config config = {.size = sizeof(config),
                                      .cpu = cpu,
                                      .cpus = (unsigned)cpus,
                                      .ram_size = (uint64_t)memory << 20,
                                      .el2 = true,
                                      .kernel = image,
                                      .initrd = initrd,
                                      .append = append,
                                      .modules = r->module,
                                      .module_count = r->domains,
                                      .domains = r->domain,
                                      .domain_count = r->domains,
                                      .console_write = console_write,
                                      .console_ctx = r};

    r->console = g_string_new(NULL);
    r->m = arm_machine_new(&config, &err);
    if (!r->m)
        die("machine", err.text);
    checker = arm_checker_new(r->m, &check, &err);
    if (!checker)
        die("checker", err.text);
    arm_run(r->m, UINT64_C(6000000000));
    if (!r->booted)
        die("it has not come to where guests run", r->console->str);
    return checker;
}

/* ---- the instructions ---- */

struct site {
    uint64_t va, pa;
    uint32_t word, to; /* in its place */
    bool reached;      /* by a run in which nothing is changed */
    bool changes;      /* and there a MSR that has written another value than the register had */
    char name[120];
};

static void check_changes(void)
{
    for (char **kind = kinds; *kind; kind++) {
        unsigned k = 0;
        while (k < change_count && strcmp(changes[k].name, *kind) != 0)
            k++;
        if (k == change_count)
            die("--change", *kind);
    }
}

static void add_change(const struct site *at, const struct change *c, const char *function,
                       uint64_t offset, GArray *sites)
{
    struct site s = *at;
    char from[64], to[64] = "";

    s.to = c->of(s.word);
    if (s.to == s.word)
        return;
    describe(s.word, from, sizeof(from));
    if (s.to != NOP)
        describe(s.to, to, sizeof(to));
    g_snprintf(s.name, sizeof(s.name), "`%s+%#" PRIx64 "` | %s%s%s", function, offset, from,
               *to ? ": " : "", to);
    g_array_append_val(sites, s);
}

static void add_function(struct run *r, const struct arm_checker *checker, unsigned el,
                         const char *name, GArray *sites)
{
    uint64_t start = 0;

    if (!arm_checker_address(checker, name, &start)) {
        fprintf(stderr, "no such function: %s\n", name);
        return;
    }
    for (uint64_t at = start; at < start + FUNCTION_MAX; at += 4) {
        struct site s = {.va = at};
        struct arm_translation t;
        char symbol[100];
        if (!arm_checker_symbol(checker, 0, el, at, symbol, sizeof(symbol)) ||
            !arm_virt_read(r->m, 0, el, at, &s.word, sizeof(s.word)))
            break;
        *strchrnul(symbol, '+') = '\0';
        if (at != start && strcmp(symbol, name) != 0)
            break;
        s.pa = arm_translate(r->m, 0, el, at, ARM_ACCESS_READ, &t) ? t.pa : 0;
        for (unsigned k = 0; k < change_count; k++)
            if (g_strv_contains((const char *const *)kinds, changes[k].name))
                add_change(&s, &changes[k], name, at - start, sites);
    }
}

/* ---- one of them ---- */

struct report {
    FILE *to;
    int lines;
    bool whole;
};

/* Of the first finding its rule and register, and where it is; or all of all. */
static void finding_line(void *ctx, const char *line)
{
    struct report *rep = ctx;
    const char *at = strstr(line, " pc 0x");
    const char *rule = !strncmp(line, "error: ", 7)     ? line + 7
                       : !strncmp(line, "warning: ", 9) ? line + 9
                                                        : NULL;

    if (rep->whole) {
        fprintf(rep->to, "\n      %s", line);
    } else if (rule && rep->lines++ == 0) {
        const char *of = strstr(rule, " of "), *end = strchrnul(rule, ':');
        fprintf(rep->to, "%.*s", (int)((of && of < end ? of : end) - rule), rule);
    } else if (at && !strncmp(line, "  at ", 5) && rep->lines == 1) {
        at = strchrnul(at + 6, ' ');
        fprintf(rep->to, " | `%.*s`", (int)strcspn(at + (*at == ' '), ", "), at + (*at == ' '));
        rep->lines++;
    }
}

/* Xen goes on without domains. */
static bool are_done(const struct run *r)
{
    unsigned done = 0;

    for (const char *at = r->console->str; (at = strstr(at, ": ok ")); at++)
        done++;
    return r->domains && done >= r->domains;
}

static const char *end_name(enum arm_stop_reason why, const struct run *r)
{
    const char *console = r->console->str;

    return strstr(console, "FAIL")                   ? "guest fails"
           : crashed(console)                        ? "crash"
           : why == ARM_STOP_POWEROFF || are_done(r) ? "runs"
           : why == ARM_STOP_LIMIT                   ? "hangs"
                                                     : "stops";
}

static uint64_t max_insns;

static void child(struct run *r, struct arm_checker *checker, const struct site *s, FILE *to)
{
    struct report rep = {to, 0, only != NULL};

    if (!arm_mem_write(r->m, s->pa, &s->to, sizeof(s->to)))
        die(s->name, "cannot be written");
    enum arm_stop_reason why = arm_run(r->m, max_insns);
    fprintf(to, "%s | ", end_name(why, r));
    (void)arm_checker_end(checker, finding_line, &rep, NULL);
    if (!rep.lines)
        fprintf(to, " | ");
    if (only)
        fprintf(to, "\n%s", r->console->str);
}

struct looked {
    struct arm_machine *m;
    GArray *sites;
};

static void reached(void *ctx, const struct arm_event *p)
{
    const struct looked *l = ctx;
    GArray *sites = l->sites;
    struct arm_translation t;
    uint64_t pa = 0; /* of a MSR */

    if (p->kind == ARM_EVENT_SYSREG_WRITE &&
        (p->el != 2 || !arm_translate(l->m, p->cpu, 2, p->pc, ARM_ACCESS_READ, &t)))
        return;
    if (p->kind == ARM_EVENT_SYSREG_WRITE)
        pa = t.pa;
    for (unsigned k = 0; k < sites->len; k++) {
        struct site *s = &g_array_index(sites, struct site, k);
        if (p->kind == ARM_EVENT_DECODE)
            s->reached |= s->pa == p->decode.pa;
        else if (s->pa == pa)
            s->changes |= p->sysreg_write.before != p->sysreg_write.after;
    }
}

/* The sites that are reached, as bytes, behind how many instructions the run had and how it was. */
static void unchanged(struct run *r, struct arm_checker *checker, GArray *sites, FILE *to)
{
    const struct arm_filter filter = {.size = sizeof(filter),
                                      .events = ARM_BIT(ARM_EVENT_DECODE) |
                                                ARM_BIT(ARM_EVENT_SYSREG_WRITE)};
    struct report rep = {to, 0, false};
    uint64_t before = arm_retired(r->m);

    for (unsigned k = 0; k < sites->len; k++) {
        const struct site *s = &g_array_index(sites, struct site, k);
        arm_mem_write(r->m, s->pa, &s->word, sizeof(s->word));
    }
    arm_subscribe(r->m, &filter, reached, &(struct looked){r->m, sites});
    enum arm_stop_reason why = arm_run(r->m, UINT64_C(4000000000));
    for (unsigned k = 0; k < sites->len; k++) {
        const struct site *s = &g_array_index(sites, struct site, k);
        fputc(!s->reached ? '-' : s->changes || !is_write(s->word) ? '+' : '=', to);
    }
    fprintf(to, " %" PRIu64 " %s", arm_retired(r->m) - before, end_name(why, r));
    (void)arm_checker_end(checker, finding_line, &rep, NULL);
}

/* In a process of its own; what it prints. NULL: the run in which nothing is changed. */
static char *forked(struct run *r, struct arm_checker *checker, const struct site *s, GArray *sites)
{
    int fd = memfd_create("result", 0);

    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        FILE *to = fdopen(fd, "w");
        if (s)
            child(r, checker, s, to);
        else
            unchanged(r, checker, sites, to);
        fclose(to);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    char *text = g_malloc0(RESULT_MAX);
    ssize_t n = pread(fd, text, RESULT_MAX - 1, 0);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

/* The kernel's file with the other instruction. */
static void write_image(const struct site *s)
{
    const uint64_t offset = s->pa - LOADED;
    g_autofree char *file = NULL;
    g_autoptr(GError) error = NULL;
    gsize size = 0;

    if (!g_file_get_contents(image, &file, &size, &error))
        die(image, error->message);
    if (offset > size - sizeof(s->to) || memcmp(file + offset, &s->word, sizeof(s->word)) != 0)
        die(s->name, "is not in the file as it is in memory");
    memcpy(file + offset, &s->to, sizeof(s->to));
    if (!g_file_set_contents(patched, file, (gssize)size, &error))
        die(patched, error->message);
}

static void look(struct run *r, struct arm_checker *checker, GArray *sites)
{
    g_autofree char *text = forked(r, checker, NULL, sites);
    char *rest = text + MIN(sites->len, strlen(text));

    for (unsigned k = 0; k < sites->len; k++) {
        struct site *s = &g_array_index(sites, struct site, k);
        s->reached = text[k] != '-';
        s->changes = text[k] == '+';
    }
    printf("nothing %s\n", rest);
    max_insns = strtoull(rest, NULL, 10) * 3 / 2;
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new("FUNCTION...");
    g_autoptr(GError) error = NULL;
    struct run r = {0};

    g_autoptr(GString) help = g_string_new("Changes:");
    for (unsigned k = 0; k < change_count; k++)
        g_string_append_printf(help, "\n  %-17s%s", changes[k].name, changes[k].what);
    g_option_context_set_description(context, help->str);
    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || !image || !(initrd || domains))
        die("nops", error ? error->message : "--image, and --initrd or --domain, are needed");
    check_changes();
    struct arm_checker *checker = boot(&r);
    const unsigned el = 2;
    uint64_t vectors = 0;
    char symbol[100];
    arm_reg_read(r.m, 0, "VBAR_EL2", &vectors);
    arm_checker_symbol(checker, 0, el, vectors, symbol,
                       sizeof(symbol)); /* the kernel's table is found */
    g_autoptr(GArray) sites = g_array_new(FALSE, FALSE, sizeof(struct site));
    for (int k = 1; k < argc; k++)
        add_function(&r, checker, el, argv[k], sites);
    if (!list_only && !patched)
        look(&r, checker, sites);
    for (unsigned k = 0, n = 0; k < sites->len; k++) {
        const struct site *s = &g_array_index(sites, struct site, k);
        size_t length = strcspn(s->name + 1, "`");
        if (only && (strlen(only) != length || strncmp(only, s->name + 1, length) != 0))
            continue;
        if (patched && only) {
            write_image(s);
        } else if (list_only) {
            printf("| %s |\n", s->name);
        } else if (s->reached && (int)n++ % share == first % share) {
            g_autofree char *text = forked(&r, checker, s, NULL);
            bool same = s->to == NOP && is_write(s->word) && !s->changes &&
                        g_str_has_suffix(text, " |  | ");
            printf("| %s | %s%s |\n", s->name, text, same ? "=" : "");
        }
        fflush(stdout);
    }
    return 0;
}
