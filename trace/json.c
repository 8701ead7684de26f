#include "trace/json.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/json.h"

static void add_key(GString *out, const char *key)
{
    if (out->str[out->len - 1] != '{')
        g_string_append_c(out, ',');
    json_quote(out, key);
    g_string_append_c(out, ':');
}

void json_begin(GString *out, char phase, const char *name, uint64_t ns, unsigned pid, unsigned tid)
{
    g_string_append_printf(out, "{\"ph\":\"%c\",\"pid\":%u,\"tid\":%u,\"ts\":%" PRIu64 ".%03u",
                           phase, pid, tid, ns / 1000, (unsigned)(ns % 1000));
    if (name)
        json_text(out, "name", name);
}

void json_number(GString *out, const char *key, uint64_t value)
{
    add_key(out, key);
    g_string_append_printf(out, "%" PRIu64, value);
}

void json_text(GString *out, const char *key, const char *value)
{
    add_key(out, key);
    json_quote(out, value);
}

void json_args(GString *out)
{
    add_key(out, "args");
    g_string_append_c(out, '{');
}

void json_end(GString *out)
{
    bool args = strstr(out->str, "\"args\":{") != NULL;

    g_string_append(out, args ? "}}" : "}");
}
