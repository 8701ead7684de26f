#!/bin/sh
# tests/checker/programs.sh ARMILLARY OUT_DIR PROGRAM...: small hypervisors, in assembly or C, each in the variants that its first lines name:
#
#   // case FLAGS: clean
#   // case FLAGS: RULE REGISTER of WORLD          as the finding's first line has it
#   // case FLAGS @LABEL: RULE ...                  and the first bad instruction is the one at LABEL
#
# No other rule may have a finding, unless the line ends in " +". OPTIONS of the check stand in a line
# "// options: ...". Of a file's cases every third, from the one that ARMILLARY_SEED (1) says, runs twice and says the
# same, and its replay command stops where it says. With ARMILLARY_SHARE=N only every N-th case runs at all, likewise.
set -eu
armillary=$1 out=$2
shift 2
mkdir -p "$out"
failed=0 count=0 number=0 seed=${ARMILLARY_SEED:-1} share=${ARMILLARY_SHARE:-1}
cc="aarch64-linux-gnu-gcc -nostdlib -static -Wl,--build-id=none -Wl,-Ttext=0x40080000 -Wl,--no-warn-rwx-segments -Wl,-n \
    -O2 -g -Wall -Wextra -Werror -ffreestanding -fno-pic -fno-pie -fno-stack-protector -mgeneral-regs-only -mstrict-align"

# The first finding's replay command stops before its instruction.
stops_there() {
    eval "\"$armillary\" $(sed -n 's/^armillary:   replay   armillary //p' "$out/$name.txt" | head -n 1)" \
        >"$out/$name.replay" 2>&1 </dev/null || true
    pc=$(sed -n 's/^armillary:   at .* pc 0x\([0-9a-f]*\)[ ,].*/\1/p' "$out/$name.txt" | head -n 1)
    cpu=$(sed -n 's/^armillary:   at *\(cpu[0-9]*\) .*/\1/p' "$out/$name.txt" | head -n 1)
    grep -q "^$cpu .*, PC 0x0*$pc," "$out/$name.replay"
}

for source in "$@"; do
    name=$(basename "${source%.*}")
    options=$(sed -n 's,^// options: ,,p' "$source")
    sed -n 's,^// case *\([^:]*\): *\(.*\),\1|\2,p' "$source" >"$out/$name.cases"
    [ -s "$out/$name.cases" ] || { echo "FAIL $name: no case"; failed=1; }
    while IFS='|' read -r flags wanted; do
        number=$((number + 1))
        [ $(((number + seed) % share)) = 0 ] || continue
        [ $(((number + seed) / share % 3)) = 0 ] && once='' || once=1
        label=$(echo "$flags" | sed -n 's/.*@\([a-z0-9_]*\).*/\1/p')
        flags=$(echo "$flags" | sed 's/@[a-z0-9_]*//')
        more= # what follows from the fault may have other rules' findings
        case $wanted in *" +") more=1 wanted=${wanted% +} ;; esac
        elf=$out/$name.elf
        # shellcheck disable=SC2086
        $cc $flags -o "$elf" "$source"
        code=0
        # shellcheck disable=SC2086
        "$armillary" check --cpu max --memory 64 --max-insns 2M --serial none $options "$elf" \
            >"$out/$name.txt" 2>&1 </dev/null || code=$?
        # shellcheck disable=SC2086
        [ -n "$once" ] || "$armillary" check --cpu max --memory 64 --max-insns 2M --serial none $options "$elf" \
            >"$out/$name.again" 2>&1 </dev/null || true
        found=$(sed -n 's/^armillary: error: //p; s/^armillary: warning: //p' "$out/$name.txt")
        count=$((count + 1))
        bad=
        if [ "$wanted" = clean ]; then
            [ -z "$found" ] && [ "$code" = 0 ] || bad="not clean"
        else
            echo "$found" | grep -q "^$wanted" || bad="not found"
            [ -z "$more" ] && echo "$found" | grep -v "^${wanted%% *}" | grep -q . && bad="$bad other rules"
            grep -q "^armillary: error: " "$out/$name.txt" && expected=1 || expected=0
            [ "$code" = "$expected" ] || bad="$bad exit code $code"
            [ -n "$once" ] || stops_there || bad="$bad the replay command stops elsewhere"
        fi
        if [ -n "$label" ]; then
            pc=$(aarch64-linux-gnu-nm "$elf" | sed -n "s/^0*\([0-9a-f]*\) . $label\$/0x\1/p")
            grep -A1 -E "(error|warning): $wanted" "$out/$name.txt" | grep -qE "pc $pc[ ,]" || bad="$bad not at $label ($pc)"
        fi
        grep -q "instruction" "$out/$name.txt" || bad="$bad no report"
        [ -n "$once" ] || cmp -s "$out/$name.txt" "$out/$name.again" || bad="$bad not the same twice"
        if [ -n "$bad" ]; then
            echo "FAIL $name $flags: wanted \"$wanted\": $bad (exit code $code)"
            sed 's/^/     /' "$out/$name.txt" | grep -v "insns" | head -30
            failed=1
        else
            echo "ok   $name $flags: $wanted"
        fi
    done <"$out/$name.cases"
done
echo "$count cases"
exit $failed
