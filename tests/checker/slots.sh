#!/bin/sh
# tests/checker/slots.sh ARMILLARY HYP_SOURCE HYP_DIR: mutants of the hypervisor core are told with the names of their slots, with
# lines and callers, from the DWARF of their ELF files.
set -u
armillary=$1 source=$2 build=$3
here=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failed=0

# mutant NAME TEXT...: its findings have lines that match
mutant() {
    name=$1
    shift
    "$here/../hyp/mutants" --image "$name" "$out/$name" "$source" "$build" || exit 1
    "$armillary" check --symbols "$out/$name.elf" --cpu n1 --smp 2 --memory 512 --timeout 100 \
        --append "hyp.memory=16M hyp.vcpus=2" --module "kernel:$build/guests/sysregs.img,rounds=10 seed=1" \
        --module "kernel:$build/guests/sysregs.img,rounds=10 seed=3" "$out/$name.img" </dev/null >"$out/log" 2>&1
    for text in "$@"; do
        if grep -qE -e "$text" "$out/log"; then
            echo "ok   $name: $text"
        else
            echo "FAIL $name: expected a line with \"$text\""
            grep -A12 "error: " "$out/log" | cut -c 1-200 | head -30
            failed=1
        fi
    done
}

mutant wrong_slot_far "error: WRONG-SLOT" "  slot     PA 0x[0-9a-f]+ .*->.*slot\[SLOT_ESR_EL1\]" \
    "  at .* context_save\+0x[0-9a-f]+ \([a-z]+/[a-z_]+\.[a-z]+:[0-9]+\), instruction" "  from pc 0x[0-9a-f]+ task_main\+0x[0-9a-f]+ \(hyp/sched.c:[0-9]+\)" \
    "  restored .* context_restore\+0x"
# Saved and restored by assembly, which has no variables: known by what C does with the same object.
mutant wrong_slot_gpr "error: WRONG-SLOT x20" "  slot     PA 0x[0-9a-f]+ v(cpu)?->regs.x\[21\]" "  saved .* guest_left\+0x[0-9a-f]+ \(hyp/entry.S:[0-9]+\)"
exit $failed
