# What the tests of the real images have in common; they begin with
#   . "$(dirname "$0")/lib.sh"
# and are called with ARMILLARY IMAGES_DIR. A run has a NAME; it leaves its console in $out/NAME, what
# armillary says in $out/NAME.err, and its exit code in $code. With $stats set, runs have --stats. A test
# ends with `exit $failed`. Functions here use variables that begin with an underscore.
set -eu
PATH=$PATH:/usr/sbin:/sbin # where e2fsck is, for a user too
armillary=$1
images=$2
here=$(dirname "$0")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failed=0
code=0

ok() { # WHAT
  echo "ok   $1"
}

fail() { # WHAT NAME DETAIL...: what was expected and what there is instead
  echo "FAIL $1"
  _name=$2
  shift 2
  printf '     %s\n' "$@"
  failed=1
  for _file in "$out/$_name" "$out/$_name".*; do
    [ -s "$_file" ] || continue
    echo "     the end of ${_file#"$out"/}:"
    tail -n 15 "$_file" | cut -c 1-200
  done
}

pack() { # DIR: an initramfs of it, on standard output
  "$here/../../tools/pack-initrd" "$1"
}

# Instructions and virtual time: everything --stats prints but the host's time.
retired() { # NAME
  sed -n 's/.*: \([0-9]* instructions retired.*virtual time\).*/\1/p' "$out/$1.err"
}

# The console without carriage returns has a line that matches a basic regular expression.
says() { # NAME TEXT
  [ -f "$out/$1" ] && tr -d '\r' <"$out/$1" | grep -q -e "$2"
}

# The run ended with exit code 0 (or $expected_code) and says each TEXT.
check() { # NAME WHAT TEXT...
  _name=$1 _what=$2 _missing=
  shift 2
  for _text in "$@"; do
    says "$_name" "$_text" || _missing="$_missing \"$_text\""
  done
  if [ "$code" = "${expected_code:-0}" ] && [ -z "$_missing" ]; then
    ok "$_what${stats:+; $(retired "$_name")}"
  else
    fail "$_what" "$_name" "exit code: $code, expected ${expected_code:-0}" \
      "expected on the console, and not there:${_missing:- nothing}"
  fi
}

# The same exit code, instructions and bytes.
same() { # NAME AGAIN: the last run
  if [ "$code" = 0 ] && cmp -s "$out/$1" "$out/$2" && [ "$(retired "$1")" = "$(retired "$2")" ]; then
    ok "$1: a second run is the same, byte for byte${stats:+: $(retired "$2")}"
  else
    echo "FAIL $1: a second run differs: exit code $code, expected 0; $(retired "$1") / $(retired "$2")"
    diff "$out/$1" "$out/$2" | head
    failed=1
  fi
}
