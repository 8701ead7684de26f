/* What accounting has counted; for account*.c and budget.c alone. */
#pragma once

#include <glib.h>

#include "checker/finding.h"
#include "checker/worlds.h"

enum phase {
#define PHASE(name, word, text) PHASE_##name,
#include "checker/phases.def"
#undef PHASE
    PHASE_TOTAL,
    PHASE_COUNT
};

/* What is counted: X(member, word). */
#define METRICS(X)                                                                                 \
    X(insns, "insns")                                                                              \
    X(reads, "reads")                                                                              \
    X(writes, "writes")                                                                            \
    X(barriers, "barriers")                                                                        \
    X(tlbis, "tlbis")                                                                              \
    X(traps, "traps")                                                                              \
    X(bytes, "bytes")

struct tally {
#define X(member, word) uint64_t member;
    METRICS(X)
#undef X
};

#define METRIC_COUNT (sizeof(struct tally) / sizeof(uint64_t))
#define METRIC_BYTES (offsetof(struct tally, bytes) / sizeof(uint64_t))

extern const char *const phase_words[PHASE_COUNT];
extern const char *const metric_words[METRIC_COUNT];
extern const char *const kind_words[2];

/* Why a world was left: an exception class, or one of these. */
enum { REASON_IRQ = 64, REASON_FIQ, REASON_SERROR, REASON_COUNT };

struct reason {
    uint64_t passages;
    uint64_t measured; /* those whose accesses to memory were counted: bytes are of them alone */
    struct tally sum[PHASE_COUNT], max[PHASE_COUNT];
    uint64_t min_insns;
};

struct limit {
    enum world_kind kind;
    unsigned reason, phase;
    size_t metric;
    uint64_t most;
    uint64_t passages;      /* that exceeded it */
    uint64_t first, worst;  /* by how much: the value */
    struct site left, back; /* of the first: what left the world, and what enters the next */
};

/* What is open on a CPU. */
struct passage {
    bool open, begun; /* begun: a phase other than trap has come */
    bool measured;    /* its accesses to memory are counted */
    enum world_kind kind;
    unsigned reason;
    struct site left;
    uint64_t upto;  /* instructions of the CPU that are counted */
    uint64_t bytes; /* accessed since */
    struct tally tally[PHASE_COUNT];
};

struct account {
    struct arm_machine *m;
    unsigned cpu_count;
    struct passage *open;
    struct reason reasons[2][REASON_COUNT];
    GArray *limits;        /* struct limit */
    bool exact;            /* every passage is measured */
    uint64_t measuring[2]; /* CPUs */
    int handle;            /* of the subscription for them */
};

/* The value of @t's metric number @k. */
uint64_t account_metric(const struct tally *t, size_t k);

/* Why the WORLD event @p leaves a world. */
unsigned account_reason_of(const struct arm_event *p);

/* "HVC64", "IRQ"; @buf for a class without a name. */
const char *account_reason_word(unsigned reason, char buf[16]);

typedef void account_reason_fn(void *ctx, enum world_kind kind, unsigned reason,
                               const struct reason *r);

/* Each that there were passages of. */
void account_each_reason(const struct account *a, account_reason_fn *fn, void *ctx);

/* The passage @o ends at @p: is a limit exceeded? */
void budget_check(struct account *a, const struct arm_checker *c, const struct passage *o,
                  const struct arm_event *p);
