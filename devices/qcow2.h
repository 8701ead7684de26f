/*
 * A qcow2 image as the contents of a disk: versions 2 and 3, with a backing file, zero clusters and
 * compressed ones. Source: QEMU's docs/interop/qcow2.txt. New clusters are appended; what an
 * internal snapshot shares is copied before it is written. Nothing is cached: the file is always as
 * far as the last write, and a program that is killed leaves at most clusters that nobody uses.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"

struct qcow2;

/**
 * qcow2_open() - take the open file @fd, which stays the caller's, as an image.
 * @path: for messages, and where a backing file's relative name starts. @depth: of backing files
 * above this one.
 *
 * Return: 0 and *@out, freed by qcow2_close(); or -ARM_Exxx: it is none, is marked corrupt, or uses
 * what there is not.
 */
int qcow2_open(struct qcow2 **out, int fd, const char *path, bool writable, unsigned depth,
               const struct arm_log *log, struct arm_error *err)
    __attribute__((warn_unused_result));
void qcow2_close(struct qcow2 *q);

/* Bytes of the disk. */
uint64_t qcow2_size(const struct qcow2 *q);

/* Move @len bytes at @offset, all inside the disk. Return: NULL, or why not: a text that lives as
 * long as @q or for ever. */
const char *qcow2_read(struct qcow2 *q, uint64_t offset, void *buf, size_t len);
const char *qcow2_write(struct qcow2 *q, uint64_t offset, const void *buf, size_t len);
