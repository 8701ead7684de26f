#include "devices/host_input.h"

#include "base/le.h"

/* Buttons and the wheel are any pointer's. */
static unsigned wanted(const struct host_input_event *group, unsigned count)
{
    unsigned pointer = HOST_INPUT_RELATIVE | HOST_INPUT_ABSOLUTE;
    bool keys = true;

    for (unsigned i = 0; i < count; i++) {
        const struct host_input_event *e = &group[i];
        keys &= e->type == HOST_INPUT_KEY && e->code < HOST_INPUT_BUTTON_LEFT;
        if (e->type == HOST_INPUT_ABS)
            pointer &= HOST_INPUT_ABSOLUTE;
        if (e->type == HOST_INPUT_REL && e->code != HOST_INPUT_WHEEL)
            pointer &= HOST_INPUT_RELATIVE;
    }
    return keys ? HOST_INPUT_KEYBOARD : pointer;
}

void host_input_add(struct host_input *input, struct host_input_device *device)
{
    struct host_input_device **at = &input->first;

    while (*at)
        at = &(*at)->next;
    device->next = NULL;
    *at = device;
}

bool host_input_give(const struct host_input *input, const struct host_input_event *group,
                     unsigned count)
{
    unsigned takes = wanted(group, count);

    for (struct host_input_device *d = input->first; d; d = d->next)
        if ((d->takes & takes) && d->receive(d->ctx, group, count))
            return true;
    return false;
}

bool host_input_give_bytes(const struct host_input *input, const uint8_t *bytes, size_t size)
{
    struct host_input_event group[HOST_INPUT_GROUP_MAX];
    unsigned count = (unsigned)(size / HOST_INPUT_EVENT_BYTES);

    if (size % HOST_INPUT_EVENT_BYTES || size == 0 || size > sizeof(group))
        return false;
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *at = bytes + (size_t)i * HOST_INPUT_EVENT_BYTES;
        group[i] = (struct host_input_event){(uint16_t)le_get(at, 2), (uint16_t)le_get(at + 2, 2),
                                             (int32_t)le_get(at + 4, 4)};
    }
    return host_input_give(input, group, count);
}
