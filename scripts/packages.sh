# packages.sh - sourced by the scripts here: installs what is missing, and says so.
#
#     need PACKAGE...     the packages of Debian and Ubuntu that a step needs

packages_build="gcc libc6-dev cmake ninja-build pkg-config libtree-sitter-dev libcjson-dev libyaml-dev libuv1-dev"
packages_guests="clang lld"
packages_tests="libcmocka-dev python3 mandoc"
packages_fuzz="clang llvm libclang-rt-dev python3"
packages_ci="clang-format"

need() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    local root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    if ! command -v apt-get >/dev/null; then
        echo "error: these packages are missing, and there is no apt-get to install them: ${missing[*]}" >&2
        exit 1
    fi
    echo "Installing with apt-get: ${missing[*]}"
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
