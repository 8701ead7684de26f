/* What the parts of `armillary qemu` share: the command line as far as it has been read. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "outline.h"
#include "properties.h"
#include "qemu_debug.h"
#include "qemu_devices.h"
#include "qemu_fdset.h"
#include "qemu_folder.h"
#include "qemu_host.h"
#include "qemu_loaders.h"
#include "qemu_machine.h"
#include "qemu_memory.h"
#include "qemu_net.h"
#include "qemu_numa.h"
#include "qemu_process.h"
#include "qemu_smbios.h"
#include "qemu_tpm.h"
#include "run_options.h"
#include "runner.h"

struct qemu {
    struct run_request req;
    struct qemu_machine machine;
    struct qemu_devices devices;
    struct qemu_loaders loaders;
    struct qemu_host host;
    struct qemu_debug debug;
    struct qemu_net net;
    struct qemu_folders folders;
    struct qemu_memory memory;
    struct qemu_numa numa;
    struct qemu_smbios smbios;
    struct qemu_tpm tpm;
    struct qemu_process process;
    struct qemu_fdsets fdsets;
    struct outline outline;
    struct run_options *own; /* `armillary run`'s limits and debug options */
    GPtrArray *strings;      /* owns what req points at */
    GPtrArray *notes;        /* printed once the line is accepted */
    bool answered;           /* a question ("help") was; then nothing runs */
};

/* Text that lives as long as @q (@text is g_free()d). */
const char *qemu_keep(struct qemu *q, char *text);
