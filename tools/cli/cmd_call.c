/* `armillary call`: one function of an object file, without the program it belongs to. */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "command.h"
#include "parse.h"

struct options {
    char *el, *cpu, *mmu, *restore, *max_insns;
    char **pre, **set, **stubs, **words;
    gboolean help;
};

#define KIND_TEXT G_OPTION_ARG_STRING
#define KIND_LIST G_OPTION_ARG_STRING_ARRAY

static GOptionContext *make_context(struct options *o)
{
    GOptionContext *ctx = g_option_context_new("FILE SYMBOL [ARG...] - call a function");
    const GOptionEntry entries[] = {
#define CALL_OPTION(name, member, kind, argument, help)                                            \
    {name, 0, 0, KIND_##kind, &o->member, help, argument},
#include "tools/cli/call_options.def"
#undef CALL_OPTION
        {"help", 'h', 0, G_OPTION_ARG_NONE, &o->help, "show this and end", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->words, NULL, NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };

    g_set_prgname("armillary call");
    g_option_context_add_main_entries(ctx, entries, NULL);
    g_option_context_set_help_enabled(ctx, FALSE);
    g_option_context_set_summary(
        ctx,
        "FILE is an AArch64 object, an archive or a linked program. ARG is a number, @SIZE (a "
        "zeroed\n"
        "buffer), @FILE (one with a file's bytes) or &SYMBOL; -- before a negative number. What "
        "is\n"
        "undefined becomes a stub that notes its calls. docs/calling.md says more.\n"
        "Exit code: 0 it returned, and the pair is symmetric; 1 it is not; 2 usage or host error;\n"
        "3 the instructions ran out, or it waits; 4 it took an exception.");
    return ctx;
}

static bool wrong(const char *option, const char *value, const char *expected)
{
    fprintf(stderr, "armillary call: --%s=%s: expected %s\n", option, value, expected);
    return false;
}

static bool convert(const struct options *o, struct call_options *out)
{
    uint64_t el = 2;

    out->max_insns = 10000000;
    if (!o->words || !o->words[0] || !o->words[1]) {
        fprintf(stderr, "armillary call: %s; `armillary call --help` says more\n",
                o->words && o->words[0] ? "no symbol" : "no file");
        return false;
    }
    if (o->el && !parse_number(o->el, 1, 2, &el))
        return wrong("el", o->el, "1 or 2");
    if (o->mmu && strcmp(o->mmu, "on") && strcmp(o->mmu, "off"))
        return wrong("mmu", o->mmu, "on or off");
    if (o->max_insns && (!parse_size(o->max_insns, 1, &out->max_insns) || out->max_insns == 0))
        return wrong("max-insns", o->max_insns, "a number above 0");
    out->file = o->words[0];
    out->symbol = o->words[1];
    out->arguments = o->words + 2;
    out->restore = o->restore;
    out->cpu = o->cpu;
    out->el = (unsigned)el;
    out->mmu_off = o->mmu && !strcmp(o->mmu, "off");
    out->pre = o->pre;
    out->set = o->set;
    out->stubs = o->stubs;
    return true;
}

static uint64_t read_x0(struct call *c)
{
    uint64_t x0 = 0;

    arm_reg_read(c->m, 0, "x0", &x0);
    return x0;
}

static int call_once(struct call *c)
{
    struct call_registers *before = call_registers_read(c);
    enum call_end end = call_run(c, program_lookup(c->program, c->o->symbol)->address);

    if (end == CALL_RETURNED)
        printf("%s at EL%u returned %#" PRIx64 " after %" PRIu64 " instructions\n", c->o->symbol,
               c->o->el, read_x0(c), c->insns);
    else
        printf("%s at EL%u did not return: %s\n", c->o->symbol, c->o->el, c->ended);
    call_print_events(c, stdout);
    call_registers_print_changed(c, before, stdout);
    call_print_memory(c, stdout);
    call_registers_free(before);
    return end == CALL_RETURNED ? 0 : end == CALL_LIMIT ? EXIT_LIMIT : EXIT_EXCEPTION;
}

static int call(const struct call_options *o)
{
    struct arm_error err = {0};
    struct call c;
    int code = EXIT_USAGE;

    if (call_open(&c, o, &err) < 0)
        fprintf(stderr, "armillary call: %s\n", err.text);
    else if (o->restore)
        code = call_check_pair(&c, program_lookup(c.program, o->symbol)->address,
                               program_lookup(c.program, o->restore)->address, stdout);
    else
        code = call_once(&c);
    call_close(&c);
    return code;
}

static void free_options(struct options *o)
{
#define free_TEXT                                       g_free
#define free_LIST                                       g_strfreev
#define CALL_OPTION(name, member, kind, argument, help) free_##kind(o->member);
#include "tools/cli/call_options.def"
#undef CALL_OPTION
    g_strfreev(o->words);
}

int cmd_call(int argc, char **argv)
{
    struct call_options request = {0};
    g_autoptr(GError) error = NULL;
    struct options o = {0};
    GOptionContext *ctx = make_context(&o);
    int code = EXIT_USAGE;

    if (!g_option_context_parse(ctx, &argc, &argv, &error)) {
        fprintf(stderr, "armillary call: %s\n", error->message);
    } else if (o.help) {
        g_autofree char *text = g_option_context_get_help(ctx, TRUE, NULL);
        fputs(text, stdout);
        code = 0;
    } else if (convert(&o, &request)) {
        code = call(&request);
    }
    g_option_context_free(ctx);
    free_options(&o);
    return code;
}
