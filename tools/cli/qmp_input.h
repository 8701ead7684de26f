/* Input as QMP's send-key and input-send-event have it. */
#pragma once

#include <stdbool.h>

struct arm_machine;

/* @list: the text of the array of KeyValue that is pressed and let go, or of InputEvent. False:
 * *@error is why not, freed by the caller; then nothing was sent. */
bool qmp_input_keys(struct arm_machine *m, const char *list, char **error);
bool qmp_input_events(struct arm_machine *m, const char *list, char **error);
