#include "hyp/console.h"

#include "hyp/gic.h"
#include "hyp/hyp.h"
#include "hyp/lib.h"
#include "hyp/lock.h"
#include "hyp/opts.h"
#include "hyp/vcpu.h"

enum { UARTDR = 0x0, UARTFR = 0x18, UARTCR = 0x30, UARTIMSC = 0x38, UARTICR = 0x44 };

#define FR_RXFE    BIT(4)
#define FR_TXFF    BIT(5)
#define UART_SPI   33 /* of the virt board */
#define ESCAPE     2  /* Ctrl-B */
#define LINE_BYTES 256

static struct {
    struct lock lock;
    uint64_t base;      /* 0: none */
    struct vm *speaker; /* whose line is open; NULL: the hypervisor's or none */
    bool open, escaped, panicking;
    unsigned listener; /* which guest gets input */
} console;

void console_init(uint64_t base)
{
    console.base = base;
    mmio_write32(base + UARTCR, 0x301); /* on, both directions */
}

static void put(char c)
{
    if (!console.base)
        return;
    while (mmio_read32(console.base + UARTFR) & FR_TXFF)
        ;
    mmio_write32(console.base + UARTDR, (uint8_t)c);
}

static void put_text(const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            put('\r');
        put(*text);
    }
}

static bool shows_names(void)
{
    return opts.prefix == OPT_prefix_on || (opts.prefix == OPT_prefix_auto && vm_count() > 1);
}

/* Another speaks: the open line ends. */
static void turn_to(struct vm *vm)
{
    if (console.open && console.speaker != vm)
        put_text("\n");
    if (!console.open || console.speaker != vm) {
        console.open = true;
        if (vm && shows_names()) {
            put_text(vm->name);
            put_text("| ");
        }
    }
    console.speaker = vm;
}

static void show(struct vm *vm)
{
    struct console_line *line = &vm->line;

    if (!line->count)
        return;
    turn_to(vm);
    for (unsigned k = 0; k < line->count; k++)
        put(line->text[k]);
    console.open = line->text[line->count - 1] != '\n';
    line->count = 0;
}

void console_guest(struct vcpu *v, char c)
{
    struct console_line *line = &v->vm->line;
    bool held = shows_names() && opts.wfx == OPT_wfx_trap;
    uint64_t daif = lock_take(&console.lock);

    line->writer = v;
    line->text[line->count++] = c;
    if (!held || c == '\n' || line->count == CONSOLE_LINE)
        show(v->vm);
    lock_drop(&console.lock, daif);
}

void console_waits(struct vcpu *v)
{
    if (v->vm->line.writer != v) /* most wait without having printed; only v itself makes it v */
        return;
    uint64_t daif = lock_take(&console.lock);
    show(v->vm);
    lock_drop(&console.lock, daif);
}

void console_write(const char *text)
{
    uint64_t daif = console.panicking ? 0 : lock_take(&console.lock);
    size_t n = strlen(text);

    turn_to(NULL);
    put_text(text);
    if (n && text[n - 1] == '\n')
        console.open = false;
    if (!console.panicking)
        lock_drop(&console.lock, daif);
}

void console_panicking(void)
{
    console.panicking = true;
    for (unsigned k = 0; k < vm_count(); k++)
        show(vm_by_index(k));
}

void print(const char *text, ...)
{
    char line[LINE_BYTES];
    va_list args;

    va_start(args, text);
    vformat(line, sizeof(line), text, args);
    va_end(args);
    console_write(line);
}

void console_listen(void)
{
    if (!console.base)
        return;
    mmio_write32(console.base + UARTIMSC, BIT(4) | BIT(6)); /* a byte has come, or has waited */
    gic_enable_spi(UART_SPI);
}

static void command(char c)
{
    if (c >= '1' && c <= '9' && (unsigned)(c - '1') < vm_count()) {
        console.listener = (unsigned)(c - '1');
        print("hyp: input goes to %s\n", vm_by_index(console.listener)->name);
    } else if (c == 's') {
        hyp_status();
    } else {
        print("hyp: Ctrl-B 1..9: input to that guest; Ctrl-B s: status; Ctrl-B Ctrl-B: Ctrl-B "
              "itself\n");
    }
}

static void received(char c)
{
    bool is_command = console.escaped && c != ESCAPE;

    if (is_command) {
        console.escaped = false;
        command(c);
    } else if (c == ESCAPE && !console.escaped) {
        console.escaped = true;
    } else {
        console.escaped = false;
        if (console.listener < vm_count())
            vm_input(vm_by_index(console.listener), c);
    }
}

void console_irq(uint32_t intid)
{
    if (intid != UART_SPI || !console.base)
        return;
    while (!(mmio_read32(console.base + UARTFR) & FR_RXFE))
        received((char)mmio_read32(console.base + UARTDR));
    mmio_write32(console.base + UARTICR, BIT(4) | BIT(6));
}
