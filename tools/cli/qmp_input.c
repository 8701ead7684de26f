#include "qmp_input.h"

#include <glib.h>
#include <string.h>

#include "armillary.h"
#include "json.h"
#include "key_names.h"

/* Linux's numbers, input-event-codes.h. */
enum { EV_KEY = 1, EV_REL = 2, EV_ABS = 3 };

static const struct {
    const char *name;
    uint16_t code;
} buttons[] = {{"left", 0x110}, {"right", 0x111}, {"middle", 0x112}};

/* What the member @name says, freed by the caller; NULL: it is no string. */
static char *text_of(const char *object, const char *name)
{
    g_autofree char *value = json_member(object, name);

    return value ? json_string(value) : NULL;
}

/* A KeyValue: {"type": "qcode", "data": "a"}. 0: none of ours. */
static uint16_t key_of(const char *value)
{
    g_autofree char *type = text_of(value, "type"), *name = text_of(value, "data");

    return type && name && !strcmp(type, "qcode") ? key_names_code(name) : 0;
}

static bool bad(char **error, const char *what, const char *text)
{
    *error = g_strdup_printf("%s: %s", what, text);
    return false;
}

static bool send(struct arm_machine *m, const struct arm_input_event *events, unsigned count,
                 char **error)
{
    if (count && arm_input(m, events, count))
        return true;
    *error = g_strdup("the guest takes no such input now");
    return false;
}

bool qmp_input_keys(struct arm_machine *m, const char *list, char **error)
{
    struct arm_input_event events[ARM_INPUT_EVENTS_MAX];
    uint16_t codes[ARM_INPUT_EVENTS_MAX / 2];
    unsigned count = 0;
    char *name, *value;

    for (const char *at = list + (*list == '['); json_next(&at, &name, &value);) {
        g_autofree char *key = value;
        g_free(name);
        if (count == G_N_ELEMENTS(codes))
            return bad(error, "too many keys", list);
        codes[count] = key_of(key);
        if (!codes[count++])
            return bad(error, "expected a key's qcode", key);
    }
    for (unsigned k = 0; k < count; k++) {
        events[k] = (struct arm_input_event){EV_KEY, codes[k], 1};
        events[2 * count - 1 - k] = (struct arm_input_event){EV_KEY, codes[k], 0};
    }
    return send(m, events, 2 * count, error);
}

static uint16_t button_of(const char *data)
{
    g_autofree char *name = text_of(data, "button");

    for (size_t k = 0; name && k < G_N_ELEMENTS(buttons); k++)
        if (!strcmp(name, buttons[k].name))
            return buttons[k].code;
    return 0;
}

/* {"type": "key"|"btn"|"rel"|"abs", "data": {...}}. */
static bool parse_event(const char *text, struct arm_input_event *e)
{
    g_autofree char *type = text_of(text, "type"), *data = json_member(text, "data");
    g_autofree char *down = data ? json_member(data, "down") : NULL;
    g_autofree char *key = data ? json_member(data, "key") : NULL;
    g_autofree char *axis = data ? text_of(data, "axis") : NULL;
    g_autofree char *value = data ? json_member(data, "value") : NULL;

    if (!type || !data)
        return false;
    if (!strcmp(type, "key") || !strcmp(type, "btn")) {
        *e = (struct arm_input_event){
            EV_KEY, !strcmp(type, "key") ? (key ? key_of(key) : 0) : button_of(data),
            down && !strcmp(down, "true")};
        return down && e->code;
    }
    if ((strcmp(type, "rel") != 0 && strcmp(type, "abs") != 0) || !value || !axis ||
        (strcmp(axis, "x") != 0 && strcmp(axis, "y") != 0))
        return false;
    *e = (struct arm_input_event){!strcmp(type, "rel") ? EV_REL : EV_ABS, *axis == 'y',
                                  (int32_t)g_ascii_strtoll(value, NULL, 10)};
    return true;
}

bool qmp_input_events(struct arm_machine *m, const char *list, char **error)
{
    struct arm_input_event events[ARM_INPUT_EVENTS_MAX];
    unsigned count = 0;
    char *name, *value;

    for (const char *at = list + (*list == '['); json_next(&at, &name, &value);) {
        g_autofree char *event = value;
        g_free(name);
        if (count == G_N_ELEMENTS(events))
            return bad(error, "too many events", list);
        if (!parse_event(event, &events[count++]))
            return bad(error, "expected an event of a key, a button, rel or abs", event);
    }
    return send(m, events, count, error);
}
