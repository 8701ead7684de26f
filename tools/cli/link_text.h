/* The text of a link: pty[:LABEL], pipe:PATH, unix:PATH[,...],
 * tcp: and telnet:[HOST]:PORT[,...], fd:N[,...]. */
#pragma once

#include <stdbool.h>

enum link_kind { LINK_PTY, LINK_PIPE, LINK_UNIX, LINK_TCP, LINK_FD, LINK_STANDARD };

struct link_spec {
    enum link_kind kind;
    char *at; /* path, label, [HOST]:PORT, or descriptor; g_free() it */
    bool server, nowait, telnet;
    bool has_options;     /* behind the address */
    unsigned reconnect_s; /* a client connects again so long after; 0: never */
};

/* False: it is none; then there is nothing to free. ",," in a path is a comma. */
bool link_parse(const char *text, struct link_spec *spec);
