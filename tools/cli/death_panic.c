#include "death_panic.h"

#include <inttypes.h>
#include <string.h>

#include "death_state.h"

/* Who says nothing for so many instructions has said it; who always says something, so many. */
#define QUIET_INSNS (UINT64_C(4) << 20)
#define MOST_INSNS  (UINT64_C(100) << 20)

/* An Oops of Linux: it says what it has failed with, and some lines later where. */
#define OOPS       "Internal error: Oops"
#define OOPS_FIRST "Unable to handle kernel "
#define OOPS_BUG   "kernel BUG at "
#define OOPS_WHERE "pc : "

#define XEN_BEGINS "(XEN) "

enum when { NEVER_WELL, ALSO_WELL, IF_LAST };

static const struct panic_text {
    const char *text, *who;
    enum when when;
} panics[] = {
#define PANIC(text, who, when) {text, who, when},
#define WHY(text, meaning, next)
#include "tools/cli/panics.def"
#undef WHY
#undef PANIC
};

static const struct {
    const char *text, *meaning, *next;
} whys[] = {
#define PANIC(text, who, when)
#define WHY(text, meaning, next) {text, meaning, next},
#include "tools/cli/panics.def"
#undef WHY
#undef PANIC
};

void death_panic_free(struct death_panic *p)
{
    g_free(p->text);
    if (p->meaning)
        g_string_free(p->meaning, TRUE);
}

/* The status of a process that has ended, as wait() has it: a signal, or what it has returned. */
static void add_status(const char *line, GString *out)
{
    static const struct {
        unsigned signal;
        const char *name;
    } signals[] = {{4, "SIGILL, an undefined instruction"},
                   {5, "SIGTRAP, a BRK"},
                   {6, "SIGABRT, abort()"},
                   {7, "SIGBUS"},
                   {8, "SIGFPE"},
                   {9, "SIGKILL"},
                   {11, "SIGSEGV, a bad address"}};
    const char *at = strstr(line, "exitcode=0x");

    if (!at)
        return;
    unsigned status = (unsigned)g_ascii_strtoull(at + strlen("exitcode=0x"), NULL, 16);
    if (!(status & 0x7f)) {
        g_string_append_printf(out, ": it has returned %u", status >> 8 & 0xff);
        return;
    }
    g_string_append_printf(out, ": it has died of signal %u", status & 0x7f);
    for (size_t k = 0; k < G_N_ELEMENTS(signals); k++)
        if (signals[k].signal == (status & 0x7f))
            g_string_append_printf(out, " (%s)", signals[k].name);
}

/* @text is the panic's from now on. */
static void give_up(struct death_panic *p, char *text, const char *line)
{
    p->text = text;
    for (char *at = p->text; *at; at++) /* terminals and XML do not like all of them */
        *at = (char)(g_ascii_isprint(*at) ? *at : '?');
    p->meaning = g_string_new(NULL);
    p->next = "";
    for (size_t w = 0; w < G_N_ELEMENTS(whys) && !p->meaning->len; w++) {
        if (!strstr(line, whys[w].text))
            continue;
        g_string_assign(p->meaning, whys[w].meaning);
        p->next = whys[w].next;
        add_status(line, p->meaning);
    }
}

/* What an Oops has said first is kept until it says where. */
static bool look_for_oops(struct death_panic *p)
{
    const char *what = strstr(p->line, OOPS_FIRST), *where = strstr(p->line, OOPS_WHERE);

    what = what ? what : strstr(p->line, OOPS_BUG);
    what = what ? what : strstr(p->line, OOPS);
    if (what && !*p->oops)
        g_strlcpy(p->oops, what, sizeof(p->oops));
    if (!where || !*p->oops)
        return false;
    give_up(p,
            g_strdup_printf("%s, at %s (Linux)", g_strstrip(p->oops),
                            g_strstrip((char *)where + strlen(OOPS_WHERE))),
            OOPS);
    return true;
}

static const struct panic_text *find_text(const char *line)
{
    for (size_t k = 0; k < G_N_ELEMENTS(panics); k++)
        if (strstr(line, panics[k].text))
            return &panics[k];
    return NULL;
}

/* The line behind the one that has begun; Xen begins each of its own with its name. */
static void end_with(struct death_panic *p, const char *line)
{
    const char *who = find_text(p->begun)->who;
    g_autofree char *whole = NULL;

    line += g_str_has_prefix(line, XEN_BEGINS) ? strlen(XEN_BEGINS) : 0;
    whole = g_strdup_printf("%s%s%s", p->begun, *line ? " " : "", line);
    give_up(p, g_strdup_printf("%s (%s)", whole, who), whole);
}

static bool look_at_line(struct death_panic *p, bool all)
{
    const struct panic_text *text = find_text(p->line);

    if (*p->begun && !p->text) {
        end_with(p, g_strstrip(p->line));
        return true;
    }
    p->waits = text && text->when == IF_LAST;
    if (p->text)
        return false;
    if (look_for_oops(p))
        return true;
    if (!text || text->when == IF_LAST || (text->when == ALSO_WELL && !all))
        return false;
    p->legitimate = text->when == ALSO_WELL;
    if (g_str_has_suffix(g_strstrip(p->line), ":")) {
        g_strlcpy(p->begun, p->line, sizeof(p->begun));
        return false;
    }
    give_up(p, g_strdup_printf("%s (%s)", p->line, text->who), p->line);
    return true;
}

bool death_panic_hears(struct death_panic *p, uint8_t byte, uint64_t now, bool all)
{
    p->spoken = now;
    if (byte != '\n' && p->used < sizeof(p->line) - 1) {
        p->line[p->used++] = (char)(byte ? byte : ' ');
        return false;
    }
    p->line[p->used] = '\0';
    p->used = 0;
    if (!look_at_line(p, all))
        return false;
    p->since = now;
    return true;
}

bool death_panic_waits(struct death_panic *p)
{
    if (*p->begun && !p->text) {
        end_with(p, "");
        return true;
    }
    if (!p->waits || p->text || p->used)
        return false;
    give_up(p, g_strdup_printf("%s (%s)", g_strstrip(p->line), find_text(p->line)->who), p->line);
    return true;
}

bool death_panic_is_over(const struct death_panic *p, uint64_t now)
{
    return p->text && (now - p->spoken >= QUIET_INSNS || now - p->since >= MOST_INSNS);
}

/* ---- what no console has shown ---- */

bool death_add_console(const struct arm_config *c, GString *out)
{
    static const char *const ours[] = {"ttyAMA", "hvc", "tty0", "null"}; /* as Linux calls them */
    g_auto(GStrv) words = g_strsplit(c->append ? c->append : "", " ", -1);
    const char *bad = NULL;

    for (char **w = words; *w; w++) {
        if (!g_str_has_prefix(*w, "console="))
            continue;
        for (size_t k = 0; k < G_N_ELEMENTS(ours); k++)
            if (g_str_has_prefix(*w + strlen("console="), ours[k]))
                return false;
        bad = *w;
    }
    if (bad)
        g_string_append_printf(out, "%s of the command line is no console of this board", bad);
    return bad;
}

#define WORDS     "Kernel panic - not syncing: "
#define WORDS_MAX 160
#define PIECE     ((size_t)1 << 20)

/* Not the string that it is made by, nor one that is printed in parts. */
static bool is_sentence(const char *text)
{
    return g_ascii_isprint(*text) && *text != '%';
}

bool death_add_last_words(const struct corpse *c, GString *out)
{
    const uint64_t end = DEATH_RAM + c->config->ram_size;
    g_autofree char *best = NULL; /* where an older line was longer, its end stands behind */
    g_autoptr(GString) buffer = g_string_sized_new(PIECE + WORDS_MAX);
    char *piece = buffer->str;

    for (uint64_t at = DEATH_RAM; at < end; at += PIECE) {
        size_t size = (size_t)MIN(end - at, PIECE + WORDS_MAX);
        if (!arm_mem_read(c->m, at, piece, size))
            break;
        for (char *p = piece; (p = memchr(p, *WORDS, size - (size_t)(p - piece))); p++) {
            if ((size_t)(piece + size - p) <= strlen(WORDS) || memcmp(p, WORDS, strlen(WORDS)) != 0)
                continue;
            char *text = p + strlen(WORDS), *stop = text;
            while (stop < piece + size && stop - p < WORDS_MAX && g_ascii_isprint(*stop))
                stop++;
            if (stop == text || !is_sentence(text) || (p > piece && p[-1] == ' '))
                continue;
            if (best && strlen(best) <= (size_t)(stop - p))
                continue;
            g_free(best);
            best = g_strndup(p, (gsize)(stop - p));
        }
    }
    if (best)
        g_string_append_printf(out, "; its log has: %s", best);
    return best;
}

bool death_panic_unheard(struct death_panic *p, const struct corpse *c)
{
    g_autoptr(GString) words = g_string_new(NULL);

    if (p->spoken || p->text || !death_add_last_words(c, words))
        return false;
    char *text = strstr(words->str, WORDS);
    give_up(p, g_strdup_printf("%s (Linux)", text), text);
    g_string_append(p->meaning, p->meaning->len ? "; " : "");
    if (!death_add_console(c->config, p->meaning))
        g_string_append(p->meaning,
                        "there was no console yet: earlycon on the command line is one");
    return true;
}
