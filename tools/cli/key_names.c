#include "key_names.h"

#include <stdint.h>
#include <string.h>

#include "armillary.h"

#define EV_KEY   1
#define KEYS_MAX (ARM_INPUT_EVENTS_MAX / 2) /* each is pressed and let go */

static const struct {
    uint16_t code;
    const char *name;
} keys[] = {
#define USB_KEY(code, usage, name) {code, #name},
#include "include/usb_keys.def"
#undef USB_KEY
};

static const struct {
    const char *qemu, *name;
} others[] = {
#define KEY_NAME(qemu, name) {qemu, name},
#include "tools/cli/key_names.def"
#undef KEY_NAME
};

uint16_t key_names_code(const char *word)
{
    for (size_t k = 0; k < G_N_ELEMENTS(others); k++)
        if (!strcmp(others[k].qemu, word))
            word = others[k].name;
    for (size_t k = 0; k < G_N_ELEMENTS(keys); k++)
        if (!g_ascii_strcasecmp(keys[k].name, word))
            return keys[k].code;
    return 0;
}

bool key_names_send(struct arm_machine *m, const char *text, char **error)
{
    g_auto(GStrv) words = g_strsplit(text, "-", -1);
    struct arm_input_event events[ARM_INPUT_EVENTS_MAX];
    unsigned count = g_strv_length(words);

    if (count > KEYS_MAX) {
        *error = g_strdup_printf("%s: expected at most %d keys", text, KEYS_MAX);
        return false;
    }
    for (unsigned k = 0; k < count; k++) {
        uint16_t code = key_names_code(words[k]);
        if (!code) {
            *error =
                g_strdup_printf("no key \"%s\"; expected names as ctrl-alt-f1 or ret", words[k]);
            return false;
        }
        events[k] = (struct arm_input_event){EV_KEY, code, 1};
        events[2 * count - 1 - k] = (struct arm_input_event){EV_KEY, code, 0};
    }
    if (count && arm_input(m, events, 2 * count))
        return true;
    *error = g_strdup("the guest takes no keys now: a keyboard is -device virtio-keyboard-pci, or "
                      "usb-kbd at a controller");
    return false;
}
