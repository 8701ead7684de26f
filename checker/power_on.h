/* A virtual CPU that PSCI switches on begins as its CPU_ON says. */
#pragma once

#include <stdbool.h>

#include "armillary.h"

struct arm_checker;
struct power_on;
struct world;

struct power_on *power_on_new(void);
void power_on_free(struct power_on *u);

/* @w has left: perhaps by a CPU_ON for another virtual CPU of its VM. */
void power_on_left(struct arm_checker *c, struct power_on *u, const struct world *w);

/* @w is entered, perhaps switched on: reports. Return: that it was on already, which is told. */
bool power_on_entered(struct arm_checker *c, struct power_on *u, const struct world *w,
                      const struct arm_event *p);
