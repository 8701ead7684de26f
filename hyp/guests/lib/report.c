#include "report.h"

#include <stdarg.h>

#include "mmio.h"
#include "platform.h"
#include "psci.h"

#define UART_DR 0x00
#define UART_FR 0x18
#define FR_TXFF BIT(5)

static unsigned claimed, sabotaged;
static unsigned characters, skip; /* sent of the line; not to be sent again */
static int chosen = -1;           /* index of the sabotage */
static uint64_t patience;

static void put(char c)
{
    if (characters++ < skip || !platform.uart)
        return;
    while (rd32(platform.uart + UART_FR) & FR_TXFF)
        ;
    wr32(platform.uart + UART_DR, (uint8_t)c);
}

static void put_text(const char *text)
{
    while (*text)
        put(*text++);
}

static void put_number(uint64_t v, unsigned base)
{
    char digits[20];
    unsigned n = 0;

    if (base == 16)
        put_text("0x");
    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    while (n)
        put(digits[--n]);
}

static void put_format(const char *format, va_list args)
{
    for (; *format; format++) {
        bool is_long = false;

        if (*format != '%') {
            put(*format);
            continue;
        }
        if (*++format == 'l') {
            is_long = true;
            format++;
        }
        if (*format == 's')
            put_text(va_arg(args, const char *));
        else if (*format == '%')
            put('%');
        else
            put_number(is_long ? va_arg(args, uint64_t) : va_arg(args, unsigned),
                       *format == 'x' ? 16 : 10);
    }
}

static bool first(unsigned *word)
{
    return __atomic_exchange_n(word, 1, __ATOMIC_SEQ_CST) == 0;
}

static void begin_line(const char *verdict)
{
    insn("msr daifset, #15");
    if (!first(&claimed))
        for (;;)
            insn("wfi");
    put_text(guest.name);
    put_text(verdict);
}

static void __attribute__((noreturn)) end_line(void)
{
    put('\n');
    psci(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;)
        insn("wfi");
}

void report_ok(const char *format, ...)
{
    va_list args;

    begin_line(": ok ");
    va_start(args, format);
    put_format(format, args);
    va_end(args);
    if (chosen >= 0 && !sabotaged)
        put_text(" unbroken");
    end_line();
}

void report_fail(const char *format, ...)
{
    unsigned cpu = cpu_index();
    va_list args;

    begin_line(": FAIL cpu ");
    put_number(cpu, 10);
    put_text(": ");
    va_start(args, format);
    put_format(format, args);
    va_end(args);
    end_line();
}

void expect(const char *what, uint64_t got, uint64_t expected)
{
    require(got == expected, "%s: expected %lx, got %lx", what, expected, got);
}

bool sabotage(unsigned n)
{
    return (int)n == chosen && first(&sabotaged);
}

bool patient_for(uint64_t since, unsigned times)
{
    return now() - since < times * patience;
}

bool patient(uint64_t since)
{
    return patient_for(since, 1);
}

void report_options(void)
{
    bool list = option_is("break", "list");

    patience = ticks_of_us(1000 * option_number("patience", 10000));
    if (list)
        begin_line(": breaks");
    for (unsigned n = 0; guest.breaks[n]; n++) {
        if (list) {
            put(' ');
            put_text(guest.breaks[n]);
        } else if (option_is("break", guest.breaks[n])) {
            chosen = (int)n;
        }
    }
    if (list)
        end_line();
}

void report_first_character(void)
{
    put(guest.name[0]);
    characters = 0;
    skip = 1;
}
