#!/bin/sh
# tests/checker/hyp.sh ARMILLARY HYP_DIR [MODEL]: the hypervisor core (hyp/), in every variant that hyp/opts.def has (the table is
# tests/hyp/run's), is checked with all rules and has no finding.
set -eu
armillary=$1 build=$2 model=${3:-n1}
here=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failed=0

"$here/../hyp/run" --list >"$out/table"
while read -r variant; do
    [ "$variant" = default ] && options= || options=$variant
    code=0
    "$armillary" check --cpu "$model" --smp 2 --memory 512 --timeout 200 \
        --append "hyp.memory=16M hyp.vcpus=2 $options" \
        --module "kernel:$build/guests/sysregs.img,rounds=10 seed=1" --module "kernel:$build/guests/fp.img,rounds=10 seed=2" \
        --module "kernel:$build/guests/irqstorm.img,rounds=30 seed=3" --module "kernel:$build/guests/timer.img,rounds=10 seed=4" \
        "$build/hyp.img" </dev/null >"$out/log" 2>&1 || code=$?
    if [ "$code" = 0 ] && grep -q "no guest is left" "$out/log" &&
        grep -q "^armillary: findings: 0 error(s), 0 warning(s)" "$out/log"; then
        echo "ok   $model $variant: $(sed -n 's/^armillary: findings: //p' "$out/log")"
    else
        echo "FAIL $model $variant: exit code $code"
        grep -A4 "error:\|warning:" "$out/log" | head -n 20
        failed=1
    fi
done <"$out/table"
exit $failed
