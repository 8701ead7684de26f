/* Arguments of `armillary qemu` that are written in JSON, as management tools write them. */
#pragma once

/* @text, an object, as "key=value,key=value": members of members have dots in their keys, each
 * element of an array has the array's. g_free() it; NULL: it is no object, which was printed. */
char *qemu_json_flat(const char *option, const char *text);
