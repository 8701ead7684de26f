#pragma once

#define ARMILLARY_VERSION "0.1.0"
