#!/bin/sh
# Installs what the tests of cores and of the unwinder judge by and what they run, on Debian. Without it those tests are skipped by name.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# A package's name has no space.
# shellcheck disable=SC2046
apt-get -qq install --yes --no-install-recommends -o Dpkg::Use-Pty=0 $(cat "$(dirname "$0")/languages.txt") >/dev/null
