/*
 * Memory of the host's by pages. Large ones are for what is much and used all over: a fault for
 * each 4 KiB and a miss in the host's TLB for each that is used again cost more than what is done
 * there. Small ones are for what is hardly touched, which calloc() would clear all over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define HOST_LARGE_PAGE ((size_t)2 << 20)

/* @bytes of zeros, not there before they are touched, in the host's large pages if it grants them.
 * At a multiple of HOST_LARGE_PAGE. NULL: no memory. */
void *host_memory(size_t bytes);

/* The same, but in small pages until host_memory_enlarge(): of what is hardly touched by who is
 * soon done, and all over by others. */
void *host_memory_for_later(size_t bytes);

/* @p: of host_memory_for_later(@bytes). From now on it is in large pages if the host grants them,
 * what is there already (Linux 6.1) and what comes. */
void host_memory_enlarge(void *p, size_t bytes);

/* Let @bytes at @p, whole large pages in each of which something has been touched, be in large
 * pages at once: also memory that is mapped twice, once for each place. False: the host does not
 * grant it (Linux 6.1 does), and nothing has changed. */
bool host_memory_collapse(void *p, size_t bytes);

/* @p: of one of them, with the same @bytes, or NULL. */
void host_memory_free(void *p, size_t bytes);

/* @bytes of zeros, not there before they are touched. NULL: no memory. */
void *host_pages(size_t bytes);

/* @p: of host_pages(@bytes), which is about to be touched all over: let the host find all of it by
 * one request (Linux 5.14). It is advice only. */
void host_pages_find(void *p, size_t bytes);

/* @p: of host_pages(@bytes), or NULL. */
void host_pages_free(void *p, size_t bytes);

/* Let @bytes at @p be in large pages as far as they fit, before they are touched. It is advice
 * only: refusal costs speed, nothing else. */
void host_memory_advise(void *p, size_t bytes);
