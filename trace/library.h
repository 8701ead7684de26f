/* Also for clients, which know no folder below this one. */
#pragma once

#include "base/library.h" /* IWYU pragma: export */
