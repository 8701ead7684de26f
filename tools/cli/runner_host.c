/* The host's side of a run: what the machine's callbacks do, and what they are connected to. */
#include <glib.h>
#include <string.h>

#include "devices.h"
#include "link.h"
#include "net.h"
#include "runner_state.h"
#include "signals.h"
#include "window.h"

/* With networks, which wait for themselves: between two looks at links. */
#define LINKS_NETWORK_MS 10

/* Of a guest that nothing else can wake, while somebody is at a monitor. */
#define CONTROLS_WAIT_MS 20

bool runner_serial_valid(const char *serial)
{
    static const char *const known[] = {"stdio", "mon:stdio", "none", "null"};

    for (size_t k = 0; k < G_N_ELEMENTS(known); k++)
        if (!strcmp(serial, known[k]))
            return true;
    return (g_str_has_prefix(serial, "file:") && serial[5]) || link_valid(serial);
}

/* Has the user or the time limit said that the run ends? The guest may be waiting for a reader. */
bool runner_is_ending(void *ctx)
{
    struct run *r = ctx;

    if (r->input)
        console_look(r->input);
    return signals_seen() || (r->input && r->input->request != CONSOLE_NONE);
}

void runner_poll(void *ctx)
{
    struct run *r = ctx;

    if (r->outputs.waiting)
        outputs_offer(&r->outputs);
    console_poll(r->input);
    if (r->links.count)
        links_poll(&r->links);
    if (runner_has_heard(r))
        death_watch_heard(r->death);
    death_watch_poll(r->death);
    controls_poll(r->controls);
    if (r->req->networks)
        networks_poll(r->req->networks);
    window_poll(r->window);
}

/* Somebody may be at a link: a guest that waits does so by the host's clock, and one that nothing
 * but the host can wake is asked again. */
static bool idle_with_links(struct run *r, uint64_t next_ns, unsigned wait_max_ms)
{
    bool forever = next_ns == UINT64_MAX;
    uint64_t wait_ms = forever ? wait_max_ms : (next_ns - arm_time_ns(r->m)) / 1000000;

    if (wait_ms > wait_max_ms)
        wait_ms = wait_max_ms;
    if (r->req->networks && wait_ms > LINKS_NETWORK_MS)
        wait_ms = LINKS_NETWORK_MS;
    if (links_idle(&r->links, r->input, (unsigned)wait_ms))
        return true;
    return (r->req->networks ? networks_idle(r->req->networks, r->input, next_ns, 0)
                             : console_idle(r->input, next_ns, 0)) ||
           forever;
}

bool runner_idle_at_most(void *ctx, uint64_t next_ns, unsigned most_ms)
{
    struct run *r = ctx;

    if (r->outputs.waiting)
        outputs_offer(&r->outputs);
    unsigned wait_max_ms = r->outputs.waiting ? 20 : most_ms;
    bool forever = next_ns == UINT64_MAX;

    if (r->controls && controls_idle(r->controls, forever ? CONTROLS_WAIT_MS : 0) &&
        (forever || controls_waiting(r->controls)))
        return true;

    if (r->window && window_idle(r->window, next_ns)) {
        runner_poll(r);
        return true;
    }
    if (r->links.count && !r->req->replay)
        return idle_with_links(r, next_ns, wait_max_ms);
    if (r->req->networks && !r->req->replay)
        return networks_idle(r->req->networks, r->input, next_ns, wait_max_ms);
    return console_idle(r->input, next_ns, wait_max_ms);
}

static bool idle(void *ctx, uint64_t next_ns)
{
    return runner_idle_at_most(ctx, next_ns, 1000);
}

/* The UART's output, to the console and the file that logs it. */
static void write_serial(void *ctx, const uint8_t *data, size_t size)
{
    struct run *r = ctx;

    console_write(&r->serial, data, size);
    death_watch_console(r->death, data, size);
    if (r->serial_log)
        output_write(r->serial_log, data, size);
}

/* The monitor that has standard input to itself: its bytes are no device's. */
static bool open_monitor(struct run *r)
{
    if (!console_open(&r->monitor, &r->outputs, "stdio"))
        return false;
    r->monitor.device = ARM_DEVICES_MAX;
    r->monitor.port = 0;
    r->input = &r->monitor;
    return true;
}

/* While input is replayed nobody is at the other end of a link, as with networks. */
static const char *at_replay(const struct run_request *req, const char *where)
{
    return req->replay && where && link_valid(where) ? "null" : where;
}

static void set_callbacks(struct run *r)
{
    r->config.console_write = write_serial;
    r->config.console_ctx = r;
    r->config.poll = runner_poll;
    r->config.idle = idle;
    r->config.host_ctx = r;
}

/* Without a window the run goes on: what is asked of it may not be to be seen. */
static void open_window(struct run *r)
{
    const struct arm_config *c = &r->req->config;
    bool picture = c->ramfb, tablet = false;
    const char *why = "no device shows a picture: -device virtio-gpu-pci does, or ramfb";

    for (unsigned n = 0; n < c->device_count; n++) {
        picture |= c->devices[n].kind == ARM_VIRTIO_GPU;
        tablet |= c->devices[n].kind == ARM_VIRTIO_TABLET || c->devices[n].kind == ARM_USB_TABLET;
    }
    if (picture)
        r->window = window_open(!r->req->replay, tablet, &why);
    if (!r->window)
        fprintf(r->outputs.say, "armillary: no window: %s\n", why);
}

bool runner_open_host(struct run *r)
{
    const struct run_request *req = r->req;

    set_callbacks(r);
    if (!console_open(&r->serial, &r->outputs, at_replay(req, req->serial)) ||
        !devices_open(req->devices, &r->outputs, req->replay != NULL))
        return false;
    if (!networks_open(req->networks, &r->outputs, req->replay != NULL))
        return false;
    if (req->serial_log && !(r->serial_log = (req->serial_log_append ? output_append : output_file)(
                                 &r->outputs, req->serial_log, "console output")))
        return false;
    if (req->control_count &&
        !(r->controls = controls_open(req->controls, req->control_count, req->stopped, req->outline,
                                      &r->outputs)))
        return false;
    if (req->window)
        open_window(r);
    links_add(&r->links, &r->serial);
    devices_add_links(req->devices, &r->links);
    r->input = r->serial.input ? &r->serial : devices_stdin(req->devices);
    if (!r->input && req->monitor_first)
        return open_monitor(r);
    if (!r->input)
        r->input = &r->serial;
    return true;
}
