/* Snapshots as files, by their names. */
#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/snapshot_format.h"

int arm_snapshot_save(struct arm_machine *m, const char *path, struct arm_error *err)
{
    g_autofree char *part = g_strdup_printf("%s.part", path);
    struct arm_snapshot *s = arm_snapshot_take(m, err);
    FILE *f = s ? fopen(part, "w+be") : NULL;
    int rc = 0;

    if (!s)
        return -(err ? err->code : ARM_EINVAL);
    if (!f)
        rc = error_set(err, ARM_EIO, "%s: %s", part, strerror(errno));
    if (rc == 0)
        rc = snapshot_write(s, f, path, err);
    if (f && fclose(f) != 0 && rc == 0)
        rc = error_set(err, ARM_EIO, "%s: %s", path, strerror(errno));
    if (rc == 0 && rename(part, path) != 0)
        rc = error_set(err, ARM_EIO, "%s: %s", path, strerror(errno));
    if (rc < 0 && f)
        (void)unlink(part);
    arm_snapshot_free(s);
    return rc;
}

/* What is refused leaves the machine as it was: a file may say anything. */
static int restore_or_stay(struct arm_machine *m, const struct arm_snapshot *s, const char *path,
                           struct arm_error *err)
{
    struct arm_snapshot *before = arm_snapshot_take(m, err);
    struct arm_error why;
    int rc;

    if (!before)
        return -(err ? err->code : ARM_EINVAL);
    rc = arm_snapshot_restore(m, s, &why);
    if (rc < 0) {
        error_set(err, why.code, "%s: %s", path, why.text);
        if (arm_snapshot_restore(m, before, &why) < 0)
            LOG(&m->log, MACHINE, ERROR, "%s: the machine is lost: %s", path, why.text);
    }
    arm_snapshot_free(before);
    return rc;
}

int arm_snapshot_load(struct arm_machine *m, const char *path, struct arm_error *err)
{
    FILE *f = fopen(path, "rbe");
    struct arm_snapshot *s;
    int rc;

    if (!f)
        return error_set(err, ARM_EIO, "%s: %s", path, strerror(errno));
    s = snapshot_read(m, f, path, err);
    fclose(f);
    if (!s)
        return -(err ? err->code : ARM_EINVAL);
    rc = restore_or_stay(m, s, path, err);
    arm_snapshot_free(s);
    return rc;
}

int arm_snapshot_info(const char *path, char *text, size_t size, struct arm_error *err)
{
    FILE *f = fopen(path, "rbe");
    struct arm_error own = {0};
    char *found;

    err = err ? err : &own;
    if (!f)
        return error_set(err, ARM_EIO, "%s: %s", path, strerror(errno));
    found = snapshot_read_text(f, path, err);
    fclose(f);
    if (!found)
        return -err->code;
    g_strlcpy(text, found, size);
    free(found);
    return 0;
}
