#include "line_editor.h"

#include <histedit.h>
#include <stdio.h>
#include <string.h>

#include "terminal.h"
#include "trace/library.h"

#define HISTORY_LINES 500
#define LIBRARY       "libedit.so.2"

#define EDIT_CALLS(X)                                                                              \
    X(el_init)                                                                                     \
    X(el_end)                                                                                      \
    X(el_get)                                                                                      \
    X(el_set)                                                                                      \
    X(el_wset)                                                                                     \
    X(el_gets)                                                                                     \
    X(el_line)                                                                                     \
    X(el_deletestr)                                                                                \
    X(el_insertstr)                                                                                \
    X(history)                                                                                     \
    X(history_init)                                                                                \
    X(history_end)

/* The library, which is loaded when a line is to be typed. */
struct edit {
#define X(name) __typeof__(name) *name;
    EDIT_CALLS(X)
#undef X
};

struct line_editor {
    struct edit lib;
    EditLine *el;
    History *history;
    const struct line_editor_host *host;
};

static bool load(struct edit *to)
{
    static const struct library_call calls[] = {
#define X(name) {#name, offsetof(struct edit, name)},
        EDIT_CALLS(X)
#undef X
    };

    return library_load(LIBRARY, calls, G_N_ELEMENTS(calls), to) == LIBRARY_COMPLETE;
}

/* Of a callback, which gets nothing but @el: the library is there, and found once more. */
static struct line_editor *of(EditLine *el)
{
    struct edit lib;
    void *e = NULL;

    if (load(&lib))
        lib.el_get(el, EL_CLIENTDATA, &e);
    return e;
}

static char *prompt(EditLine *el)
{
    return (char *)(uintptr_t)of(el)->host->prompt;
}

static int next(EditLine *el, wchar_t *c)
{
    const struct line_editor_host *host = of(el)->host;
    uint8_t byte;

    if (!host->read(host->read_ctx, &byte))
        return 0;
    *c = byte;
    return 1;
}

/* ---- completion ---- */

static size_t common(const GPtrArray *words)
{
    const char *first = words->pdata[0];
    size_t n = strlen(first);

    for (guint k = 1; k < words->len; k++) {
        const char *other = words->pdata[k];
        size_t same = 0;
        while (same < n && first[same] == other[same])
            same++;
        n = same;
    }
    return n;
}

static void show(const GPtrArray *words)
{
    printf("\n");
    for (guint k = 0; k < words->len; k++)
        printf("%s%s", k ? "  " : "", (const char *)words->pdata[k]);
    printf("\n");
    fflush(stdout);
}

/* The last word, of @typed characters, becomes the first @n of @to: case may be another. */
static unsigned char put(const struct line_editor *e, size_t typed, const char *to, size_t n,
                         const char *behind)
{
    g_autofree char *text = g_strdup_printf("%.*s%s", (int)n, to, behind);

    e->lib.el_deletestr(e->el, (int)typed);
    return e->lib.el_insertstr(e->el, text) == 0 ? CC_REFRESH : CC_REFRESH_BEEP;
}

/* As far as all that it could become agree; if that is nothing more, they are shown. */
static unsigned char complete(EditLine *el, int key)
{
    const struct line_editor *e = of(el);
    const struct line_editor_host *host = e->host;
    const LineInfo *at = e->lib.el_line(el);
    g_autofree char *line = g_strndup(at->buffer, (gsize)(at->cursor - at->buffer));
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    const char *space = strrchr(line, ' ');
    size_t typed = strlen(space ? space + 1 : line);

    (void)key;
    host->complete(host->complete_ctx, line, words);
    if (!words->len)
        return CC_REFRESH_BEEP;
    size_t n = common(words);
    if (words->len == 1)
        return put(e, typed, words->pdata[0], n, " ");
    if (n > typed)
        return put(e, typed, words->pdata[0], n, "");
    show(words);
    return CC_REDISPLAY;
}

/* ---- lines ---- */

static void set_up(struct line_editor *e)
{
    HistEvent event;

    e->lib.history(e->history, &event, H_SETSIZE, HISTORY_LINES);
    e->lib.history(e->history, &event, H_SETUNIQUE, 1);
    e->lib.el_set(e->el, EL_CLIENTDATA, e);
    e->lib.el_set(e->el, EL_PROMPT, prompt);
    e->lib.el_set(e->el, EL_GETCFN, next);
    e->lib.el_set(e->el, EL_EDITOR, "emacs");
    e->lib.el_set(e->el, EL_HIST, e->lib.history, e->history);
    /* el_set() would give it copies of the strings that nobody frees. */
    e->lib.el_wset(e->el, EL_ADDFN, L"complete", L"Complete the word", complete);
    e->lib.el_set(e->el, EL_BIND, "\t", "complete", NULL);
    e->lib.el_set(e->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
}

struct line_editor *line_editor_new(void)
{
    struct line_editor *e = g_new0(struct line_editor, 1);

    if (load(&e->lib))
        e->history = e->lib.history_init();
    e->el = e->history ? e->lib.el_init("armillary", stdin, stdout, stderr) : NULL;
    if (e->el) {
        set_up(e);
        return e;
    }
    line_editor_free(e);
    return NULL;
}

void line_editor_free(struct line_editor *e)
{
    if (!e)
        return;
    if (e->el)
        e->lib.el_end(e->el);
    if (e->history)
        e->lib.history_end(e->history);
    g_free(e);
}

char *line_editor_read(struct line_editor *e, const struct line_editor_host *host)
{
    HistEvent event;
    int count = 0;

    e->host = host;
    terminal_edited(true);
    const char *text = e->lib.el_gets(e->el, &count);
    terminal_edited(false);
    e->host = NULL;
    if (!text || count <= 0)
        return NULL;
    char *line = g_strndup(text, strcspn(text, "\r\n"));
    if (line[strspn(line, " \t")])
        e->lib.history(e->history, &event, H_ENTER, line);
    return line;
}
