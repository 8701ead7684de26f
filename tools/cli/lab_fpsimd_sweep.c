#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab_fpsimd.h"

#define PASSAGE_MAX 3000
#define CHILD_INSNS 300000
#define EXITS_FIRST 9 /* after the mark: the guest has used its registers */

/* The first finding of a checker: "RULE register", of "error: RULE register of world: ...". */
static void keep_first(void *ctx, const char *line)
{
    char *text = ctx;
    const char *at = strstr(line, "error: "), *of = at ? strstr(at, " of ") : NULL;

    if (of && !*text)
        g_strlcpy(text, at + 7,
                  MIN((size_t)(of - at - 7) + 1, sizeof(((struct fpsimd_sweep *)0)->finding)));
}

/* In a child: the interrupt, two entries of the guest, and the checker's verdict to @fd. */
static void judge(struct arm_machine *m, struct arm_checker *checker, int fd)
{
    const struct arm_until entry = {
        .size = sizeof(entry), .max_insns = CHILD_INSNS, .world = ARM_WORLD_GUEST};
    char finding[sizeof(((struct fpsimd_sweep *)0)->finding)] = "";
    struct arm_error err;

    arm_send_sgi(m, 0);
    for (unsigned k = 0; k < 2; k++)
        if (arm_run_until(m, &entry, &err) != ARM_STOP_UNTIL)
            g_strlcpy(finding, "does not come back", sizeof(finding));
    arm_checker_end(checker, keep_first, finding, &err);
    _exit(write(fd, finding, sizeof(finding)) == sizeof(finding) ? 0 : 1);
}

/* Return: was something lost? @finding then says what. */
static bool ask_child(struct arm_machine *m, struct arm_checker *checker, char *finding,
                      size_t size)
{
    int ends[2];
    pid_t pid;

    *finding = '\0';
    if (pipe(ends) != 0)
        return false;
    pid = fork();
    if (pid == 0)
        judge(m, checker, ends[1]);
    close(ends[1]);
    if (pid < 0 || read(ends[0], finding, size) != (ssize_t)size)
        g_strlcpy(finding, "the run died", size);
    close(ends[0]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return *finding;
}

static void note(const struct lab *lab, const char *image, uint64_t pc, const char *finding,
                 struct fpsimd_sweep *out)
{
    g_autofree char *elf = g_strconcat(image, ".elf", NULL);
    g_autofree char *place = lab_symbol_at(lab, elf, pc);

    if (out->bad++ == 0) {
        g_strlcpy(out->first, place, sizeof(out->first));
        g_strlcpy(out->finding, finding, sizeof(out->finding));
    }
    g_strlcpy(out->last, place, sizeof(out->last));
}

static void on_world(void *ctx, const struct arm_event *e)
{
    bool *entered = ctx;

    *entered |= e->world.enter;
}

/* From the exit that the machine has just made to the next entry. */
static void passage(const struct lab *lab, const char *image, struct arm_machine *m,
                    struct arm_checker *checker, struct fpsimd_sweep *out)
{
    const struct arm_filter worlds = {.size = sizeof(worlds), .events = ARM_BIT(ARM_EVENT_WORLD)};
    const struct arm_until step = {.size = sizeof(step), .cpu_insns = 1};
    char finding[sizeof(out->finding)];
    bool entered = false;
    struct arm_error err;
    int handle = arm_subscribe(m, &worlds, on_world, &entered);

    for (unsigned k = 0; k < PASSAGE_MAX && !entered; k++) {
        uint64_t pc[2] = {0};
        arm_reg_get(m, 0, ARM_PC, pc);
        if (!lab->quick || k % 8 == 0) {
            out->points++;
            if (ask_child(m, checker, finding, sizeof(finding)))
                note(lab, image, pc[0], finding, out);
        }
        arm_run_until(m, &step, &err);
    }
    arm_unsubscribe(m, handle);
}

/* To an exit in the middle of what the guest does. */
static bool approach(struct arm_machine *m)
{
    const struct arm_until leave = {
        .size = sizeof(leave), .max_insns = CHILD_INSNS, .world = ARM_WORLD_HOST};
    struct arm_error err;
    bool ok = lab_run_to_mark(m, 1);

    for (unsigned k = 0; k < EXITS_FIRST && ok; k++)
        ok = arm_run_until(m, &leave, &err) == ARM_STOP_UNTIL;
    return ok;
}

bool fpsimd_sweep(const struct lab *lab, const char *image, const char *policy,
                  struct fpsimd_sweep *out, struct lab_report *r)
{
    g_autofree char *file = g_strconcat(image, ".img", NULL);
    g_autofree char *append = g_strdup_printf("hyp.fp=%s hyp.neon=1 hyp.memory=16M", policy);
    const struct lab_spec spec = {
        .image = file, .guest = "guests/exits.img,rounds=30 fp=100 irq=0", .append = append};
    const struct arm_check_config config = {.size = sizeof(config)};
    struct arm_error err = {0};
    GString *text = g_string_new("");
    struct arm_machine *m = lab_machine(lab, &spec, text, r);
    struct arm_checker *checker = m ? arm_checker_new(m, &config, &err) : NULL;
    bool ok = checker && approach(m);

    if (ok)
        passage(lab, image, m, checker, out);
    else if (m)
        lab_fail(r, "%s: %s", file, checker ? "no exits to sweep" : err.text);
    arm_checker_free(checker);
    arm_machine_free(m);
    g_string_free(text, TRUE);
    return ok;
}
