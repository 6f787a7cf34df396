# Makes and updates .venv as pyproject.toml and the pins beside this file say. ./dyno and ./check
# source it and call `ensure_venv ROOT [GROUP]`; once all is current that costs a few milliseconds.
#
# .venv/.dyno-state says what .venv holds, one a line: checkout, checksum of what decides, Python,
# extras, group. It is written last; `installing` in it means that an install was interrupted.

ensure_venv() {
    root=$1 asked_group=${2:-}
    venv=$root/.venv
    state=$venv/.dyno-state
    inputs=$(cat "$root/pyproject.toml" "$root"/constraints/*.txt "$root/constraints/venv.sh" | cksum)
    is_current && return
    exec 9<"$root/pyproject.toml"
    flock -n 9 || { say "another start is installing into .venv; waiting for it"; flock 9; }
    is_current || install_all
    exec 9<&-
}

is_current() {
    had_root='' had_inputs='' had_python='' had_extras='' had_group=''
    [ -f "$state" ] && {
        read -r had_root
        read -r had_inputs
        read -r had_python
        read -r had_extras
        read -r had_group
    } <"$state"
    [ "$had_root" = "$root" ] && [ -x "$venv/bin/python" ] || return 1
    [ "${DYNO_PYTHON:-$had_python}" = "$had_python" ] || return 1
    choose_extras "$venv/bin/python"
    [ "$had_inputs $had_extras" = "$inputs $extras" ] || return 1
    [ -z "$asked_group" ] || [ "$asked_group" = "$had_group" ]
}

# Sets `extras` and why. What is installed stays unless it lacks something: onnxruntime-gpu serves
# the CPU as well, and loading a real libcuda takes longer than the rest of this file.
choose_extras() {
    why="DYNO_EXTRAS says so" extras=${DYNO_EXTRAS:-}
    [ -z "$extras" ] || return 0
    [ "$(runtime_of "$had_extras")" = cpu ] ||
        { extras=$had_extras why="it was chosen before" && return 0; }
    why="no libcuda.so.1 here; DYNO_EXTRAS overrides" extras=cpu
    if "$1" -ISc 'import ctypes; ctypes.CDLL("libcuda.so.1")' 2>/dev/null; then
        why="libcuda.so.1 loads; DYNO_EXTRAS overrides" extras=gpu
    fi
    case ,$had_extras, in *,$extras,*) extras=$had_extras ;; esac
}

install_all() {
    [ "$had_root" = "$root" ] && [ -x "$venv/bin/python" ] || had_extras='' had_group=''
    find_python
    choose_extras "$python"
    check_extras
    group=${asked_group:-$had_group}
    say "installing extra '$extras' ($why) with $(version_of "$python") into .venv"
    must_rebuild && rm -rf "$venv"
    mkdir -p "$venv" && echo installing >"$state"
    [ -x "$venv/bin/pip" ] || "$python" -m venv "$venv" || fail "$python could not make .venv"
    pins=constraints/$("$venv/bin/python" -c 'import sys; print("py%d%d.txt" % sys.version_info[:2])')
    pip_install pip hatchling editables setuptools
    isolation=--no-build-isolation
    for built in cuda tensorrt tensorrt10 gpu-all; do # sources, with builders of their own
        has "$built" && isolation=''
    done
    pip_install $isolation ${group:+--group "$group"} --editable ".[$extras]"
    printf '%s\n' "$root" "$inputs" "$python" "$extras" "$group" >"$state"
}

# An interrupted or moved .venv, one of another Python, and one with the other ONNX Runtime (both
# distributions own the same files) start anew; a .venv made by hand is taken as it is.
must_rebuild() {
    [ -f "$state" ] || return 1
    [ "$had_root $had_python" = "$root $python" ] || return 0
    [ "$(runtime_of "$had_extras")" != "$(runtime_of "$extras")" ]
}

runtime_of() {
    case ,$1, in *,gpu,* | *,gpu-all,*) echo gpu ;; *) echo cpu ;; esac
}

# Refuses extras that there are not, and those that bring two distributions of the same files.
check_extras() {
    if has cpu && [ "$(runtime_of "$extras")" = gpu ]; then
        fail "DYNO_EXTRAS: expected one ONNX Runtime, got '$extras'." \
            "That of gpu runs on the CPU as well: leave out cpu."
    fi
    if has tensorrt10 && { has tensorrt || has gpu-all; }; then
        fail "DYNO_EXTRAS: expected one TensorRT, got '$extras'." \
            "Leave out tensorrt10, or ask for gpu,cuda,tensorrt10,rtx."
    fi
    "$python" -c '
import sys, tomllib
with open(sys.argv[1], "rb") as file:
    known = list(tomllib.load(file)["project"].get("optional-dependencies", ()))
unknown = [name for name in sys.argv[2].split(",") if name not in known]
told = "dyno: DYNO_EXTRAS: expected some of {}, got {!r}. Separate them by commas."
sys.exit(told.format(", ".join(known), unknown[0]) if unknown else 0)
' "$root/pyproject.toml" "$extras" || exit 1
}

has() {
    case ,$extras, in *,"$1",*) ;; *) return 1 ;; esac
}

find_python() {
    for python in "${DYNO_PYTHON:-$had_python}" python3 python3.13 python3.12 python3.11; do
        "$python" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
            2>/dev/null && return
        [ -z "${DYNO_PYTHON:-}" ] || break
    done
    python=${DYNO_PYTHON:-python3}
    fail "expected Python 3.11, 3.12 or 3.13 with venv, got $(version_of "$python")." \
        "Install one, or name one in DYNO_PYTHON."
}

version_of() {
    "$1" --version 2>/dev/null || echo "none called '$1'"
}

pip_install() {
    (cd "$root" && "$venv/bin/python" -m pip install --quiet --constraint "$pins" "$@") \
        >"$venv/install.log" 2>&1 || { cat "$venv/install.log" >&2 && fail "pip could not install $*"; }
}

say() { echo "dyno: $*" >&2; }

fail() {
    say "$*"
    exit 1
}
