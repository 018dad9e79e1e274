# Shared by quickstart and run-tests; sourced, never run. Everything it says goes to stderr.

# What a build needs. A row of alternatives is satisfied by any of them; the first gets installed.
BUILD_PACKAGES=(
    build-essential cmake ninja-build pkg-config python3 python3-dev
    "libclang-dev|libclang-14-dev|libclang-19-dev"
    libjansson-dev libxxhash-dev libelf-dev
)

# What tools/pythons needs: to unpack newer interpreters, and to build 3.13 with its usual modules.
PYTHON_PACKAGES=(
    patchelf dpkg-dev debian-archive-keyring
    zlib1g-dev libffi-dev libssl-dev libbz2-dev liblzma-dev libsqlite3-dev libreadline-dev
    uuid-dev libexpat1-dev
)

say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
    say "$1"
    exit "${2:-2}"
}

package_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Prints the first alternative of every row of which none is installed.
missing_packages() {
    local row name found
    local names=()
    for row in "$@"; do
        found=no
        IFS='|' read -ra names <<<"$row"
        for name in "${names[@]}"; do
            if package_installed "$name"; then
                found=yes
                break
            fi
        done
        [ "$found" = yes ] || printf '%s\n' "${names[0]}"
    done
}

# The machine's own apt, whatever configuration the caller's environment names.
apt_get() {
    env -u APT_CONFIG DEBIAN_FRONTEND=noninteractive "${AS_ROOT[@]}" apt-get "$@" >&2
}

# Installs what is missing of the given rows; without root and sudo it says the exact command and
# ends with 2. A machine without dpkg is only told what is needed: the build says what it lacks.
need_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "no dpkg here, so install the equivalents of: $*"
        return 0
    fi
    local missing=()
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0

    local AS_ROOT=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null || ! { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
            say "packages are missing, there is neither root nor passwordless sudo; run as root:"
            printf '  apt-get update && apt-get install -y --no-install-recommends %s\n' \
                "${missing[*]}" >&2
            exit 2
        fi
        AS_ROOT=(sudo)
    fi
    say "installing ${missing[*]}"
    apt_get update -qq || say "apt-get update failed; trying with the lists that are there"
    apt_get install -y -qq --no-install-recommends "${missing[@]}" ||
        die "could not install: ${missing[*]} (apt-get's message stands above)"
}

# The same for what a run can do without.
want_packages() {
    (need_packages "$@") || say "going on without: $*"
}

# Configures and builds one preset; ninja shows the progress.
build_preset() {
    local preset=$1
    local log
    log=$(mktemp)
    say "configuring and building ($preset)"
    if ! cmake --preset "$preset" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "cmake --preset $preset failed" 1
    fi
    rm -f "$log"
    cmake --build --preset "$preset" -j 2 >&2 || die "building $preset failed" 1
}
