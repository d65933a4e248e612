#!/bin/sh
# Installs what cores.test.ts judges by and what it runs, on Debian. Without it those tests are skipped by name.
set -eu
apt-get update
apt-get install --yes --no-install-recommends gcc libc6-dev gdb elfutils python3 golang-go musl-tools default-jdk-headless
