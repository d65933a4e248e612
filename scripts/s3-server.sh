#!/bin/bash
# A real S3 server for tests: Ceph's RADOS gateway with one monitor and one in-memory disk, on loopback, for Debian 12.
#
#   s3-server.sh install            the three packages, as root, once per machine
#   s3-server.sh start DIR [PID]    starts a server below DIR on free ports; with PID, it ends with that process
#   s3-server.sh user DIR NAME      makes another user there, and prints its access_key= and secret_key= lines
#   s3-server.sh key DIR ID         gives start's user one more key of this id, and prints the same lines
#   s3-server.sh revoke DIR ID      takes a key back: the server does not know it any more
#   s3-server.sh stop DIR           stops it
#
# start prints endpoint=, region=, access_key= and secret_key= lines (invented credentials), also kept in DIR/server.env.
# Exit 3 when the programs are missing. DIR should be short: it holds unix sockets. No root needed but for install.
set -euo pipefail

readonly PROGRAMS=(ceph ceph-mon ceph-osd monmaptool radosgw radosgw-admin)
readonly ACCESS_KEY=INVENTEDTESTKEY SECRET_KEY=invented-secret-for-tests

fail() { echo "s3-server.sh: $1" >&2; exit "${2:-1}"; }

install_server() {
  [ "$(id -u)" = 0 ] || fail "cannot install packages: run it as root"
  command -v apt-get >/dev/null || fail "cannot install packages: no apt-get here, this recipe is for Debian"
  # A policy of 101 keeps the packages from starting services of their own (invoke-rc.d(8)).
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
    trap "rm -f $policy" EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends radosgw ceph-mon ceph-osd >/dev/null
}

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The first of 20 neighbouring ports that nobody answers on, below the range the kernel gives out by itself.
free_ports() {
  local base port
  for _ in $(seq 50); do
    base=$((20000 + (RANDOM % 600) * 20))
    for port in $(seq $base $((base + 19))); do taken "$port" && continue 2; done
    echo $base
    return
  done
  fail "cannot find 20 free ports between 20000 and 32000"
}

runs_with() { tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -qF -- "$2"; } 2>/dev/null

stop_server() {
  local name file pid
  for name in client.rgw osd.0 mon.a; do
    file=$1/run/$name.pid
    [ -f "$file" ] || continue
    pid=$(<"$file")
    # A stale file may name a stranger by now: only ours has our configuration on its command line. KILL, for their
    # orderly ends take seconds, and nothing here is worth keeping (bluestore keeps it all the same).
    runs_with "$pid" "$1/ceph.conf" || continue
    kill -KILL "$pid" 2>/dev/null || true
    while runs_with "$pid" "$1/ceph.conf"; do sleep 0.02; done
    rm -f "$file"
  done
}

configure() {
  local dir=$1 base=$2 id=$3
  cat >"$dir/ceph.conf" <<CONF
[global]
fsid = $id
mon host = [v2:127.0.0.1:$base,v1:127.0.0.1:$((base + 1))]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind port min = $((base + 3))
ms bind port max = $((base + 19))
ms mon client mode = crc
auth cluster required = none
auth service required = none
auth client required = none
paxos propose interval = 0.05
paxos min wait = 0.02
run dir = $dir/run
admin socket = $dir/run/\$name.asok
pid file = $dir/run/\$name.pid
log file = $dir/log/\$name.log
mon cluster log file = $dir/log/cluster.log
log to stderr = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
[mon.a]
mon data = $dir/mon
[osd]
osd data = $dir/osd
osd objectstore = ${S3_SERVER_OBJECTS:-memstore}
memstore device bytes = ${S3_SERVER_BYTES:-4294967296}
bluestore block size = ${S3_SERVER_BYTES:-8589934592}
osd class load list = *
osd class default list = *
[client.rgw]
rgw data = $dir/rgw
rgw frontends = beast endpoint=127.0.0.1:$((base + 2)) tcp_nodelay=1
rgw thread pool size = 32
rgw run sync thread = false
# Whoever comes by way of a proxy that says so has come by TLS: for policies that demand it.
rgw trust forwarded https = true
rgw gc obj min wait = 2
rgw gc processor period = 2
CONF
}

# One try on the ports from $2 on; fails when somebody else has taken one of them meanwhile.
launch() {
  local dir=$1 base=$2 id conf=$1/ceph.conf
  id=$(</proc/sys/kernel/random/uuid)
  rm -rf "${dir:?}"/{mon,osd,rgw,log,run}
  mkdir -p "$dir"/{mon,osd,rgw,log,run}
  configure "$dir" "$base" "$id"
  {
    monmaptool --create --fsid "$id" --addv a "[v2:127.0.0.1:$base,v1:127.0.0.1:$((base + 1))]" "$dir/monmap" --clobber &&
      ceph-mon -c "$conf" -i a --mkfs --monmap "$dir/monmap" &&
      ceph-mon -c "$conf" -i a &&
      timeout 20 ceph -c "$conf" osd new "$id" 0 &&
      ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$id" &&
      ceph-osd -c "$conf" -i 0
  } >"$dir/log/start.log" 2>&1 || return 1
  for _ in $(seq 100); do timeout 5 ceph -c "$conf" osd stat 2>/dev/null | grep -q '1 up' && break; sleep 0.1; done
  {
    timeout 30 radosgw-admin -c "$conf" -n client.rgw user create --uid=test --display-name=test \
      --access-key=$ACCESS_KEY --secret-key=$SECRET_KEY &&
      radosgw -c "$conf" -n client.rgw
  } >>"$dir/log/start.log" 2>&1 || return 1
  for _ in $(seq 100); do taken $((base + 2)) && return 0; sleep 0.1; done
  return 1
}

start_server() {
  local dir=$1 owner=${2:-} base program
  for program in "${PROGRAMS[@]}"; do
    command -v "$program" >/dev/null || fail "cannot start: no $program here; run 's3-server.sh install' as root" 3
  done
  mkdir -p "$dir"
  dir=$(realpath "$dir")
  [ ${#dir} -le 80 ] || fail "cannot start in $dir: the path is too long for unix sockets"
  stop_server "$dir"
  for _ in 1 2 3 4 5; do
    base=$(free_ports)
    if launch "$dir" "$base"; then
      printf '%s\n' "endpoint=http://127.0.0.1:$((base + 2))" region=us-east-1 \
        access_key=$ACCESS_KEY secret_key=$SECRET_KEY | tee "$dir/server.env"
      # Whoever asked for the server may be killed before it can stop it.
      if [ -n "$owner" ]; then
        setsid bash -c 'tail --pid="$1" -f /dev/null; exec "$0" stop "$2"' "$0" "$owner" "$dir" </dev/null &>/dev/null &
      fi
      return
    fi
    stop_server "$dir"
  done
  tail -n 5 "$dir/log/start.log" >&2
  fail "cannot start a server in $dir: see $dir/log"
}

make_user() {
  local dir=$1 name=$2
  [[ $name =~ ^[a-z0-9-]+$ ]] || fail "cannot make the user $name: use small letters, digits and hyphens"
  radosgw-admin -c "$dir/ceph.conf" -n client.rgw user create --uid="$name" --display-name="$name" \
    --access-key="INVENTED$name" --secret-key="invented-secret-of-$name" >>"$dir/log/users.log" 2>&1 ||
    fail "cannot make the user $name: see $dir/log/users.log"
  printf '%s\n' "access_key=INVENTED$name" "secret_key=invented-secret-of-$name"
}

make_key() {
  local dir=$1 id=$2
  [[ $id =~ ^[A-Z0-9]+$ ]] || fail "cannot make the key $id: use capital letters and digits"
  radosgw-admin -c "$dir/ceph.conf" -n client.rgw key create --uid=test --key-type=s3 \
    --access-key="$id" --secret-key="invented-secret-of-$id" >>"$dir/log/users.log" 2>&1 ||
    fail "cannot make the key $id: see $dir/log/users.log"
  printf '%s\n' "access_key=$id" "secret_key=invented-secret-of-$id"
}

revoke_key() {
  local dir=$1 id=$2
  radosgw-admin -c "$dir/ceph.conf" -n client.rgw key rm --uid=test --key-type=s3 \
    --access-key="$id" >>"$dir/log/users.log" 2>&1 || fail "cannot revoke the key $id: see $dir/log/users.log"
}

case "${1:-} $#" in
  'install 1') install_server ;;
  'start 2' | 'start 3') start_server "$2" "${3:-}" ;;
  'user 3') make_user "$(realpath "$2")" "$3" ;;
  'key 3') make_key "$(realpath "$2")" "$3" ;;
  'revoke 3') revoke_key "$(realpath "$2")" "$3" ;;
  'stop 2') [ ! -d "$2" ] || stop_server "$(realpath "$2")" ;;
  *) fail "usage: s3-server.sh install | start DIR [PID] | user DIR NAME | key DIR ID | revoke DIR ID | stop DIR" 2 ;;
esac
