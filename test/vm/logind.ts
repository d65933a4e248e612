import type { GuestFile } from '../../scripts/vm/disk.ts'
import type { Machine } from '../../scripts/vm/machine.ts'
import { wanted } from './applications.ts'

/** As kubelet writes it, so that logind waits for it. */
export function inhibitDelay(seconds: number): Record<string, GuestFile> {
  return { '/etc/systemd/logind.conf.d/99-kubelet.conf': { content: `[Login]\nInhibitDelayMaxSec=${seconds}\n` } }
}

/** A container of a pod, as containerd has it: its id, in the pod's slice, and where kubelet says whose it is. */
export interface Pod {
  readonly uid: string
  readonly pod: string
  readonly namespace: string
  readonly container: string
  readonly id: string
}

const slice = ({ uid }: Pod) => `kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice`
export const scopeOf = ({ id }: Pod): string => `cri-containerd-${id}.scope`

/** Runs a program in the pod's container, and lays down the links to its logs that kubelet makes. */
export async function runPod(machine: Machine, pod: Pod, program: string, signal: AbortSignal): Promise<void> {
  const log = `/var/log/pods/${pod.namespace}_${pod.pod}_${pod.uid}/${pod.container}/0.log`
  const link = `/var/log/containers/${pod.pod}_${pod.namespace}_${pod.container}-${pod.id}.log`
  await machine.ok(
    `mkdir -p ${log.replace(/\/0\.log$/, '')} /var/log/containers && touch ${log} && ln -s ${log} ${link}`,
    signal,
  )
  const run = `systemd-run --quiet --scope --slice=${slice(pod)} --unit=${scopeOf(pod)}`
  await machine.ok(`${run} systemd-cat -t ${pod.container} ${program} </dev/null >/dev/null 2>&1 & true`, signal)
  await machine.ok(`until systemctl is-active --quiet ${scopeOf(pod)}; do sleep 0.2; done`, signal)
}

/** s that kubelet gives a pod after its SIGTERM. */
const GRACE = 10
const LISTEN = `busctl monitor --match="type='signal',interface='org.freedesktop.login1.Manager',member='PrepareForShutdown'"`

/**
 * What kubelet does at a shutdown: it has a delay inhibitor, hears what logind says, ends its pods (SIGTERM, and after some grace SIGKILL), and lets the
 * host go. Says on the console when it did.
 */
export function kubelet(): Record<string, GuestFile> {
  const script = [
    '#!/bin/bash',
    `exec 3< <(${LISTEN})`,
    'echo kubelet listens >/dev/console',
    "grep -q -m1 'BOOLEAN true' <&3",
    'pids() { cat $(find /sys/fs/cgroup/kubepods.slice -name cgroup.procs); }',
    'echo "kubelet ends $(pids | wc -l) processes at $EPOCHREALTIME" >/dev/console',
    'kill -TERM $(pids)',
    `for n in {1..${GRACE * 2}}; do [ -z "$(pids)" ] && break; sleep 0.5; done`,
    'kill -KILL $(pids)',
    'echo "kubelet is done at $EPOCHREALTIME" >/dev/console',
    '',
  ]
  const unit = [
    ...['[Unit]', 'Description=As kubelet does', 'After=dbus.service systemd-logind.service', '[Service]'],
    'ExecStart=systemd-inhibit --what=shutdown --mode=delay --who=kubelet --why=pods /usr/lib/vm-kubelet',
    '',
  ]
  return {
    '/usr/lib/vm-kubelet': { content: script.join('\n'), mode: 0o755 },
    '/etc/systemd/system/kubelet.service': { content: unit.join('\n') },
    ...wanted('kubelet.service'),
  }
}
