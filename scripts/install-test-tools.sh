#!/bin/bash
# Installs the programs that the tests need, by Debian package name. Quick when everything is there already.
#   judges     zstd age gdb git python3 tmux elfutils binutils systemd (journalctl), e2fsprogs, openssl
#   machines   qemu-system-x86 mmdebstrap netcat-openbsd util-linux systemd-container
#   a store    radosgw ceph-mon ceph-osd (S3 on loopback)
set -euo pipefail

packages=(
  zstd age gdb git python3 tmux elfutils binutils systemd e2fsprogs openssl attr
  gcc libc6-dev
  qemu-system-x86 seabios mmdebstrap debian-archive-keyring netcat-openbsd util-linux systemd-container
  radosgw ceph-mon ceph-osd
)

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} = 0 ]; then
  echo 'test tools: all there'
  exit 0
fi
if [ "$(id -u)" != 0 ]; then
  echo "cannot install ${missing[*]}: because only root can; run: sudo $0" >&2
  exit 1
fi

# Packages start their services when they are installed, unless this file says no (invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

echo "test tools: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install --yes --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" >/dev/null
echo 'test tools: done'
