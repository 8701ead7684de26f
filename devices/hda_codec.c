#include "devices/hda_codec.h"

#include "base/bits.h"
#include "base/state_io.h"

/* Parameters, 7.3.4 */
enum {
    PARAM_VENDOR = 0x00,
    PARAM_REVISION = 0x02,
    PARAM_NODES = 0x04,
    PARAM_FUNCTION = 0x05,
    PARAM_WIDGET = 0x09,
    PARAM_RATES = 0x0a,
    PARAM_FORMATS = 0x0b,
    PARAM_PIN = 0x0c,
    PARAM_AMP_IN = 0x0d,
    PARAM_CONNECTIONS = 0x0e,
    PARAM_POWER = 0x0f,
    PARAM_AMP_OUT = 0x12,
};

/* Verbs, 7.3.3: of 4 bits with 16 of payload, or of 12 with 8. */
enum {
    VERB_SET_FORMAT = 0x2,
    VERB_SET_GAIN = 0x3,
    VERB_GET_FORMAT = 0xa,
    VERB_GET_GAIN = 0xb,
    VERB_GET_PARAMETER = 0xf00,
    VERB_GET_CONNECTIONS = 0xf02,
    VERB_GET_CONFIG = 0xf1c,
    VERB_GET_SUBSYSTEM = 0xf20,
    VERB_RESET = 0x7ff,
};

/* Audio Widget Capabilities, 7.3.4.6 */
#define WIDGET_DAC  UINT32_C(0x00001d) /* stereo, with an amplifier and formats of its own */
#define WIDGET_ADC  UINT32_C(0x10011b) /* and with what it is connected to */
#define WIDGET_OUT  UINT32_C(0x400101)
#define WIDGET_IN   UINT32_C(0x400001)
#define PIN_OUT     UINT32_C(0x10)
#define PIN_IN      UINT32_C(0x20)
#define RATES       UINT32_C(0x000201fc) /* 16 to 96 kHz, 16 bits */
#define FORMAT_PCM  UINT32_C(1)
#define AMPLIFIER   UINT32_C(0x80034a4a) /* mute; 74 steps of 1 dB, the last of which is 0 dB */
#define POWER_D0_D3 UINT32_C(0x9)
#define AUDIO_GROUP UINT32_C(1)
#define REVISION    UINT32_C(0x00100101)
#define GAIN_START  0x4a

/* Configuration Default, 7.3.3.31: place, device, colour, and a group of its own. */
#define JACK_LINE_OUT   UINT32_C(0x00014010)
#define JACK_LINE_IN    UINT32_C(0x00815020)
#define JACK_SPEAKER    UINT32_C(0x90170010)
#define JACK_MICROPHONE UINT32_C(0x90a70020)

/* By kind: who the codec is, its nodes, and what its pins are wired to; 0: there is none. Node 2
 * is played through pin 3, pin 5 is recorded by node 4. */
static const struct {
    uint32_t vendor, nodes, out, in;
} kinds[] = {
    [HDA_OUTPUT] = {0x1af40012, 0x00020002, JACK_LINE_OUT, 0},
    [HDA_DUPLEX] = {0x1af40022, 0x00020004, JACK_LINE_OUT, JACK_LINE_IN},
    [HDA_MICRO] = {0x1af40032, 0x00020004, JACK_SPEAKER, JACK_MICROPHONE},
};

enum { ROOT, GROUP, DAC, OUT, ADC, IN };

/* What a node has that its codec's kind makes no difference to. */
static const struct {
    uint8_t node, param;
    uint32_t value;
} params[] = {
    {ROOT, PARAM_REVISION, REVISION},
    {ROOT, PARAM_NODES, 0x00010001},
    {GROUP, PARAM_FUNCTION, AUDIO_GROUP},
    {GROUP, PARAM_RATES, RATES},
    {GROUP, PARAM_FORMATS, FORMAT_PCM},
    {GROUP, PARAM_POWER, POWER_D0_D3},
    {DAC, PARAM_WIDGET, WIDGET_DAC},
    {DAC, PARAM_RATES, RATES},
    {DAC, PARAM_FORMATS, FORMAT_PCM},
    {DAC, PARAM_AMP_OUT, AMPLIFIER},
    {OUT, PARAM_WIDGET, WIDGET_OUT},
    {OUT, PARAM_PIN, PIN_OUT},
    {OUT, PARAM_CONNECTIONS, 1},
    {ADC, PARAM_WIDGET, WIDGET_ADC},
    {ADC, PARAM_RATES, RATES},
    {ADC, PARAM_FORMATS, FORMAT_PCM},
    {ADC, PARAM_AMP_IN, AMPLIFIER},
    {ADC, PARAM_CONNECTIONS, 1},
    {IN, PARAM_WIDGET, WIDGET_IN},
    {IN, PARAM_PIN, PIN_IN},
};

static uint32_t parameter(const struct hda_codec *c, unsigned node, unsigned param)
{
    if (node == ROOT && param == PARAM_VENDOR)
        return kinds[c->kind].vendor;
    if (node == GROUP && param == PARAM_NODES)
        return kinds[c->kind].nodes;
    for (unsigned k = 0; k < ARRAY_SIZE(params); k++)
        if (params[k].node == node && params[k].param == param)
            return params[k].value;
    return 0;
}

/* Whose signal a node takes, 7.3.3.3. */
static uint32_t connection(unsigned node)
{
    return node == OUT ? DAC : node == ADC ? IN : 0;
}

static uint32_t config_default(const struct hda_codec *c, unsigned node)
{
    return node == OUT ? kinds[c->kind].out : node == IN ? kinds[c->kind].in : 0;
}

/* 7.3.3.7: the amplifier is an output's or an input's, and each node here has one at most. */
static bool has_amplifier(const struct hda_codec *c, unsigned node, bool output)
{
    return parameter(c, node, output ? PARAM_AMP_OUT : PARAM_AMP_IN) != 0;
}

static void set_gain(struct hda_codec *c, unsigned node, uint32_t payload)
{
    for (unsigned right = 0; right < 2; right++)
        if ((payload & (right ? BIT(12) : BIT(13))) &&
            ((payload & BIT(15) && has_amplifier(c, node, true)) ||
             (payload & BIT(14) && has_amplifier(c, node, false))))
            c->nodes[node].gain[right] = (uint8_t)payload;
}

static uint32_t get_gain(const struct hda_codec *c, unsigned node, uint32_t payload)
{
    return has_amplifier(c, node, payload & BIT(15)) ? c->nodes[node].gain[!(payload & BIT(13))]
                                                     : 0;
}

/* Numbers of 8 bits that are kept as they are set: verb 7xx sets, Fxx gets. */
static uint8_t *setting(struct hda_node_state *n, unsigned verb)
{
    switch (verb & 0xff) {
    case 0x05:
        return &n->power;
    case 0x06:
        return &n->stream;
    case 0x07:
        return &n->pin;
    case 0x08:
        return &n->unsolicited;
    case 0x0c:
        return &n->eapd;
    default:
        return NULL;
    }
}

/* The actual power state is the one that is set, 7.3.3.10. */
static uint32_t short_verb(struct hda_codec *c, unsigned node, unsigned verb, uint32_t payload)
{
    const uint8_t *kept = setting(&c->nodes[node], verb);

    if (verb == VERB_GET_PARAMETER)
        return parameter(c, node, payload);
    if (verb == VERB_GET_CONNECTIONS)
        return payload ? 0 : connection(node);
    if (verb == VERB_GET_CONFIG)
        return config_default(c, node);
    if (verb == VERB_GET_SUBSYSTEM)
        return kinds[c->kind].vendor;
    if (verb == VERB_RESET && node == GROUP)
        hda_codec_reset(c);
    if (verb >> 8 == 0x7 && kept)
        *setting(&c->nodes[node], verb) = (uint8_t)payload;
    if (verb >> 8 != 0xf || !kept)
        return 0;
    return *kept | ((verb & 0xff) == 0x05 ? (unsigned)*kept << 4 : 0u);
}

uint32_t hda_codec_command(struct hda_codec *c, uint32_t command)
{
    unsigned node = (unsigned)bits(command, 27, 20), verb = (unsigned)bits(command, 19, 16);
    uint32_t payload = (uint32_t)bits(command, 15, 0);

    if (node >= HDA_NODES || (node > OUT && !kinds[c->kind].in))
        return 0;
    switch (verb) {
    case VERB_SET_FORMAT:
        c->nodes[node].format = (uint16_t)payload;
        return 0;
    case VERB_GET_FORMAT:
        return c->nodes[node].format;
    case VERB_SET_GAIN:
        set_gain(c, node, payload);
        return 0;
    case VERB_GET_GAIN:
        return get_gain(c, node, payload);
    default:
        return short_verb(c, node, (unsigned)bits(command, 19, 8), payload & 0xff);
    }
}

void hda_codec_reset(struct hda_codec *c)
{
    for (unsigned node = 0; node < HDA_NODES; node++)
        c->nodes[node] = (struct hda_node_state){
            .gain = {GAIN_START, GAIN_START},
            .pin = node == OUT  ? 0x40
                   : node == IN ? 0x20
                                : 0,
        };
}

void hda_codec_init(struct hda_codec *c, enum hda_codec_kind kind)
{
    *c = (struct hda_codec){.kind = kind};
    hda_codec_reset(c);
}

void hda_codec_state(struct state_io *io, struct hda_codec *c)
{
    for (unsigned node = 0; node < HDA_NODES; node++) {
        struct hda_node_state *n = &c->nodes[node];
        STATE(io, n->format);
        STATE_ARRAY(io, n->gain);
        STATE(io, n->stream);
        STATE(io, n->pin);
        STATE(io, n->power);
        STATE(io, n->unsolicited);
        STATE(io, n->eapd);
    }
}
