# Helpers of the set-up scripts; sourced, never run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=$root/.cache
mkdir -p "$cache/stamps"

say() { printf '    %s\n' "$*"; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# One hash over the content of the source files under the given paths. What the
# builds write (node_modules, dist, native modules) is not a source.
fingerprint() {
  (cd "$root" && find "$@" \( -name node_modules -o -name dist -o -name target -o -name __pycache__ \) -prune -o \
    -type f ! -name '*.so' ! -name '*.node' ! -name '*.pyc' -print0 \
    | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
}

# A stamp remembers the key that a finished step had; the same key again means
# that there is nothing to do.
stamped() { [ "$(cat "$cache/stamps/$1" 2>/dev/null)" = "$2" ]; }
stamp() { printf '%s\n' "$2" >"$cache/stamps/$1"; }

# apt-get, where it may be used: as root, on a system that has it.
can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }
apt_install() {
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

# The Rust sources that a native module is built from.
rust_sources() {
  (cd "$root" && ls -d Cargo.toml Cargo.lock core macros bursar store-* 2>/dev/null || true)
}
