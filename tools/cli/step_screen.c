/*
 * The terminal program of `armillary step`: instructions, registers, and one of several views
 * below. Keys are commands (step_screen.def), and the same ones can be typed behind a colon.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "curses.h"
#include "step.h"

#define LINES_LEAST 16
#define COLS_LEAST  60

static const struct {
    int key;
    const char *command, *help;
} keys[] = {
#define KEY(key, command, help) {key, command, help},
#include "tools/cli/step_screen.def"
#undef KEY
};

/* What the lower part shows: the answer of a command, made anew after each movement. */
static const struct {
    const char *name, *command;
} views[] = {
    {"answer", NULL},       {"owners", "owner"}, {"worlds", "worlds"},
    {"changed", "changed"}, {"gic", "gic"},      {"findings", "findings"},
    {"console", "console"}, {"breaks", "break"}, {"passage", "passage"},
};

/* Registers on the right: general ones, and those of an EL. */
static const char *const banks[] = {"general", "EL1", "EL2", "EL0"};

struct screen {
    struct stepper *s;
    struct curses c;
    GString *answer;  /* of the last command */
    GString *content; /* of the view, if it is another */
    unsigned view, bank;
    unsigned top, reg_top; /* first line shown, of the view and of the registers */
    GHashTable *asked;     /* by key: what was typed last */
    bool help;
};

/* The timeline that a Ctrl-C stops: a signal has no other way to it. */
static struct timeline *volatile running;

static void on_interrupt(int number)
{
    (void)number;
    if (running)
        timeline_interrupt(running);
}

/* ---- drawing ---- */

static void draw_status(const struct screen *w)
{
    struct arm_position at = timeline_here(w->s->t), end = timeline_farthest(w->s->t);
    const char *world = step_world(w->s, w->s->cpu);
    char symbol[160];
    step_symbol(w->s, step_reg(w->s, ARM_PC), symbol, sizeof(symbol));
    g_autofree char *text = g_strdup_printf(
        " %" PRIu64 ".%" PRIu64 " cpu%u EL%u %s %s  %s", at.insns, at.exceptions, w->s->cpu,
        step_el(w->s), world ? world : "-", symbol, position_compare(at, end) < 0 ? "(past)" : "");
    curses_bar(&w->c, 0);
    curses_put(&w->c, 0, 0, w->c.cols, text);
    curses_off(&w->c, A_REVERSE);
}

static void draw_instructions(const struct screen *w, int top, int height, int width)
{
    uint64_t pc = step_reg(w->s, ARM_PC), at = pc - 4 * (uint64_t)(height / 3);
    char text[160], symbol[160];

    for (int y = 0; y < height; y++, at += 4) {
        uint32_t word;
        step_insn(w->s, at, &word, text, sizeof(text));
        step_symbol(w->s, at, symbol, sizeof(symbol));
        symbol[strcspn(symbol, " ")] = '\0'; /* without its line */
        g_autofree char *line =
            width > 60 ? g_strdup_printf("%c%016" PRIx64 " %-32s %s", at == pc ? '>' : ' ', at,
                                         text, symbol)
                       : g_strdup_printf("%c%08" PRIx64 " %-23.23s %s", at == pc ? '>' : ' ',
                                         at & UINT32_MAX, text, symbol);
        if (at == pc)
            curses_on(&w->c, A_REVERSE);
        curses_put(&w->c, top + y, 0, width - 1, line);
        curses_off(&w->c, A_REVERSE);
    }
}

static bool in_bank(const struct arm_register *r, unsigned bank)
{
    const char *end = strrchr(r->name, '_');

    if (bank == 0)
        return r->number >= ARM_X(0) && r->number < ARM_V(0);
    return r->number < ARM_X(0) && !r->alias && end && !strncmp(end, "_EL", 3) &&
           end[3] == banks[bank][2] && !end[4];
}

/* Who has it: the letter of the world that runs, or left last, on this CPU. */
static char owner_letter(const struct screen *w, uint32_t number)
{
    struct arm_owner list[64];
    struct arm_crossing last;
    struct arm_position here = timeline_here(w->s->t);

    if (!arm_checker_crossing(w->s->checker, w->s->cpu, here, false, &last))
        return ' ';
    size_t count = arm_checker_owner(w->s->checker, number, here, list, G_N_ELEMENTS(list));
    for (size_t k = 0; k < count && k < G_N_ELEMENTS(list); k++)
        if (!strcmp(list[k].world, last.world))
            return list[k].state;
    return ' ';
}

static void draw_register(const struct screen *w, size_t k, int y, int x, int width)
{
    const struct arm_register *r = &w->s->regs[k];
    bool changed = w->s->was[k][0] != w->s->now[k][0];
    g_autofree char *line = g_strdup_printf("%c%-13.13s %016" PRIx64 " %c", changed ? '*' : ' ',
                                            r->name, w->s->now[k][0], owner_letter(w, r->number));

    if (changed)
        curses_on(&w->c, A_BOLD);
    curses_put(&w->c, y, x, width, line);
    curses_off(&w->c, A_BOLD);
}

/* What cannot change, or has to do with debugging and counting, comes last. */
static bool is_rare(const struct arm_register *r)
{
    static const char *const rare[] = {"DBG", "OS", "PM", "MDCC"};

    for (size_t k = 0; k < G_N_ELEMENTS(rare); k++)
        if (g_str_has_prefix(r->name, rare[k]))
            return true;
    return !r->writable;
}

static void draw_registers(const struct screen *w, int top, int height, int x)
{
    unsigned skip = w->reg_top;
    size_t count = w->s->reg_count;
    int y = 0;

    for (size_t n = 0; n < 2 * count && y < height; n++) {
        size_t k = n < count ? n : n - count;
        if (!in_bank(&w->s->regs[k], w->bank) || is_rare(&w->s->regs[k]) != (n >= count) ||
            (skip && skip--))
            continue;
        draw_register(w, k, top + y++, x, w->c.cols - x);
    }
}

static const GString *shown(const struct screen *w)
{
    return views[w->view].command ? w->content : w->answer;
}

/* How much of @text, a line or what is left of it, fits into @width columns: up to a space. */
static size_t piece_of(const char *text, size_t width)
{
    size_t size = strcspn(text, "\n"), cut = MIN(size, width);

    if (cut == size)
        return size;
    while (cut > width / 2 && text[cut] != ' ')
        cut--;
    return cut > width / 2 ? cut : MIN(size, width);
}

/* A line that is too long goes on below, a little to the right. */
static void draw_view(const struct screen *w, int top, int height)
{
    const char *text = shown(w)->str;
    unsigned skip = w->top;
    int indent = 0;

    for (int y = 0; *text && y < height;) {
        size_t size = piece_of(text, (size_t)(w->c.cols - indent));
        g_autofree char *piece = g_strndup(text, size);
        if (skip)
            skip--;
        else
            curses_put(&w->c, top + y++, indent, w->c.cols - indent, piece);
        text += size;
        indent = *text == '\n' ? 0 : 4;
        text += *text == '\n' || *text == ' ';
    }
}

static void draw_bar(const struct screen *w, int y)
{
    int x = 0;

    curses_bar(&w->c, y);
    for (unsigned k = 0; k < G_N_ELEMENTS(views); k++) {
        g_autofree char *name = g_strdup_printf(k == w->view ? "[%s]" : " %s ", views[k].name);
        curses_put(&w->c, y, x, w->c.cols - x, name);
        x += (int)strlen(name);
    }
    curses_off(&w->c, A_REVERSE);
}

static void draw_help(const struct screen *w)
{
    int y = 2, x = 1;

    curses_put(&w->c, 0, 1, w->c.cols, "Keys (any other key goes back)");
    for (size_t k = 0; k < G_N_ELEMENTS(keys); k++, y++) {
        if (y == w->c.lines - 1) {
            y = 2;
            x += w->c.cols / 2;
        }
        g_autofree char *line = g_strdup_printf("%c  %s", keys[k].key, keys[k].help);
        curses_put(&w->c, y, x, w->c.cols / 2 - 1, line);
    }
    static const char *const others[] = {"Tab   next view below", "x     other registers",
                                         "j k   scroll the view", "J K   scroll registers",
                                         "n     next CPU",        ":     any command (:help)",
                                         "^C    stop what runs",  "q     end"};
    for (size_t k = 0; k < G_N_ELEMENTS(others); k++, y++) {
        if (y == w->c.lines - 1) {
            y = 2;
            x += w->c.cols / 2;
        }
        curses_put(&w->c, y, x, w->c.cols / 2 - 1, others[k]);
    }
}

static void draw(const struct screen *w)
{
    int lower = w->c.lines / 3, upper = w->c.lines - lower - 4,
        x = w->c.cols > 110 ? w->c.cols - 40 : w->c.cols - 33;

    if (w->help) {
        draw_help(w);
    } else if (w->c.lines < LINES_LEAST || w->c.cols < COLS_LEAST) {
        curses_put(&w->c, 0, 0, w->c.cols, "the terminal is too small");
    } else {
        g_autofree char *bank = g_strdup_printf("%s (x, L B S M X)", banks[w->bank]);
        draw_status(w);
        curses_put(&w->c, 1, x, w->c.cols - x, bank);
        draw_instructions(w, 1, upper + 1, x);
        draw_registers(w, 2, upper, x);
        draw_bar(w, upper + 2);
        draw_view(w, upper + 3, lower);
        curses_put(
            &w->c, w->c.lines - 1, 0, w->c.cols - 1,
            "s/S step  w/W switch  r/R write  e/E event  y why  Tab view  : command  ? help");
    }
    w->c.wrefresh(w->c.window);
}

/* ---- commands ---- */

static void refresh_view(struct screen *w)
{
    g_string_truncate(w->content, 0);
    if (views[w->view].command)
        step_execute(w->s, views[w->view].command, w->content);
}

static void run(struct screen *w, const char *command)
{
    curses_last_line(&w->c, "... (Ctrl-C stops it)");
    g_string_truncate(w->answer, 0);
    running = w->s->t;
    step_execute(w->s, command, w->answer);
    running = NULL;
    w->top = 0;
    w->view = strchr(w->answer->str, '\n') != strrchr(w->answer->str, '\n') ? 0 : w->view;
    refresh_view(w);
}

/* A line typed behind @prompt; false: given up. */
static bool type_line(const struct screen *w, const char *prompt, const char *otherwise,
                      GString *line)
{
    g_string_assign(line, otherwise ? otherwise : "");
    for (;;) {
        g_autofree char *text = g_strconcat(prompt, line->str, NULL);
        curses_last_line(&w->c, text);
        int key = w->c.wgetch(w->c.window);
        if (key == '\n' || key == KEY_ENTER)
            return true;
        if (key == 27 || key == 3)
            return false;
        if ((key == KEY_BACKSPACE || key == 127 || key == 8) && line->len)
            g_string_truncate(line, line->len - 1);
        else if (key == 21)
            g_string_truncate(line, 0);
        else if (key >= ' ' && key < 127)
            g_string_append_c(line, (char)key);
    }
}

static void ask(struct screen *w, const char *command)
{
    g_autoptr(GString) line = g_string_new(NULL);

    if (!type_line(w, command, g_hash_table_lookup(w->asked, command), line) || !line->len)
        return;
    g_hash_table_replace(w->asked, g_strdup(command), g_strdup(line->str));
    g_autofree char *whole = g_strdup_printf("%s%s", command, line->str);
    run(w, whole);
}

static void free_command(struct screen *w)
{
    g_autoptr(GString) line = g_string_new(NULL);

    if (type_line(w, ":", NULL, line) && line->len) {
        w->view = 0;
        run(w, line->str);
    }
}

static void change_cpu(struct screen *w)
{
    g_autofree char *command =
        g_strdup_printf("cpu %u", (w->s->cpu + 1) % arm_cpu_count(step_machine(w->s)));

    run(w, command);
}

static void scroll_by(unsigned *top, int by)
{
    *top = by < 0 && *top < (unsigned)-by ? 0 : *top + (unsigned)by;
}

/* Keys that only change what is seen. False: it is none. */
static bool look(struct screen *w, int key)
{
    switch (key) {
    case '\t':
        w->view = (w->view + 1) % G_N_ELEMENTS(views);
        w->top = 0;
        refresh_view(w);
        return true;
    case 'x':
        w->bank = (w->bank + 1) % G_N_ELEMENTS(banks);
        w->reg_top = 0;
        return true;
    case 'j':
    case KEY_DOWN:
        scroll_by(&w->top, 1);
        return true;
    case 'k':
    case KEY_UP:
        scroll_by(&w->top, -1);
        return true;
    case 'J':
        scroll_by(&w->reg_top, 4);
        return true;
    case 'K':
        scroll_by(&w->reg_top, -4);
        return true;
    case '?':
        w->help = true;
        return true;
    default:
        return key == KEY_RESIZE || key == ERR;
    }
}

static void press(struct screen *w, int key)
{
    if (look(w, key))
        return;
    if (key == 'q')
        w->s->quit = true;
    else if (key == 'n')
        change_cpu(w);
    else if (key == ':')
        free_command(w);
    for (size_t k = 0; k < G_N_ELEMENTS(keys); k++)
        if (keys[k].key == key) {
            if (g_str_has_suffix(keys[k].command, " "))
                ask(w, keys[k].command);
            else
                run(w, keys[k].command);
        }
}

int step_screen(struct stepper *s)
{
    struct sigaction interrupt = {.sa_handler = on_interrupt}, before;
    struct screen w = {.s = s,
                       .answer = g_string_new("? shows the keys\n"),
                       .content = g_string_new(NULL),
                       .asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};

    sigaction(SIGINT, &interrupt, &before);
    if (!curses_open(&w.c))
        return EXIT_USAGE;
    while (!s->quit) {
        curses_erase(&w.c);
        draw(&w);
        int key = w.c.wgetch(w.c.window);
        if (w.help)
            w.help = false;
        else
            press(&w, key);
    }
    curses_close(&w.c);
    sigaction(SIGINT, &before, NULL);
    g_string_free(w.answer, TRUE);
    g_string_free(w.content, TRUE);
    g_hash_table_unref(w.asked);
    return s->failed ? EXIT_UNMET : 0;
}
