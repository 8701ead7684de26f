/* -cpu of `armillary qemu`. */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "qemu.h"
#include "qemu_machine.h"

static bool set_model(struct qemu *q, const char *value)
{
    g_autofree char *what = g_strdup_printf("-cpu %s", value);
    GString *known = g_string_new(NULL);
    const char *ours, *theirs;
    bool good;

    q->machine.model = NULL;
    if (!strcmp(value, "host")) {
        qemu_note(q, "-cpu host: there is no KVM: taking max");
        value = "max";
    }
    for (unsigned k = 0; arm_cpu_model(k, &ours, &theirs); k++) {
        g_string_append_printf(known, "%s%s", known->len ? "|" : "", theirs);
        if (!strcmp(theirs, value))
            q->machine.model = theirs;
    }
    good = q->machine.model || qemu_refuse("cpu", value, what, known->str);
    if (good && arm_cpu_model_lacks(value))
        qemu_note(q, "-cpu %s: without %s", value, arm_cpu_model_lacks(value));
    if (!good)
        q->machine.model = "max"; /* so that nothing else is said about it */
    g_string_free(known, TRUE);
    return good;
}

static bool only_max(struct qemu *q, const char *key)
{
    if (!q->machine.max_only)
        q->machine.max_only = key;
    return true;
}

static bool set_pauth(struct qemu *q, const char *value)
{
    q->machine.pauth_off = !property_is_on(value);
    return only_max(q, "pauth");
}

#define ALGORITHM(name, feature)                                                                   \
    static bool set_pauth_##name(struct qemu *q, const char *value)                                \
    {                                                                                              \
        if (property_is_on(value))                                                                 \
            q->machine.pauth = feature;                                                            \
        return only_max(q, feature);                                                               \
    }
ALGORITHM(impdef, "pauth-impdef")
ALGORITHM(qarma3, "pauth-qarma3")
ALGORITHM(qarma5, "pauth-qarma5")
#undef ALGORITHM

static bool set_lpa2(struct qemu *q, const char *value)
{
    q->machine.lpa2 = property_is_on(value) ? ",+lpa2" : ",-lpa2";
    return only_max(q, "lpa2");
}

static bool set_pmu(struct qemu *q, const char *value)
{
    q->machine.pmu = property_is_on(value) ? ",+pmu" : ",-pmu";
    return true;
}

/* QEMU's max has both unless they are off; ours never. */
static bool set_absent(struct qemu *q, const char *value)
{
    if (strcmp(value, "off") != 0)
        qemu_note(q, "-cpu max: there is neither SVE nor SME: the ID registers do not announce "
                     "them");
    return only_max(q, "sve and sme");
}

#define VECTOR(bits)                                                                               \
    {                                                                                              \
        "sve" #bits, "on|off", set_absent, NULL                                                    \
    }
#define MATRIX(bits)                                                                               \
    {                                                                                              \
        "sme" #bits, "on|off", set_absent, NULL                                                    \
    }

static const struct property cpu_properties[] = {
    {"model", "NAME", set_model, NULL},
    {"pauth", "on|off", set_pauth, NULL},
    {"pauth-impdef", "on|off", set_pauth_impdef, NULL},
    {"pauth-qarma3", "on|off", set_pauth_qarma3, NULL},
    {"pauth-qarma5", "on|off", set_pauth_qarma5, NULL},
    {"lpa2", "on|off", set_lpa2, NULL},
    {"sme", "on|off", set_absent, NULL},
    {"sme_fa64", "on|off", set_absent, NULL},
    {"sme-default-vector-length", "N", set_absent, NULL},
    {"sve", "on|off", set_absent, NULL},
    {"sve-max-vq", "N", set_absent, NULL},
    {"sve-default-vector-length", "N", set_absent, NULL},
    MATRIX(128),
    MATRIX(256),
    MATRIX(512),
    MATRIX(1024),
    MATRIX(2048),
    VECTOR(128),
    VECTOR(256),
    VECTOR(384),
    VECTOR(512),
    VECTOR(640),
    VECTOR(768),
    VECTOR(896),
    VECTOR(1024),
    VECTOR(1152),
    VECTOR(1280),
    VECTOR(1408),
    VECTOR(1536),
    VECTOR(1664),
    VECTOR(1792),
    VECTOR(1920),
    VECTOR(2048),
    {"pmu", "on|off", set_pmu, NULL},
    {"aarch64", "on", NULL, NULL},
    {"kvm-no-adjvtime", "on|off", NULL, NULL}, /* of KVM */
    {"kvm-steal-time", "on|off", NULL, NULL},
    {"migratable", "on|off", NULL, NULL},
};

bool qemu_cpu(struct qemu *q, const char *option, const char *value)
{
    (void)option;
    const char *ours, *theirs;

    q->machine.max_only = NULL;
    if (is_help(value)) {
        printf("Available CPUs:\n");
        for (unsigned k = 0; arm_cpu_model(k, &ours, &theirs); k++)
            printf("  %s\n", theirs);
        q->answered = true;
        return true;
    }
    if (properties_want_help(value)) {
        properties_print("cpu", cpu_properties, G_N_ELEMENTS(cpu_properties));
        q->answered = true;
        return true;
    }
    bool good =
        properties_set(q, "cpu", value, "model", cpu_properties, G_N_ELEMENTS(cpu_properties));
    if (good && q->machine.max_only && q->machine.model && strcmp(q->machine.model, "max"))
        return qemu_bad("-cpu %s: %s is a property of max only", value, q->machine.max_only);
    return good;
}

void qemu_cpu_connect(struct qemu *q)
{
    const struct qemu_machine *m = &q->machine;
    bool max = !strcmp(m->model, "max");
    GString *cpu = g_string_new(m->model);

    if (max && m->pauth_off)
        g_string_append(cpu, ",-pauth");
    else if (max)
        g_string_append_printf(cpu, ",+%s", m->pauth);
    if (max && m->lpa2)
        g_string_append(cpu, m->lpa2);
    if (m->pmu)
        g_string_append(cpu, m->pmu);
    q->req.config.cpu = qemu_keep(q, g_string_free(cpu, FALSE));
}
