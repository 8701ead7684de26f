/* The Trace Event Format: time in microseconds; processes are views, threads their rows. */
#include "trace/json.h"
#include "trace/perfetto.h"

static void begin(struct perfetto_out *out)
{
    g_string_append(out->text, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
}

static void name_track(GString *text, const struct perfetto_event *e)
{
    json_begin(text, 'M', e->phase == PERFETTO_VIEW ? "process_name" : "thread_name", e->ns,
               e->view, e->row);
    json_args(text);
    json_text(text, "name", e->name);
}

static void event(struct perfetto_out *out, const struct perfetto_event *e)
{
    static const char phases[] = {[PERFETTO_OPEN] = 'B',
                                  [PERFETTO_CLOSE] = 'E',
                                  [PERFETTO_SPAN] = 'b',
                                  [PERFETTO_SPAN_END] = 'e',
                                  [PERFETTO_INSTANT] = 'i'};
    GString *text = out->text;

    g_string_append(text, out->count++ ? ",\n" : "\n");
    if (e->phase <= PERFETTO_ROW) {
        name_track(text, e);
        json_end(text);
        return;
    }
    json_begin(text, phases[e->phase], e->name, e->ns, e->view, e->row);
    if (e->phase == PERFETTO_INSTANT)
        json_text(text, "s", "t");
    if (e->id) {
        json_text(text, "cat", e->category);
        json_text(text, "id", e->id);
    }
    if (e->argument_count)
        json_args(text);
    for (unsigned k = 0; k < e->argument_count; k++)
        if (*e->argument[k].text)
            json_text(text, e->argument[k].key, e->argument[k].text);
        else
            json_number(text, e->argument[k].key, e->argument[k].number);
    json_end(text);
}

static void end(struct perfetto_out *out)
{
    g_string_append(out->text, "\n]}\n");
}

const struct perfetto_writer perfetto_json = {begin, event, end};

const struct perfetto_writer *perfetto_writer(const char *file)
{
    static const char *const own[] = {".pftrace", ".perfetto-trace", ".pb"};

    for (size_t k = 0; file && k < G_N_ELEMENTS(own); k++)
        if (g_str_has_suffix(file, own[k]))
            return &perfetto_proto;
    return &perfetto_json;
}
