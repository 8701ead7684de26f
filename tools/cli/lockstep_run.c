/* `armillary run --engine=lockstep`. */
#include <glib.h>
#include <stdio.h>

#include "command.h"
#include "lockstep.h"
#include "report.h"
#include "runner.h"
#include "signals.h"

/* What one machine has printed; the JIT's is shown. */
struct printed {
    GChecksum *sum;
    bool shown;
};

static void print(void *ctx, const uint8_t *data, size_t size)
{
    const struct printed *p = ctx;

    g_checksum_update(p->sum, data, (gssize)size);
    if (p->shown)
        fwrite(data, 1, size, stdout);
}

static void log_line(void *ctx, enum arm_log_category category, enum arm_log_level level,
                     const char *line)
{
    (void)ctx, (void)category;
    if (level <= ARM_LOG_WARN)
        fprintf(stderr, "armillary: %s\n", line);
}

static struct arm_machine *make(const struct run_request *req, enum arm_engine engine,
                                struct printed *printed)
{
    struct arm_config config = req->config;
    struct arm_error err = {0};

    config.size = sizeof(config);
    config.engine = engine;
    config.console_write = print;
    config.console_ctx = printed;
    if (engine == ARM_ENGINE_JIT)
        config.log.sink = log_line;
    struct arm_machine *m = arm_machine_new(&config, &err);
    if (!m)
        fprintf(stderr, "armillary: %s\n", err.text);
    return m;
}

static int finish(const struct run_request *req, struct arm_machine *m, struct lockstep_end end,
                  const struct printed printed[2])
{
    fflush(stdout);
    if (end.failed)
        return EXIT_USAGE;
    if (!end.differ && g_strcmp0(g_checksum_get_string(printed[0].sum),
                                 g_checksum_get_string(printed[1].sum)) != 0) {
        fprintf(stderr, "armillary: --engine=lockstep: the consoles differ\n");
        end.differ = true;
    }
    if (end.differ)
        return EXIT_DIFFERS;
    report_end(stderr, m, end.why, req);
    return report_exit_code(m, end.why, req);
}

int lockstep_run(const struct run_request *req)
{
    struct printed printed[2] = {{g_checksum_new(G_CHECKSUM_SHA256), true},
                                 {g_checksum_new(G_CHECKSUM_SHA256), false}};
    struct arm_machine *a = make(req, ARM_ENGINE_JIT, &printed[0]);
    struct arm_machine *b = a ? make(req, ARM_ENGINE_INTERP, &printed[1]) : NULL;
    int code = EXIT_USAGE;

    if (b && signals_catch(req->timeout_s)) {
        code = finish(req, a, lockstep_pair(a, b, req->max_insns, stderr), printed);
        signals_release();
    }
    arm_machine_free(a);
    arm_machine_free(b);
    g_checksum_free(printed[0].sum);
    g_checksum_free(printed[1].sum);
    return code;
}
