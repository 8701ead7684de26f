// options: --cpu n1 --smp 2
// case: clean
// case -DNO_DC: clean
// case -DNO_DC -DNO_DSB1 @patched: ICACHE
// case -DNO_DC -DNO_IC @patched: ICACHE
#include "icache.S" // CLIDR_EL1: nothing has to be cleaned to the Point of Unification
