#include "trace/sink.h"

void trace_sink_open(struct trace_sink *s, FILE *out, uint64_t last)
{
    *s = (struct trace_sink){.out = out, .last = last};
    if (last)
        s->kept = g_new0(GString *, last);
}

void trace_sink_put(struct trace_sink *s, GString *text)
{
    if (!s->last) {
        fwrite(text->str, 1, text->len, s->out);
    } else {
        GString **place = &s->kept[s->count++ % s->last];
        if (!*place)
            *place = g_string_sized_new(text->len);
        g_string_truncate(*place, 0);
        g_string_append_len(*place, text->str, (gssize)text->len);
    }
    g_string_truncate(text, 0);
}

void trace_sink_close(struct trace_sink *s)
{
    for (uint64_t k = 0; k < s->last; k++) {
        GString *piece = s->kept[(s->count + k) % s->last];
        if (!piece)
            continue;
        fwrite(piece->str, 1, piece->len, s->out);
        g_string_free(piece, TRUE);
    }
    g_free(s->kept);
    s->kept = NULL;
    s->last = 0;
}
