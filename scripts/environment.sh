# Sourced by the scripts beside it: where the project is, which Python it uses, what is installed.
# shellcheck shell=bash

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
python="$root/.venv/bin/python"

say() { printf '%s\n' "$*" >&2; }
fail() { say "$(basename -- "$0"): $*"; exit 1; }

# The npm package of the agent program $1, with its version.
pinned_package() {
    local package
    case $1 in
        claude) package=@anthropic-ai/claude-code ;;
        codex) package=@openai/codex ;;
        gemini) package=@google/gemini-cli ;;
        *) fail "there is no agent program $1; there are claude, codex and gemini" ;;
    esac
    grep "^$package@" "$root/config/agents.versions" || fail "config/agents.versions has no version of $package"
}

is_usable_python() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
can_make_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# A Python that is new enough and can make virtual environments; a name on PATH alone proves neither.
find_python() {
    local candidate incomplete=
    for candidate in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3.14 python3 python; do
        is_usable_python "$candidate" || continue
        if can_make_venv "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
        incomplete=$candidate
    done
    [ -z "$incomplete" ] || fail "$incomplete cannot make virtual environments; install its venv module (Debian and Ubuntu: apt-get install ${incomplete##*/}-venv)"
    fail "no Python 3.11 or newer found; install one, or name it: PYTHON=/path/to/python $0"
}

# Install the project into .venv, with its tools when $1 is "dev", unless that was done for the same setup.cfg.
install_project() {
    local extra=${1:-} base wanted stamp="$root/.venv/installed"
    wanted="$root $(cksum <"$root/setup.cfg") $(cksum <"$root/pyproject.toml")"
    if is_usable_python "$python"; then
        ! grep -qsxF -- "$wanted dev" "$stamp" || return 0
        [ -n "$extra" ] || ! grep -qsxF -- "$wanted" "$stamp" || return 0
    fi
    if ! "$python" -m pip --version >/dev/null 2>&1 || ! is_usable_python "$python"; then
        base=$(find_python)
        say "Making .venv with $base …"
        "$base" -m venv --clear -- "$root/.venv"
    fi
    say "Installing into .venv …"
    (cd -- "$root" && "$python" -m pip install --quiet --disable-pip-version-check --editable ".${extra:+[$extra]}") >&2 ||
        fail "the installation did not work; the lines above say why"
    printf '%s\n' "$wanted${extra:+ $extra}" >"$stamp"
}
