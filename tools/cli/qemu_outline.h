/* What the parts of `armillary qemu`'s machine are called, for its monitors (outline.h). */
#pragma once

struct qemu;

/* After all options. */
void qemu_outline_connect(struct qemu *q);
