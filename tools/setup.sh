#!/usr/bin/env bash
# Brings this machine to where patchbot runs: system packages, then .venv in the tree.
# Usage: tools/setup.sh demo|demo-kernel|test     (each needs more packages than the one before)
# Says nothing when there is nothing to do. Narration goes to stderr.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly purpose=${1:?usage: tools/setup.sh demo|demo-kernel|test}
readonly venv=.venv
readonly stamp=$venv/.setup-stamp
readonly log=$venv/setup.log

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# --- system packages ---------------------------------------------------------

# Prints the first Python that is new enough and can make virtual environments.
find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if "$candidate" -c 'import sys, ensurepip, sqlite3, ssl, venv
sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

has_libc_headers() { have gcc && printf '#include <stdio.h>\n' | gcc -E -x c - >/dev/null 2>&1; }

# Some of them stand in a folder named for the architecture.
has_openssl_headers() { printf '#include <openssl/opensslv.h>\n' | gcc -E -x c - >/dev/null 2>&1; }

# Prints the Debian packages that are missing, one a line.
missing_packages() {
    have git || echo git
    find_python >/dev/null || printf '%s\n' python3 python3-venv
    [ "$purpose" != demo ] || return 0
    have gcc || echo gcc
    has_libc_headers || echo libc6-dev
    # What the tools stage runs.
    have perl || echo perl
    have make || echo make
    have flex || echo flex
    have bison || echo bison
    have bc || echo bc
    have sparse || echo sparse
    have spatch || echo coccinelle
    # Semantic patches report by way of Python, which coccinelle loads and does not depend on.
    compgen -G '/usr/lib/*/libpython3.*.so' >/dev/null || echo libpython3-dev
    have bwrap || echo bubblewrap
    have ccache || echo ccache
    [ -e /usr/include/gelf.h ] || echo libelf-dev
    has_openssl_headers || echo libssl-dev
    # What the smoke stage runs.
    have busybox || echo busybox-static
    have qemu-system-x86_64 || echo qemu-system-x86
    [ -x /sbin/mke2fs ] || have mke2fs || echo e2fsprogs
    if [ "$purpose" = demo-kernel ]; then
        compgen -G '/usr/src/linux-source-*.tar.xz' >/dev/null || echo linux-source
        return 0
    fi
    have public-inbox-httpd || echo public-inbox
    have xz || echo xz-utils
    have tmux || echo tmux
    # The sources that the rules are tried on: with and without seeded faults.
    local version
    for version in 6.1 6.12; do
        [ -e "/usr/src/linux-source-$version.tar.xz" ] || echo "linux-source-$version"
    done
}

# Prints the prefix with which this user may run apt-get; fails where there is none.
apt_prefix() {
    have apt-get || return 1
    if [ "$(id -u)" = 0 ]; then
        echo env
    elif have sudo && sudo -n true 2>/dev/null; then
        echo 'sudo -n env'
    else
        return 1
    fi
}

install_packages() {
    local prefix apt_log
    if ! prefix=$(apt_prefix); then
        say "these packages are missing, and installing them needs root. Copy and run:"
        printf '\n    sudo apt-get update && sudo apt-get install -y %s\n\n' "$*" >&2
        die "stopped before changing anything; run make again afterwards"
    fi
    say "installing with apt-get: $*"
    apt_log=$(mktemp)
    # shellcheck disable=SC2086 # the prefix is words
    if ! { $prefix apt-get update -qq &&
        $prefix DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
    } >"$apt_log" 2>&1; then
        tail -n 20 "$apt_log" >&2
        rm -f "$apt_log"
        die "apt-get could not install: $*"
    fi
    rm -f "$apt_log"
}

ensure_packages() {
    local missing
    mapfile -t missing < <(missing_packages)
    [ "${#missing[@]}" = 0 ] && return
    install_packages "${missing[@]}"
    mapfile -t missing < <(missing_packages)
    [ "${#missing[@]}" = 0 ] || die "still missing after apt-get: ${missing[*]} (Python must be 3.11 or newer)"
}

# --- virtual environment -----------------------------------------------------

# What the environment was made from: it is stale when this line changes.
fingerprint() { printf '%s %s\n' "$(sha256sum pyproject.toml | cut -d ' ' -f 1)" "$PWD"; }

# Whether .venv was made from this pyproject.toml, here, and its Python still starts.
venv_is_fresh() {
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ] &&
        "$venv/bin/python" -c '' >/dev/null 2>&1
}

make_venv() {
    local python
    python=$(find_python)
    say "making $venv with $("$python" --version) and installing patchbot into it (about a minute)"
    rm -f "$stamp"
    "$python" -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --editable '.[dev]' \
        >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "pip could not install patchbot; all of it: $log"; }
    fingerprint >"$stamp"
}

case $purpose in
    demo | demo-kernel | test) ;;
    *) die "unknown purpose '$purpose': say demo, demo-kernel or test" ;;
esac
ensure_packages
# Two makes at once in one tree wait for each other.
exec 9>.venv.lock
flock 9
venv_is_fresh || make_venv
