#!/bin/sh
# tests/checker/images.sh ARMILLARY IMAGES_DIR GUESTS_DIR [all [PATTERN]]: hypervisors in use, checked with all rules, have no error: KVM in
# Debian's kernel with guests that boot, measure, or verify themselves (GUESTS_DIR: hyp/guests as built), and Xen with dom0.
# With "all" every mode of KVM, in backports' kernel too where it is there (tools/fetch-images --backports), with GICv2, debug and PMU in
# guest and host, its memory taken away and logged, guests whose CPUs have tables of their own, and Linux with 1, 2 and 4 vCPUs on 1 and 2 CPUs; Xen with domains of its own, and 6 and 7 bits of
# preemption. PATTERN: only runs whose name it matches, as the shell has patterns; "list" prints the names. What may warn
# is said with each, and docs/rules/ says why.
. "$(dirname "$0")/../images/lib.sh"
guests=$3
how=${4:-} pattern=${5:-*}

# Is the run of this name wanted?
chosen() {
  [ "$pattern" != list ] || { echo "$1"; return 1; }
  # shellcheck disable=SC2254
  case $1 in $pattern) true ;; *) false ;; esac
}

# judge NAME WHAT WARNINGS TEXT...: the last run says each TEXT; WARNINGS: the rule that may warn, or none
judge() {
  _run=$1 _what=$2 _may=$3
  shift 3
  for _text in "$@"; do
    says "$_run" "$_text" || { fail "$_what" "$_run" "exit code: $code" "expected on the console, and not there: $_text"; return; }
  done
  _others=$(grep -E "error: |warning: " "$out/$_run.err" | grep -cv "warning: $_may" || true)
  if says "$_run" "FAILED\|kvmtest: .*: N[O]"; then
    fail "$_what" "$_run" "$(grep -E "FAILED|: NO" "$out/$_run")"
  elif [ "$code" = 0 ] && [ "$_others" = 0 ] && grep -q "^armillary: findings: 0 error(s)" "$out/$_run.err"; then
    ok "$_what: $(sed -n 's/^armillary: findings: //p' "$out/$_run.err")"
  else
    fail "$_what" "$_run" "exit code: $code" "$(grep -A3 -E "error: |warning: " "$out/$_run.err" | cut -c 1-200)"
  fi
}

# kvm NAME MODEL CPUS VCPUS WARNINGS WORDS TEXT [OPTION...]: Debian's kernel, or $kernel
kernel=Image initrd=$out/initrd
kvm() {
  name=$1 model=$2 cpus=$3 vcpus=$4 warn=$5 words=$6 text=$7
  shift 7
  chosen "$name" || return 0
  code=0
  "$armillary" check --cpu "$model" --smp "$cpus" --memory 1024 --timeout 1500 "$@" --initrd "$initrd" \
    --append "console=ttyAMA0 quiet kvmtest.vcpus=$vcpus $words" "$images/$kernel" </dev/null >"$out/$name" 2>"$out/$name.err" || code=$?
  judge "$name" "KVM, $name, $cpus CPU(s), $vcpus vCPU(s)" "$warn" "$text"
}

measure="kvmtest.skip=boot kvmtest.rounds=100 kvmtest.with"
measured="kvmtest: the measuring guest powered off"
boot="kvmtest.skip=measure kvmtest.words=quiet"
verify="kvmtest.skip=measure kvmtest.words=rounds=20"

# Protected KVM of kernels after 6.1 counts nothing for its guests: docs/found.md.
counts() { # MODE
  case $1 in *protected) grep -qa "Linux version 6\.1\." "$images/$kernel" ;; esac
}

# A host that counts, samples, watches and steps; guests that use debug and a PMU of their own; and all the others.
# mode NAME MODEL WARNINGS WORDS
mode() {
  if counts "$1"; then
    kvm "$1, perf and a debugger" "$2" 2 2 "$3" "$measure=pmu,perf,debugger $4" "$measured"
    kvm "$1, PMU" "$2" 2 2 "$3" "$verify kvmtest.with=pmu kvmtest.guests=pmu $4" "guest| pmu: ok"
  else
    kvm "$1, a debugger" "$2" 2 2 "$3" "$measure=debugger $4" "$measured"
  fi
  kvm "$1, debug" "$2" 2 2 "$3" "$verify kvmtest.guests=debug $4" "guest| debug: ok"
  kvm "$1, FP and timers" "$2" 2 2 "$3" "$verify kvmtest.guests=fp,timer $4" "guest| timer: ok"
  kvm "$1, own tables" "$2" 1 2 "$3" "$verify kvmtest.guests=private $4" "guest| private: ok"
  kvm "$1, memory" "$2" 2 2 "$3" "$verify kvmtest.with=memory kvmtest.guests=sysregs,fp $4" "memory was taken away and logged: yes"
}

# Linux as the guest, by how many CPUs of either kind. linux NAME MODEL WARNINGS WORDS
linux() {
  for pair in 1-1 1-2 1-4 2-1 2-2 2-4; do
    kvm "$1, Linux, ${pair%-*} CPU(s) for ${pair#*-}" "$2" "${pair%-*}" "${pair#*-}" "$3" "$boot $4" \
      "kvmtest: the guest powered off, ${pair#*-} vCPU(s)"
  done
}

# With a GICv2, which protected KVM does not have.
linux_gicv2() {
  for pair in 1-1 1-2 2-2; do
    kvm "$1, Linux, GICv2, ${pair%-*} CPU(s) for ${pair#*-}" "$2" "${pair%-*}" "${pair#*-}" "$3" "$boot kvmtest.gic=2" \
      "kvmtest: the guest powered off, ${pair#*-} vCPU(s), GICv2" --gic gicv=1
  done
}

"$(dirname "$0")/../images/mk-kvm-initrd" "$images" "$initrd" "$guests"
kvm vhe n1 2 2 none "" "kvmtest: the guest powered off, 2 vCPU(s)"
kvm "VHE, perf and a debugger" n1 2 2 none "$measure=pmu,perf,debugger" "$measured"
kvm "nVHE, GICv2" a57 1 2 NODSB-WALK "$boot kvmtest.gic=2" "kvmtest: the guest powered off, 2 vCPU(s), GICv2" --gic gicv=1
if [ ! -e "$out/nVHE, GICv2.err" ] || ! says "nVHE, GICv2" "Linux 6\.1\."; then
  : # later ones are not warned
elif grep -q "  at .* __kvm_nvhe___sysreg_restore_state_nvhe+0x" "$out/nVHE, GICv2.err" &&
  grep -q "  from .* __kvm_nvhe___kvm_vcpu_run+0x" "$out/nVHE, GICv2.err"; then
  ok "the kernel's own kallsyms names what it is warned of, and the callers"
else
  fail "the kernel's own kallsyms names what it is warned of" "nVHE, GICv2"
fi
if [ "$how" = all ]; then
  kvm vhe-1 n1 1 1 none "" "kvmtest: the guest powered off, 1 vCPU(s)"
  mode VHE n1 NOSYNC-DEBUG ""
  linux VHE n1 none ""
  linux_gicv2 VHE n1 none
  mode nVHE a57 NODSB-WALK ""
  linux nVHE a57 NODSB-WALK ""
  linux_gicv2 nVHE a57 NODSB-WALK
  mode protected a57 NODSB-WALK kvm-arm.mode=protected
  linux protected a57 NODSB-WALK kvm-arm.mode=protected
fi
if [ "$how" = all ] && [ -s "$images/Image-backports" ]; then
  kernel=Image-backports initrd=$out/initrd-backports
  mkdir "$out/backports"
  ln -s "$images/busybox" "$images/initrd.gz" "$out/backports/"
  ln -s "$images/Image-backports" "$out/backports/Image"
  "$(dirname "$0")/../images/mk-kvm-initrd" "$out/backports" "$initrd" "$guests"
  kvm "backports, VHE" n1 2 2 none "$boot" "kvmtest: the guest powered off, 2 vCPU(s)"
  # A GICv2 guest is lost there: docs/found.md.
  mode "backports, VHE" n1 NOSYNC-DEBUG ""
  mode "backports, nVHE" a57 none ""
  mode "backports, protected" a57 none kvm-arm.mode=protected
fi

# xen NAME WHAT WARNINGS DOM0_WORDS TEXTS OPTION...: TEXTS are parted by |
xen() {
  name=$1 what=$2 warn=$3 words=$4 texts=$5
  shift 5
  chosen "$name" || return 0
  code=0
  "$armillary" check "$@" --memory 1024 --timeout 1500 --append "console=dtuart dtuart=/pl011@9000000 dom0_mem=256M" \
    --module "$images/Image,console=hvc0 quiet $words" --module "$images/initrd.gz" "$images/xen" \
    </dev/null >"$out/$name" 2>"$out/$name.err" || code=$?
  judge "$name" "$what" "$warn" "${texts%|*}" "${texts#*|}"
}
xen xen "Xen, dom0 on 2 CPUs" none "" "^armillary: init on aarch64" --cpu n1 --smp 2
if [ "$how" = all ]; then
  xen xen-7 "Xen, 7 bits of preemption" GIC-APR-ORDER "" "^armillary: init on aarch64" --cpu n1 --gic preemption=7,priority=7
  xen xen-6 "Xen, 6 bits of preemption" GIC-APR-ORDER "" "^armillary: init on aarch64" --cpu a57 --gic preemption=6,priority=6
  domain="kernel=$images/Image,ramdisk=$images/initrd.gz,memory=192,console"
  xen domains "Xen, dom0 and two domains on 2 CPUs" none armillary.sleep=6 \
    "DOM1: armillary: init on aarch64, 1 CPU|DOM2: armillary: init on aarch64, 2 CPU" --cpu n1 --smp 2 \
    --domain "first,$domain,args=console=ttyAMA0 quiet" --domain "second,$domain,cpus=2,args=console=ttyAMA0 quiet"
fi
exit $failed
