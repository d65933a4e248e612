#!/bin/sh
# Installs what the tests of cores and of the unwinder judge by and what they run, on Debian. Without it those tests are skipped by name.
set -eu
apt-get update
apt-get install --yes --no-install-recommends gcc libc6-dev gdb elfutils python3 golang-go musl-tools ocaml-nox default-jdk-headless \
  g++ rustc binutils gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user gdb-multiarch
