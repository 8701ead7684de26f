#include "link_text.h"

#include <glib.h>
#include <string.h>

#include "parse.h"

static const struct {
    const char *stem;
    enum link_kind kind;
    bool telnet;
} forms[] = {
    {"pipe:", LINK_PIPE, false}, {"unix:", LINK_UNIX, false}, {"tcp:", LINK_TCP, false},
    {"telnet:", LINK_TCP, true}, {"pty:", LINK_PTY, false},   {"fd:", LINK_FD, false},
};

/* The next word of *@text, which moves behind its comma. */
static char *next_word(const char **text)
{
    GString *word = g_string_new(NULL);

    for (; **text && (**text != ',' || (*text)[1] == ','); (*text)++) {
        g_string_append_c(word, **text);
        *text += **text == ',';
    }
    *text += **text == ',';
    return g_string_free(word, FALSE);
}

static bool parse_flag(const char *value, bool *flag)
{
    static const char *const on[] = {"on", "yes", "true", "y", NULL};
    static const char *const off[] = {"off", "no", "false", "n", NULL};

    *flag = !value || g_strv_contains(on, value);
    return *flag || g_strv_contains(off, value);
}

/* NAME[=VALUE] behind the address. How packets are cut is nothing that either end sees. */
static bool parse_option(const char *word, struct link_spec *spec)
{
    static const char *const ignored[] = {"nodelay", "delay", "ipv4", "ipv6", NULL};
    const char *eq = strchr(word, '=');
    g_autofree char *name = g_strndup(word, eq ? (size_t)(eq - word) : strlen(word));
    bool flag = true;
    uint64_t n;

    if (!strcmp(name, "reconnect")) {
        bool good = eq && parse_number(eq + 1, 0, UINT16_MAX, &n);
        spec->reconnect_s = good ? (unsigned)n : 0;
        return good;
    }
    if (!parse_flag(eq ? eq + 1 : NULL, &flag))
        return false;
    if (!strcmp(name, "server"))
        spec->server = flag;
    else if (!strcmp(name, "noserver"))
        spec->server = !flag;
    else if (!strcmp(name, "nowait"))
        spec->nowait = flag;
    else if (!strcmp(name, "wait"))
        spec->nowait = !flag;
    else if (!strcmp(name, "telnet"))
        spec->telnet = flag;
    else
        return g_strv_contains(ignored, name);
    return true;
}

static bool parse_rest(const char *text, struct link_spec *spec)
{
    bool good = *spec->at != '\0';

    spec->has_options = *text != '\0';
    while (good && *text) {
        g_autofree char *word = next_word(&text);
        good = !*word || parse_option(word, spec);
    }
    if (good && spec->kind == LINK_TCP)
        good = strchr(spec->at, ':') != NULL && spec->at[strlen(spec->at) - 1] != ':';
    return good && (spec->server || !spec->nowait || spec->kind == LINK_PTY);
}

bool link_parse(const char *text, struct link_spec *spec)
{
    *spec = (struct link_spec){.kind = LINK_PTY};
    if (!strcmp(text, "pty")) {
        spec->at = g_strdup("serial0");
        return true;
    }
    for (size_t k = 0; k < G_N_ELEMENTS(forms); k++) {
        size_t length = strlen(forms[k].stem);
        if (strncmp(text, forms[k].stem, length))
            continue;
        text += length;
        spec->kind = forms[k].kind;
        spec->telnet = forms[k].telnet;
        spec->at = next_word(&text);
        if (parse_rest(text, spec))
            return true;
        g_free(spec->at);
        return false;
    }
    return false;
}
