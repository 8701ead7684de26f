#include <glib.h>
#include <SDL.h>
#include <stddef.h>

#include "trace/library.h"
#include "window.h"

#define TITLE         "Armillary"
#define LOOK_MS       5  /* between two looks at the host */
#define DRAW_MS       33 /* and at the guest */
#define WAIT_MS       10
#define BEHIND_MAX_MS 200 /* that a wait is shorter, after longer ones */
#define HELD_MAX      256 /* groups of events that the guest has not taken yet */
#define ABS_MAX       32767

/* Linux' numbers, as arm_input() has them. */
enum { EV_KEY = 1, EV_REL = 2, EV_ABS = 3 };
enum { AXIS_X = 0, AXIS_Y = 1, WHEEL = 8, BUTTON_LEFT = 0x110 };

/* What is called of SDL. It is loaded when a window is wanted: it brings dozens of libraries, which
 * every start would pay for. */
/* clang-format off */
#define SDL_CALLS(X) \
    X(CreateRenderer) X(CreateTexture) X(CreateWindow) X(DestroyRenderer) \
    X(DestroyTexture) X(DestroyWindow) X(GetError) X(GetModState) X(GetTicks64) \
    X(GetWindowSize) X(Init) X(PollEvent) X(QuitSubSystem) X(RenderCopy) \
    X(RenderPresent) X(SetHint) X(SetRelativeMouseMode) X(SetWindowSize) \
    X(SetWindowTitle) X(ShowCursor) X(UpdateTexture) X(WaitEventTimeout)
/* clang-format on */

struct sdl {
#define X(name) __typeof__(SDL_##name) *name;
    SDL_CALLS(X)
#undef X
};

struct group {
    struct arm_input_event events[2];
    unsigned count;
};

struct window {
    struct sdl sdl;
    struct arm_machine *m;
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture; /* NULL: nothing was shown yet */
    struct arm_display shown;
    uint32_t *pixels;
    bool listens, absolute, caught;
    Uint64 looked_ms, drawn_ms;
    struct group held[HELD_MAX];
    unsigned first, held_count;
    int64_t ahead_ms; /* the host's clock is of virtual time, when the guest waits */
};

/* ---- input ---- */

/* SDL's scancodes are the usages of USB's keyboard page. */
static const uint16_t keys[256] = {
#define USB_KEY(code, usage, name) [usage] = (code),
#include "include/usb_keys.def"
#undef USB_KEY
};

/* What the guest does not take for long is forgotten. */
static void give(struct window *w, struct group group)
{
    if (!w->listens)
        return;
    if (w->held_count == HELD_MAX)
        w->held_count = 0;
    w->held[(w->first + w->held_count++) % HELD_MAX] = group;
}

static void give_pair(struct window *w, uint16_t type, int32_t x, int32_t y)
{
    give(w, (struct group){{{type, AXIS_X, x}, {type, AXIS_Y, y}}, 2});
}

static void give_one(struct window *w, uint16_t type, uint16_t code, int32_t value)
{
    give(w, (struct group){{{type, code, value}}, 1});
}

static void offer(struct window *w)
{
    while (w->held_count && arm_input(w->m, w->held[w->first].events, w->held[w->first].count)) {
        w->first = (w->first + 1) % HELD_MAX;
        w->held_count--;
    }
}

static void catch_pointer(struct window *w, bool caught)
{
    w->caught = caught;
    w->sdl.SetRelativeMouseMode(caught ? SDL_TRUE : SDL_FALSE);
    w->sdl.SetWindowTitle(w->window, caught ? TITLE ": Ctrl-Alt-G lets the pointer go" : TITLE);
}

static void key(struct window *w, const SDL_KeyboardEvent *e)
{
    SDL_Keymod mod = w->sdl.GetModState();

    if (e->repeat) /* the guest repeats keys itself */
        return;
    if (!w->absolute && e->state == SDL_PRESSED && e->keysym.scancode == SDL_SCANCODE_G &&
        (mod & KMOD_CTRL) && (mod & KMOD_ALT)) {
        catch_pointer(w, !w->caught);
        return;
    }
    if (e->keysym.scancode < (int)G_N_ELEMENTS(keys) && keys[e->keysym.scancode])
        give_one(w, EV_KEY, keys[e->keysym.scancode], e->state == SDL_PRESSED);
}

static int32_t scale(int at, int side)
{
    return side > 1 ? (int32_t)((int64_t)CLAMP(at, 0, side - 1) * ABS_MAX / (side - 1)) : 0;
}

static void motion(struct window *w, const SDL_MouseMotionEvent *e)
{
    int width, height;

    if (!w->absolute) {
        if (w->caught)
            give_pair(w, EV_REL, e->xrel, e->yrel);
        return;
    }
    w->sdl.GetWindowSize(w->window, &width, &height);
    give_pair(w, EV_ABS, scale(e->x, width), scale(e->y, height));
}

static void button(struct window *w, const SDL_MouseButtonEvent *e)
{
    static const uint8_t buttons[] = {
        [SDL_BUTTON_LEFT] = 0, [SDL_BUTTON_RIGHT] = 1, [SDL_BUTTON_MIDDLE] = 2,
        [SDL_BUTTON_X1] = 3,   [SDL_BUTTON_X2] = 4,
    };

    if (!w->absolute && !w->caught && w->listens)
        catch_pointer(w, true);
    else if (e->button >= SDL_BUTTON_LEFT && e->button <= SDL_BUTTON_X2)
        give_one(w, EV_KEY, (uint16_t)(BUTTON_LEFT + buttons[e->button]), e->state == SDL_PRESSED);
}

static void handle(struct window *w, const SDL_Event *e)
{
    switch (e->type) {
    case SDL_QUIT:
        arm_stop(w->m);
        break;
    case SDL_KEYDOWN:
    case SDL_KEYUP:
        key(w, &e->key);
        break;
    case SDL_MOUSEMOTION:
        motion(w, &e->motion);
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        button(w, &e->button);
        break;
    case SDL_MOUSEWHEEL:
        give_one(w, EV_REL, WHEEL, e->wheel.y);
        break;
    case SDL_WINDOWEVENT:
        w->shown.changes = 0; /* draw it again */
        break;
    }
}

/* ---- the picture ---- */

static bool resize(struct window *w, const struct arm_display *d)
{
    if (w->texture && d->width == w->shown.width && d->height == w->shown.height)
        return true;
    if (w->texture)
        w->sdl.DestroyTexture(w->texture);
    g_free(w->pixels);
    w->pixels = g_new(uint32_t, (size_t)d->width * d->height);
    w->texture = w->sdl.CreateTexture(w->renderer, SDL_PIXELFORMAT_RGB888,
                                      SDL_TEXTUREACCESS_STREAMING, (int)d->width, (int)d->height);
    w->sdl.SetWindowSize(w->window, (int)d->width, (int)d->height);
    w->shown.changes = 0;
    return w->texture != NULL;
}

/* The window's user may give it any size: the picture is scaled. */
static void draw(struct window *w)
{
    struct arm_display d;

    if (!arm_display_get(w->m, &d) || !resize(w, &d))
        return;
    if (d.changes && d.changes == w->shown.changes)
        return;
    w->shown = d;
    if (!arm_display_read(w->m, w->pixels, (size_t)d.width * d.height))
        return;
    w->sdl.UpdateTexture(w->texture, NULL, w->pixels, (int)d.width * 4);
    w->sdl.RenderCopy(w->renderer, w->texture, NULL, NULL);
    w->sdl.RenderPresent(w->renderer);
}

static void look(struct window *w)
{
    SDL_Event e;

    w->looked_ms = w->sdl.GetTicks64();
    while (w->sdl.PollEvent(&e))
        handle(w, &e);
    offer(w);
    if (w->looked_ms - w->drawn_ms < DRAW_MS)
        return;
    w->drawn_ms = w->looked_ms;
    draw(w);
}

void window_poll(struct window *w)
{
    if (w && w->sdl.GetTicks64() - w->looked_ms >= LOOK_MS)
        look(w);
}

/* Virtual time goes with the host's, as far as there is time to wait: what a wait was too long by
 * is made up for at the next one, within limits. */
bool window_idle(struct window *w, uint64_t next_ns)
{
    int64_t now_ms = (int64_t)w->sdl.GetTicks64(), left_ms = INT64_MAX;

    if (next_ns != UINT64_MAX) {
        int64_t most_ms = (int64_t)((next_ns - arm_time_ns(w->m)) / 1000000);
        left_ms = w->ahead_ms + (int64_t)(next_ns / 1000000) - now_ms;
        if (left_ms > most_ms || left_ms < -BEHIND_MAX_MS) {
            int64_t good_ms = left_ms > most_ms ? most_ms : -BEHIND_MAX_MS;
            w->ahead_ms += good_ms - left_ms;
            left_ms = good_ms;
        }
        if (left_ms <= 0)
            return false;
    }
    w->sdl.WaitEventTimeout(NULL, (int)MIN(WAIT_MS, left_ms));
    look(w);
    return true;
}

/* ---- the window ---- */

static bool load(struct sdl *sdl, const char **why)
{
    static const struct library_call calls[] = {
#define X(name) {"SDL_" #name, offsetof(struct sdl, name)},
        SDL_CALLS(X)
#undef X
    };
    static const char *const text[] = {
        [LIBRARY_OTHER] = "SDL2 is older than what this was built with",
        [LIBRARY_ABSENT] = "there is no libSDL2-2.0.so.0 (libsdl2-2.0-0)",
    };
    enum library_loaded loaded = library_load("libSDL2-2.0.so.0", calls, G_N_ELEMENTS(calls), sdl);

    *why = text[loaded];
    return loaded == LIBRARY_COMPLETE;
}

/* SDL's part. */
static bool open_window(struct window *w)
{
    struct sdl *sdl = &w->sdl;

    sdl->SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    sdl->SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    if (sdl->Init(SDL_INIT_VIDEO) != 0)
        return false;
    w->window = sdl->CreateWindow(TITLE, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, 800, 600,
                                  SDL_WINDOW_RESIZABLE);
    w->renderer = w->window ? sdl->CreateRenderer(w->window, -1, 0) : NULL;
    return w->renderer != NULL;
}

struct window *window_open(bool listens, bool absolute, const char **why)
{
    struct window *w;
    struct sdl sdl;

    *why = "neither DISPLAY nor WAYLAND_DISPLAY says where";
    if (!g_getenv("DISPLAY") && !g_getenv("WAYLAND_DISPLAY") && !g_getenv("SDL_VIDEODRIVER"))
        return NULL;
    if (!load(&sdl, why))
        return NULL;
    w = g_new0(struct window, 1);
    w->sdl = sdl;
    w->listens = listens;
    w->absolute = absolute;
    if (open_window(w))
        return w;
    *why = sdl.GetError();
    window_close(w);
    return NULL;
}

void window_start(struct window *w, struct arm_machine *m)
{
    if (!w)
        return;
    w->m = m;
    if (w->listens && w->absolute)
        w->sdl.ShowCursor(SDL_DISABLE); /* the guest's is in the picture */
}

void window_close(struct window *w)
{
    if (!w)
        return;
    if (w->texture)
        w->sdl.DestroyTexture(w->texture);
    if (w->renderer)
        w->sdl.DestroyRenderer(w->renderer);
    if (w->window)
        w->sdl.DestroyWindow(w->window);
    w->sdl.QuitSubSystem(SDL_INIT_VIDEO);
    g_free(w->pixels);
    g_free(w);
}
