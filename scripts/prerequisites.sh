#!/bin/sh
# Prints a Python that is new enough, or says in one line what is missing and how to get it.
set -u

fail() { echo "fedproof: $*" >&2; exit 1; }

command -v cargo >/dev/null && command -v rustc >/dev/null ||
    fail "stable Rust is missing: install it from https://rustup.rs, then open a new shell"
wanted=$(sed -n 's/^rust-version = "1\.\([0-9]*\)".*/\1/p' Cargo.toml)
found=$(rustc --version | sed -n 's/^rustc 1\.\([0-9]*\).*/\1/p')
[ "${found:-0}" -ge "$wanted" ] ||
    fail "Rust 1.$wanted or later is needed and $(rustc --version) was found: run 'rustup update stable'"
command -v cc >/dev/null ||
    fail "a C linker (cc) is missing: 'apt install gcc', 'dnf install gcc' or 'xcode-select --install'"

python=
for name in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        python=$name
        break
    fi
done
[ -n "$python" ] ||
    fail "Python 3.11 or later is missing: 'apt install python3 python3-venv', https://www.python.org/downloads, or set PYTHON"
"$python" -c 'import venv, ensurepip' >/dev/null 2>&1 ||
    fail "$python has no venv module: 'apt install python3-venv'"
echo "$python"
