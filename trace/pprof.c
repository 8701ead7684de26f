/*
 * A profile as pprof reads it: a gzip file with one message of proto/profile.proto of
 * github.com/google/pprof. A sample is a line of a function with the calls that led to it, within
 * its world and level, which is the sample's label "world" and the file of its mapping.
 */
#include <string.h>
#include <zlib.h>

#include "trace/profile.h"
#include "trace/protobuf.h"

/* Numbers of fields, by message. */
enum {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE = 2,
    PROFILE_MAPPING = 3,
    PROFILE_LOCATION = 4,
    PROFILE_FUNCTION = 5,
    PROFILE_STRING = 6,
    PROFILE_DURATION_NS = 10,
    PROFILE_PERIOD_TYPE = 11,
    PROFILE_PERIOD = 12,
    PROFILE_COMMENT = 13,
};
enum { TYPE_TYPE = 1, TYPE_UNIT = 2 };
enum { SAMPLE_LOCATIONS = 1, SAMPLE_VALUES = 2, SAMPLE_LABEL = 3 };
enum { LABEL_KEY = 1, LABEL_TEXT = 2 };
enum {
    MAPPING_ID = 1,
    MAPPING_LIMIT = 3,
    MAPPING_FILE = 5,
    MAPPING_HAS_FUNCTIONS = 7,
    MAPPING_HAS_FILES = 8,
    MAPPING_HAS_LINES = 9,
};
enum { LOCATION_ID = 1, LOCATION_MAPPING = 2, LOCATION_ADDRESS = 3, LOCATION_LINE = 4 };
enum { LINE_FUNCTION = 1, LINE_NUMBER = 2 };
enum { FUNCTION_ID = 1, FUNCTION_NAME = 2, FUNCTION_SYSTEM_NAME = 3, FUNCTION_FILE = 4 };

struct location {
    unsigned function, line;
};

struct pprof {
    const struct profile *profile;
    GString *out;
    GPtrArray *strings;                /* the table: what is in by_string */
    GHashTable *by_string, *locations; /* the index; struct location: its id */
};

static unsigned location_hash(const void *key)
{
    const struct location *l = key;

    return l->function * 31 + l->line;
}

static int same_location(const void *a, const void *b)
{
    const struct location *x = a, *y = b;

    return x->function == y->function && x->line == y->line;
}

/* The index of @text in the table. */
static uint64_t string(struct pprof *f, const char *text)
{
    void *index;

    if (g_hash_table_lookup_extended(f->by_string, text, NULL, &index))
        return GPOINTER_TO_UINT(index);
    char *own = g_strdup(text);
    g_hash_table_insert(f->by_string, own, GUINT_TO_POINTER(f->strings->len));
    g_ptr_array_add(f->strings, own);
    return f->strings->len - 1;
}

static void write_type(struct pprof *f, unsigned field)
{
    size_t at = protobuf_open(f->out, field);

    protobuf_number(f->out, TYPE_TYPE, string(f, "instructions"));
    protobuf_number(f->out, TYPE_UNIT, string(f, "count"));
    protobuf_close(f->out, at);
}

/* A world and level. Its addresses may be any. */
static void write_mapping(struct pprof *f, unsigned number)
{
    const struct trace_who *who = f->profile->cells.who->pdata[number];
    size_t at = protobuf_open(f->out, PROFILE_MAPPING);

    protobuf_number(f->out, MAPPING_ID, number + 1);
    protobuf_number(f->out, MAPPING_LIMIT, UINT64_MAX);
    protobuf_number(f->out, MAPPING_FILE, string(f, who->name));
    protobuf_number(f->out, MAPPING_HAS_FUNCTIONS, 1);
    protobuf_number(f->out, MAPPING_HAS_FILES, 1);
    protobuf_number(f->out, MAPPING_HAS_LINES, 1);
    protobuf_close(f->out, at);
}

static void write_function(struct pprof *f, unsigned number)
{
    const struct profile_function *function = profile_function(f->profile, number);
    size_t at = protobuf_open(f->out, PROFILE_FUNCTION);
    bool has_file = strcmp(function->file, "???") != 0;

    protobuf_number(f->out, FUNCTION_ID, number + 1);
    protobuf_number(f->out, FUNCTION_NAME, string(f, function->name));
    protobuf_number(f->out, FUNCTION_SYSTEM_NAME, string(f, function->name));
    protobuf_number(f->out, FUNCTION_FILE, string(f, has_file ? function->file : ""));
    protobuf_close(f->out, at);
}

static unsigned mapping_of(const struct pprof *f, const struct trace_who *who)
{
    unsigned k = 0;

    while (f->profile->cells.who->pdata[k] != who)
        k++;
    return k + 1;
}

/* The id of a line of a function; it is written when it is first asked for. */
static uint64_t location(struct pprof *f, unsigned number, unsigned line)
{
    const struct location key = {number, line};
    const struct profile_function *function = profile_function(f->profile, number);
    uint64_t id = GPOINTER_TO_UINT(g_hash_table_lookup(f->locations, &key));

    if (id)
        return id;
    id = g_hash_table_size(f->locations) + 1;
    g_hash_table_insert(f->locations, g_memdup2(&key, sizeof(key)), GUINT_TO_POINTER(id));
    size_t at = protobuf_open(f->out, PROFILE_LOCATION);
    protobuf_number(f->out, LOCATION_ID, id);
    protobuf_number(f->out, LOCATION_MAPPING, mapping_of(f, function->who));
    protobuf_number(f->out, LOCATION_ADDRESS, function->address);
    size_t inner = protobuf_open(f->out, LOCATION_LINE);
    protobuf_number(f->out, LINE_FUNCTION, number + 1);
    protobuf_number(f->out, LINE_NUMBER, line);
    protobuf_close(f->out, inner);
    protobuf_close(f->out, at);
    return id;
}

static void write_sample(struct pprof *f, const struct profile_sample *sample)
{
    const GArray *stacks = f->profile->stacks;
    const struct profile_stack *stack = &g_array_index(stacks, struct profile_stack, sample->stack);
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    const char *world = stack->who->name;
    uint64_t id = location(f, sample->function, sample->line);

    g_array_append_val(ids, id);
    for (; stack->depth; stack = &g_array_index(stacks, struct profile_stack, stack->parent)) {
        id = location(f, stack->function, stack->line);
        g_array_append_val(ids, id);
    }
    size_t at = protobuf_open(f->out, PROFILE_SAMPLE);
    protobuf_packed(f->out, SAMPLE_LOCATIONS, (const uint64_t *)(const void *)ids->data, ids->len);
    protobuf_packed(f->out, SAMPLE_VALUES, &sample->count, 1);
    size_t label = protobuf_open(f->out, SAMPLE_LABEL);
    protobuf_number(f->out, LABEL_KEY, string(f, "world"));
    protobuf_number(f->out, LABEL_TEXT, string(f, world));
    protobuf_close(f->out, label);
    protobuf_close(f->out, at);
}

static void write_profile(struct pprof *f, uint64_t ns)
{
    g_autofree char *comment = g_strdup_printf("armillary %s: retired instructions", arm_version());

    string(f, ""); /* the first one */
    write_type(f, PROFILE_SAMPLE_TYPE);
    write_type(f, PROFILE_PERIOD_TYPE);
    protobuf_number(f->out, PROFILE_PERIOD, 1);
    protobuf_number(f->out, PROFILE_DURATION_NS, ns);
    protobuf_number(f->out, PROFILE_COMMENT, string(f, comment));
    for (unsigned k = 0; k < f->profile->cells.who->len; k++)
        write_mapping(f, k);
    for (unsigned k = 0; k < f->profile->functions->len; k++)
        write_function(f, k);
    for (unsigned k = 0; k < f->profile->samples->len; k++)
        write_sample(f, f->profile->samples->pdata[k]);
    for (unsigned k = 0; k < f->strings->len; k++)
        protobuf_text(f->out, PROFILE_STRING, f->strings->pdata[k]);
}

/* @to becomes @from in gzip's format, without a time; false: the host has no memory. */
static bool compress_to(GString *to, const GString *from)
{
    z_stream z = {0};

    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    g_string_set_size(to, deflateBound(&z, from->len));
    z.next_in = (Bytef *)from->str;
    z.avail_in = (uInt)from->len;
    z.next_out = (Bytef *)to->str;
    z.avail_out = (uInt)to->len;
    bool good = deflate(&z, Z_FINISH) == Z_STREAM_END;
    g_string_set_size(to, good ? z.total_out : 0);
    deflateEnd(&z);
    return good;
}

void trace_pprof_begin(struct trace *t)
{
    t->self = profile_new(t, true);
}

void trace_pprof_event(struct trace *t, const struct arm_event *e)
{
    profile_event(t, e);
}

void trace_pprof_end(struct trace *t)
{
    struct pprof f = {.profile = t->self,
                      .out = g_string_new(NULL),
                      .strings = g_ptr_array_new_with_free_func(g_free),
                      .by_string = g_hash_table_new(g_str_hash, g_str_equal),
                      .locations =
                          g_hash_table_new_full(location_hash, same_location, g_free, NULL)};

    profile_add_up(t);
    write_profile(&f, arm_time_ns(t->m));
    /* Readers take it as it is, too. */
    trace_sink_put(&t->sink, compress_to(t->text, f.out) ? t->text : f.out);
    g_hash_table_unref(f.locations);
    g_hash_table_unref(f.by_string);
    g_ptr_array_unref(f.strings);
    g_string_free(f.out, TRUE);
    profile_free(t->self);
}
