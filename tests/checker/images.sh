#!/bin/sh
# tests/checker/images.sh ARMILLARY IMAGES_DIR [all]: hypervisors in use, checked with all rules, have no error: KVM in Debian's
# kernel (guests with two virtual CPUs on two CPUs, and the measuring guest of tests/images/kvmtest), and Xen with dom0.
# With "all" nVHE and protected KVM too, and one CPU; their warnings are NODSB-WALK's, which its page explains.
. "$(dirname "$0")/../images/lib.sh"
how=${3:-}

# judge NAME WHAT WARNINGS TEXT: the last run; WARNINGS: the rule that may warn, or none
judge() {
  _others=$(grep -E "error: |warning: " "$out/$1.err" | grep -cv "warning: $3 " || true)
  says "$1" "$4" || fail "$2" "$1" "exit code: $code" "expected on the console, and not there: $4"
  if [ "$code" = 0 ] && [ "$_others" = 0 ] && grep -q "^armillary: findings: 0 error(s)" "$out/$1.err"; then
    ok "$2: $(sed -n 's/^armillary: findings: //p' "$out/$1.err")"
  else
    fail "$2" "$1" "exit code: $code" "$(grep -A3 -E "error: |warning: " "$out/$1.err" | cut -c 1-200)"
  fi
}

# kvm NAME MODEL CPUS VCPUS WARNINGS WORDS
kvm() {
  code=0
  "$armillary" check --cpu "$2" --smp "$3" --memory 1024 --timeout 900 --initrd "$out/initrd" \
    --append "console=ttyAMA0 quiet kvmtest.vcpus=$4 $6" "$images/Image" </dev/null >"$out/$1" 2>"$out/$1.err" || code=$?
  judge "$1" "KVM, $1, $3 CPU(s), $4 vCPU(s)" "$5" "kvmtest: the guest powered off, $4 vCPU(s)"
}

"$(dirname "$0")/../images/mk-kvm-initrd" "$images" "$out/initrd"
kvm vhe n1 2 2 none ""
if [ "$how" = all ]; then
  kvm vhe-1 n1 1 1 none ""
  kvm nvhe a57 2 2 NODSB-WALK ""
  grep -q "  at .* __kvm_nvhe___tlb_switch_to_guest+0x" "$out/nvhe.err" && grep -q "  from .* __kvm_nvhe_handle_trap+0x" "$out/nvhe.err" &&
    ok "the kernel's own kallsyms names the warnings and their callers" ||
    fail "the kernel's own kallsyms names the warnings" nvhe
  kvm protected a57 2 2 NODSB-WALK kvm-arm.mode=protected
fi
code=0
"$armillary" check --cpu n1 --smp 2 --memory 1024 --timeout 900 --append "console=dtuart dtuart=/pl011@9000000 dom0_mem=256M" \
  --module "$images/Image,console=hvc0" --module "$images/initrd.gz" "$images/xen" \
  </dev/null >"$out/xen" 2>"$out/xen.err" || code=$?
judge xen "Xen, dom0 on 2 CPUs" none "^armillary: init on aarch64"
exit $failed
