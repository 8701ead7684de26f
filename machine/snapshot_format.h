/*
 * Snapshots as files: a header, text for people and for the question whether it fits, and one zstd
 * frame with the rest. Numbers are little-endian.
 *
 *   8   "ARMSNAP" and a zero
 *   4   version of the format
 *   4   bytes of text
 *   8   bytes of the frame
 *   32  SHA-256 of text and frame
 *   ..  text: lines of a '#', and the machine's facts (machine/snapshot_facts.c)
 *   ..  frame: 8 bytes of length and the state (base/state_io.h); for each bank of RAM, then for
 *       each disk with an overlay, runs of pages or clusters that are there, in order: 4 bytes the
 *       first one's number, 4 bytes how many, contents; a run of none ends them
 */
#pragma once

#include <stdio.h>

#include "base/error.h"
#include "base/libzstd.h"
#include "machine/machine.h"
#include "machine/snapshot.h"

#define SNAPSHOT_MAGIC        "ARMSNAP"
#define SNAPSHOT_VERSION      1
#define SNAPSHOT_HEADER_BYTES 56
#define SNAPSHOT_HASH_BYTES   32
#define SNAPSHOT_RUN_PAGES    256                 /* or clusters, at most */
#define SNAPSHOT_PIECE        (UINT32_C(1) << 17) /* bytes that are read or written at once */

/* The text, to be freed, of a file in which nothing is damaged; it stands at the frame then. NULL,
 * and *err: it is no such file. */
char *snapshot_read_text(FILE *f, const char *name, struct arm_error *err);

static inline int snapshot_no_memory(const char *name, struct arm_error *err)
{
    return error_set(err, ARM_ENOMEM, "%s: no memory", name);
}

static inline int snapshot_no_zstd(const char *name, struct arm_error *err)
{
    return error_set(err, ARM_ENOTSUP, "%s: a snapshot's file needs " LIBZSTD, name);
}
