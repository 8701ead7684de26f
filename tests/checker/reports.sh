#!/bin/sh
# tests/checker/reports.sh ARMILLARY OUT_DIR: what `armillary check` prints and writes beside its rules' decisions: budgets,
# suppressions, report files. The programs are those of tests/checker/programs.
set -u
armillary=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
failed=0
cc="aarch64-linux-gnu-gcc -nostdlib -static -g -Wl,--build-id=none -Wl,-Ttext=0x40080000 -Wl,--no-warn-rwx-segments -Wl,-n"

# build NAME FLAGS: programs/NAME.S as $elf
build() {
    elf=$out/$1$(echo "$2" | tr -d ' -').elf
    # shellcheck disable=SC2086
    $cc $2 -o "$elf" "$here/programs/$1.S" || exit 1
}

# run WHAT CODE OPTIONS...: check $elf; the exit code is CODE
run() {
    what=$1 wanted=$2
    shift 2
    "$armillary" check --cpu max --memory 64 --max-insns 2M --serial none "$@" "$elf" >"$out/log" 2>&1 </dev/null
    code=$?
    if [ "$code" = "$wanted" ]; then
        echo "ok   $what"
    else
        echo "FAIL $what: exit code $code, expected $wanted"
        sed 's/^/     /' "$out/log" | grep -v insns | head -20
        failed=1
    fi
}

# says WHAT TEXT [FILE]: the last run's output, or FILE, has a line that matches
says() {
    if grep -qE -e "$2" "${3:-$out/log}"; then
        echo "ok   $1"
    else
        echo "FAIL $1: expected a line with \"$2\""
        sed 's/^/     /' "${3:-$out/log}" | head -40
        failed=1
    fi
}

# ---- budgets ----
build clobber ""
run "a run writes what it needs" 0 --write-budget "$out/budget"
says "with a line a world, reason, phase and metric" '^guest HVC64 total insns [1-9][0-9]*$' "$out/budget"
says "and the bytes of its phases" '^guest HVC64 trap bytes [1-9][0-9]*$' "$out/budget"
run "the same run keeps to it" 0 --budget "$out/budget"
says "and says so" 'budget: 0 of [1-9][0-9]* limit\(s\) exceeded'

# Of the vector, up to the first system register: STP of X0 and X1, B, and the MRS comes next.
says "bytes are exact: 16 of the trap phase, which stores X0 and X1" '^guest HVC64 trap bytes 16$' "$out/budget"

for limit in "total insns 20" "return insns 3" "trap bytes 8" "syndrome reads 0" "total writes 1"; do
    echo "guest HVC64 $limit" >"$out/tight"
    run "exceeded: $limit" 1 --budget "$out/tight" --report junit="$out/junit.xml"
    says "with reason, phase, value and limit" "budget: guest HVC64 ${limit% *}: [0-9]+, expected at most ${limit##* };"
    says "and the first passage" '  first    cpu0 EL1 pc 0x[0-9a-f]+ left, instruction [0-9]+, to pc 0x[0-9a-f]+, instruction [0-9]+'
    says "JUnit has it too" '<failure type="budget" message="1 limit\(s\) exceeded">guest HVC64' "$out/junit.xml"
done
pc=$(sed -n 's/.*  first    cpu0 EL1 pc 0x\([0-9a-f]*\) left.*/\1/p' "$out/log")
eval "\"$armillary\" $(sed -n 's/^armillary:   replay   armillary //p' "$out/log" | head -n 1)" >"$out/replay" 2>&1 </dev/null
says "the replay command stops where the passage begins" "^cpu0 .*, PC 0x0*$pc," "$out/replay"
run "a budget without limits for it" 0 --budget /dev/null

# refused WHAT LINE EXPECTED
refused() {
    printf '# limits\n\n%s\n' "$2" >"$out/bad"
    run "refused: $1" 2 --budget "$out/bad"
    says "with file, line, and what was expected" "bad:3: .*expected $3|bad:3: .*$3"
}
refused "four words" "guest HVC64 total insns" "five words"
refused "a sixth word" "guest HVC64 total insns 1 2" "five words"
refused "no world" "vm1 HVC64 total insns 1" "a world"
refused "no reason" "guest HVC65 total insns 1" "a reason"
refused "no phase" "guest HVC64 all insns 1" "a phase"
refused "no metric" "guest HVC64 total cycles 1" "insns, reads"
refused "no number" "guest HVC64 total insns -1" "a decimal number"
refused "a number and more" "guest HVC64 total insns 1k" "a decimal number"
refused "a number of 65 bits" "guest HVC64 total insns 36893488147419103232" "a decimal number"
printf 'guest HVC64 total insns 1\nguest IRQ total insns 1\nguest HVC64 total insns 2\n' >"$out/bad"
run "refused: a limit twice" 2 --budget "$out/bad"
says "with the second's line" 'bad:3: .*there is a limit for this already'
printf 'guest HVC64 total insns 1\0\n' >"$out/bad"
run "refused: no text" 2 --budget "$out/bad"
says "and it is said" 'bad: is no text'
run "refused: no such file" 2 --budget "$out/no such file"
says "with its name" 'no such file: cannot read the budget'
run "a budget that cannot be written" 2 --write-budget "$out/no such folder/budget"
says "is said" 'cannot write the budget'

# ---- names ----
build clobber -DX19
aarch64-linux-gnu-nm "$elf" >"$out/whole.map"
aarch64-linux-gnu-nm "$elf" | grep -v " bad$" >"$out/some.map"
printf '%016x T bad_too\n' 0x40080000 >"$out/low.map"
run "one map" 1 --symbols "$out/whole.map"
says "names the instruction" '  at       cpu0 EL2 pc 0x[0-9a-f]+ bad\+0, instruction'
run "two maps: the first that knows an address names it" 1 --symbols "$out/low.map" --symbols "$out/whole.map"
says "with its own symbol" '  at       cpu0 EL2 pc 0x[0-9a-f]+ bad_too\+0x[0-9a-f]+, instruction'
run "an offset" 1 --symbols "$out/low.map@0x1000"
says "moves a map" '  at       cpu0 EL2 pc 0x40080f[0-9a-f]+, instruction'
run "no symbols in the second file" 2 --symbols "$out/whole.map" --symbols /dev/null
says "is said" 'no symbols: expected'

# ---- one rule of several units ----
build gic -DLOST
run "a rule alone" 1 --rules LOST
says "is reported by whoever decides it" 'error: LOST ICH_LR0_EL2 of vm1/vcpu0'
run "and another one" 0 --rules WINDOW

# ---- suppressions ----
build clobber -DX19
run "without a suppression" 1
says "there is a finding" 'error: CLOBBER x19 of vm1/vcpu0'
says "with the function of its instruction" '  at .* bad\+0 \(programs/clobber.S:[0-9]+\), instruction'
# suppressed WHAT LINE CODE
suppressed() {
    echo "$2" >"$out/suppressions"
    run "$1" "$3" --suppress "$out/suppressions"
}
suppressed "suppressed by rule, register and symbol" "CLOBBER x19 bad known since 1.0" 0
says "with its reason" 'suppressed: CLOBBER x19 bad, [0-9]+ time\(s\): known since 1.0'
suppressed "suppressed by rule" "CLOBBER * * all of them" 0
suppressed "suppressed by register" "* x19 * this one" 0
suppressed "suppressed by symbol" "* * bad here" 0
for line in "LOST x19 bad another rule" "CLOBBER x20 bad another register" "CLOBBER x19 handle another symbol"; do
    suppressed "not suppressed: ${line#* * * }" "$line" 1
    says "and one that takes nothing is told" "suppression without a finding: $line|suppression without a finding: ${line% * *}"
done
suppressed "refused: no reason" "CLOBBER x19 bad" 2
says "with the line" 'suppressions:1: .*expected RULE REGISTER SYMBOL and a reason'
suppressed "refused: no such rule" "CLOBER x19 bad a reason" 2
exit $failed
