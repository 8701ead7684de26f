#include "tpm_emulator.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Commands of the control channel. */
enum { CMD_INIT = 2, CMD_SHUTDOWN = 3, CMD_SET_LOCALITY = 5, CMD_STOP = 14, CMD_SET_DATAFD = 16 };

#define TIMEOUT_S    120 /* a key may take that long */
#define HEADER_BYTES 10
#define REQUEST_MAX  8

static bool bad(const char *what)
{
    fprintf(stderr, "armillary: TPM: %s\n", what);
    return false;
}

static void put_be(uint8_t *to, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t get_be(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static bool send_all(int fd, const uint8_t *data, size_t size)
{
    for (ssize_t n; size; data += n, size -= (size_t)n)
        if ((n = send(fd, data, size, MSG_NOSIGNAL)) <= 0)
            return false;
    return true;
}

static bool receive_all(int fd, uint8_t *data, size_t size)
{
    return size == 0 || recv(fd, data, size, MSG_WAITALL) == (ssize_t)size;
}

/* A command with @extra bytes behind its number, and a descriptor (-1: none). Return: its result
 * is that of success. */
static bool control(const struct tpm_emulator *t, uint32_t command, const uint8_t *extra,
                    size_t extra_bytes, int fd)
{
    uint8_t request[4 + REQUEST_MAX], result[4];
    struct iovec part = {request, 4 + extra_bytes};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } with = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    put_be(request, command);
    if (extra_bytes)
        memcpy(request + 4, extra, extra_bytes);
    if (fd >= 0) {
        message.msg_control = &with;
        message.msg_controllen = sizeof(with.room);
        with.header = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&with.header), &fd, sizeof(fd));
    }
    return sendmsg(t->control, &message, MSG_NOSIGNAL) == (ssize_t)part.iov_len &&
           receive_all(t->control, result, sizeof(result)) && get_be(result) == 0;
}

static void set_timeout(int fd)
{
    const struct timeval most = {.tv_sec = TIMEOUT_S};

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
}

/* The TPM is started without what it kept over a suspend. */
static bool start(const struct tpm_emulator *t)
{
    const uint8_t no_flags[4] = {0};

    return (control(t, CMD_STOP, NULL, 0, -1) &&
            control(t, CMD_INIT, no_flags, sizeof(no_flags), -1)) ||
           bad("the emulator does not start its TPM");
}

static bool open_data(struct tpm_emulator *t)
{
    int ends[2];
    bool good;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return bad("no socket for its commands");
    good = control(t, CMD_SET_DATAFD, NULL, 0, ends[1]);
    close(ends[1]);
    t->data = ends[0];
    set_timeout(t->data);
    return good || bad("the emulator takes no socket for commands; expected swtpm, by its --ctrl");
}

bool tpm_emulator_open(struct tpm_emulator *t, int descriptor)
{
    *t = (struct tpm_emulator){.control = descriptor, .data = -1};
    set_timeout(descriptor);
    if (open_data(t) && start(t))
        return true;
    tpm_emulator_close(t);
    return false;
}

size_t tpm_emulator_command(void *ctx, unsigned locality, const uint8_t *request, size_t size,
                            uint8_t *response, size_t max)
{
    struct tpm_emulator *t = ctx;
    const uint8_t number = (uint8_t)locality;
    size_t total;

    if (locality != t->locality && !control(t, CMD_SET_LOCALITY, &number, 1, -1))
        return 0;
    t->locality = locality;
    if (!send_all(t->data, request, size) || max < HEADER_BYTES ||
        !receive_all(t->data, response, HEADER_BYTES))
        return 0;
    total = get_be(response + 2);
    return total >= HEADER_BYTES && total <= max &&
                   receive_all(t->data, response + HEADER_BYTES, total - HEADER_BYTES)
               ? total
               : 0;
}

void tpm_emulator_close(struct tpm_emulator *t)
{
    if (t->control < 0)
        return;
    if (t->data >= 0) {
        (void)control(t, CMD_SHUTDOWN, NULL, 0, -1);
        close(t->data);
    }
    close(t->control);
    t->control = t->data = -1;
}
