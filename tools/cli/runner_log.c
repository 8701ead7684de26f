/* Log lines of a run: which of them, and where they go. */
#include <stdio.h>
#include <string.h>

#include "runner_state.h"

static void log_line(void *ctx, enum arm_log_category cat, enum arm_log_level level,
                     const char *line)
{
    const struct run *r = ctx;

    fprintf(r->log, "armillary: %s: %s: %s\n", arm_log_category_name(cat),
            arm_log_level_name(level), line);
}

/* [CATEGORY=]LEVEL */
static bool parse_log(const char *spec, struct arm_log *log)
{
    const char *eq = strchr(spec, '=');
    const char *level_text = eq ? eq + 1 : spec;
    unsigned level = ARM_LOG_ERROR;
    bool known = !eq;

    while (level <= ARM_LOG_DEBUG &&
           strcmp(level_text, arm_log_level_name((enum arm_log_level)level)))
        level++;
    if (level > ARM_LOG_DEBUG)
        return false;
    for (unsigned c = 0; c < ARM_LOG_CATEGORY_COUNT; c++) {
        const char *name = arm_log_category_name((enum arm_log_category)c);
        if (eq && (strlen(name) != (size_t)(eq - spec) || strncmp(name, spec, strlen(name))))
            continue;
        log->level[c] = (enum arm_log_level)level;
        known = true;
    }
    return known;
}

/* A trace to the same file shares the stream. */
static bool open_log(struct run *r)
{
    const char *file = r->req->log_file;
    struct output *o = file ? output_file(&r->outputs, file, "-D") : NULL;

    r->log = o ? output_stream(o, true) : file ? NULL : r->outputs.say;
    return r->log != NULL;
}

static bool setup_log(const struct run_request *req, struct arm_log *log, struct run *r)
{
    log->sink = log_line;
    log->ctx = r;
    for (unsigned c = 0; c < ARM_LOG_CATEGORY_COUNT; c++)
        log->level[c] = ARM_LOG_WARN;
    for (const char *const *s = req->logs; s && *s; s++)
        if (!parse_log(*s, log)) {
            fprintf(stderr,
                    "armillary: --log=%s: expected [CATEGORY=]LEVEL; levels are error, "
                    "warning, guest, info, debug\n",
                    *s);
            return false;
        }
    return true;
}

bool runner_open_log(struct run *r)
{
    return open_log(r) && setup_log(r->req, &r->config.log, r);
}
