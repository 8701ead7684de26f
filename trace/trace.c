#include "trace/trace.h"

#include <string.h>

#include "trace/disasm.h"
#include "trace/format.h"

#define EV(NAME) ARM_BIT(ARM_EVENT_##NAME)

static const struct {
    const char *word, *help;
    unsigned filters, flags;
    uint64_t events;
    void (*begin)(struct trace *t);
    void (*event)(struct trace *t, const struct arm_event *e);
    void (*end)(struct trace *t);
} formats[] = {
#define TRACE_FORMAT(name, word, filters, flags, events, help)                                     \
    {word,                                                                                         \
     help,                                                                                         \
     filters,                                                                                      \
     flags,                                                                                        \
     events,                                                                                       \
     trace_##name##_begin,                                                                         \
     trace_##name##_event,                                                                         \
     trace_##name##_end},
#include "trace/formats.def"
#undef TRACE_FORMAT
};

bool trace_format_describe(unsigned index, const char **word, const char **help)
{
    if (index >= TRACE_FORMAT_COUNT)
        return false;
    *word = formats[index].word;
    *help = formats[index].help;
    return true;
}

/* ---- what is wanted ---- */

/* The events that @word names; 0: none. */
static uint64_t events_of(const char *word)
{
    uint64_t events = 0;

    for (unsigned k = 0; k < ARM_EVENT_COUNT; k++)
        if (!strcmp(arm_event_topic((enum arm_event_kind)k), word))
            events |= ARM_BIT(k);
    return events;
}

static void say_unknown(const char *word, char *why, size_t size)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *name, *argument, *help;

    g_string_printf(text, "no event \"%.60s\"; known:", word);
    for (unsigned k = 0; k < ARM_EVENT_COUNT; k++) {
        const char *topic = arm_event_topic((enum arm_event_kind)k);
        if (!(events_of(topic) & (ARM_BIT(k) - 1)))
            g_string_append_printf(text, " %s", topic);
    }
    g_string_append(text, "; formats:");
    for (unsigned k = 0; trace_format_describe(k, &name, &help); k++)
        g_string_append_printf(text, " %s", name);
    g_string_append(text, "; filters:");
    for (unsigned k = 0; trace_filter_describe(k, &name, &argument, &help); k++)
        g_string_append_printf(text, " %s=%s", name, argument);
    g_snprintf(why, size, "%s", text->str);
}

static bool set_format(struct trace_spec *spec, const char *word)
{
    for (unsigned k = 0; k < TRACE_FORMAT_COUNT; k++) {
        if (strcmp(formats[k].word, word) != 0)
            continue;
        spec->format = (enum trace_format_id)k;
        return true;
    }
    return false;
}

static bool parse_word(struct trace_spec *spec, const char *word, char *why, size_t size)
{
    uint64_t events = events_of(word);

    if (strchr(word, '='))
        return trace_filter_parse(&spec->filter, word, why, size);
    spec->events |= events;
    if (events || set_format(spec, word))
        return true;
    say_unknown(word, why, size);
    return false;
}

/* Do the words go together? */
static bool fits(struct trace_spec *spec, char *why, size_t size)
{
    unsigned wrong = spec->filter.given & ~formats[spec->format].filters;
    const char *word = formats[spec->format].word, *name = NULL, *argument, *help;

    for (unsigned k = 0;
         wrong && trace_filter_describe(k, &name, &argument, &help) && !(wrong >> k & 1); k++)
        ;
    if (wrong)
        g_snprintf(why, size, "%s goes not with %s=", word, name);
    else if (formats[spec->format].events && spec->events)
        g_snprintf(why, size, "%s has events of its own: expected none, but filters", word);
    else if (!formats[spec->format].events && !spec->events)
        g_snprintf(why, size, "expected the words of some events (docs/probes.md), or a format");
    else if (spec->filter.from >= spec->filter.to)
        g_snprintf(why, size, "expected from= below to=");
    else
        return true;
    return false;
}

bool trace_spec_parse(struct trace_spec *spec, const char *text, char *why, size_t size)
{
    const char *colon = strchr(text, ':');
    g_autofree char *list = colon ? g_strndup(text, (gsize)(colon - text)) : g_strdup(text);
    g_auto(GStrv) words = g_strsplit(list, ",", -1);
    bool good = true;

    *spec = (struct trace_spec){.format = TRACE_text, .file = colon ? colon + 1 : NULL};
    trace_filter_init(&spec->filter);
    if (colon && !colon[1]) {
        g_snprintf(why, size, "expected a file name behind the colon");
        return false;
    }
    for (char **w = words; *w && good; w++)
        good = parse_word(spec, *w, why, size);
    good = good && fits(spec, why, size);
    if (good && formats[spec->format].events)
        spec->events = formats[spec->format].events;
    if (!good)
        trace_filter_clear(&spec->filter);
    return good;
}

bool trace_is_of_one_cpu(const struct trace_spec *spec)
{
    return (formats[spec->format].flags & TRACE_ONE_CPU) != 0;
}

bool trace_needs_files(const struct trace_spec *spec)
{
    return (formats[spec->format].flags & TRACE_NEEDS_FILES) != 0;
}

/* ---- its life ---- */

/* The window is over: the rest of the run is not slower. */
static void end(struct trace *t)
{
    if (t->handle > 0)
        arm_unsubscribe(t->m, t->handle);
    t->handle = 0;
    t->ended = true;
    formats[t->spec.format].end(t);
}

static void on_event(void *ctx, const struct arm_event *e)
{
    struct trace *t = ctx;

    if (!t->ended && t->spec.filter.to != UINT64_MAX &&
        arm_machine_position(t->m).insns >= t->spec.filter.to)
        end(t);
    if (!t->ended && trace_filter_passes(&t->spec.filter, t->m, t->names, e))
        formats[t->spec.format].event(t, e);
}

struct trace *trace_open(struct arm_machine *m, const struct trace_spec *spec,
                         struct trace_names *names, FILE *out)
{
    struct trace *t = g_new0(struct trace, 1);

    t->m = m;
    t->names = names;
    t->spec = *spec;
    t->spec.filter.basic.events = spec->events;
    t->text = g_string_sized_new(256);
    t->disasm = trace_disasm_new();
    trace_sink_open(&t->sink, out, spec->filter.last);
    return t;
}

bool trace_begin(struct trace *t)
{
    t->begun = true;
    formats[t->spec.format].begin(t);
    t->handle = arm_subscribe(t->m, &t->spec.filter.basic, on_event, t);
    return t->handle > 0;
}

uint64_t trace_starts_at(const struct trace *t)
{
    return t->begun ? UINT64_MAX : t->spec.filter.from;
}

void trace_close(struct trace *t)
{
    if (!t)
        return;
    if (!t->begun)
        formats[t->spec.format].begin(t);
    if (!t->ended)
        end(t);
    trace_sink_close(&t->sink);
    trace_disasm_free(t->disasm);
    trace_filter_clear(&t->spec.filter);
    g_string_free(t->text, TRUE);
    g_free(t);
}

/* ---- what formats share ---- */

void trace_disassemble(struct trace *t, uint64_t pc, uint32_t word, GString *out)
{
    trace_disasm_text(t->disasm, pc, word, out);
}

void trace_world(const struct arm_event *e, unsigned el, char *buf, size_t size)
{
    if (el == 2)
        g_snprintf(buf, size, "EL2");
    else if (e->guest)
        g_snprintf(buf, size, "vm%u EL%u", e->vmid, el);
    else
        g_snprintf(buf, size, "host EL%u", el);
}

uint64_t trace_reg(const struct trace *t, unsigned cpu, const char *name)
{
    uint64_t value = 0;

    return arm_reg_read(t->m, cpu, name, &value) ? value : 0;
}

void trace_set_world(const struct trace *t, struct arm_event *e)
{
    e->guest = trace_reg(t, e->cpu, "HCR_EL2") & 1;
    e->vmid = e->guest ? (uint16_t)(trace_reg(t, e->cpu, "VTTBR_EL2") >> 48) : 0;
}

/* C4.1.94 "Branches, Exception Generating and System instructions": the branches, ERET and
 * exceptions. */
bool trace_is_branch(uint32_t word)
{
    return (word & 0x7c000000) == 0x14000000 || (word & 0x7e000000) == 0x34000000 ||
           (word & 0x7e000000) == 0x36000000 || (word & 0xfe000000) == 0x54000000 ||
           (word & 0xfe000000) == 0xd6000000 || (word & 0xff000000) == 0xd4000000;
}
