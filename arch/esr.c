#include "arch/esr.h"

const char *esr_ec_text(unsigned ec)
{
    switch (ec) {
#define ESR_EC(name, value, text)                                                                  \
    case value:                                                                                    \
        return text;
#include "arch/esr.def"
#undef ESR_EC
    default:
        return "reserved";
    }
}
