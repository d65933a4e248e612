import type { Machine } from '../../scripts/vm/machine.ts'

/** Presses the power button once somebody in the guest listens to it. */
export async function pressPowerButton(machine: Machine, signal: AbortSignal): Promise<void> {
  await powerButtonWatched(machine, signal)
  machine.powerButton()
}

/** Until somebody listens to the power button: logind, as soon as udev has shown it the device. */
export async function powerButtonWatched(machine: Machine, signal: AbortSignal): Promise<void> {
  const watching = "journalctl -b -q -o cat -u systemd-logind.service | grep -q 'Watching system buttons'"
  await machine.ok(`until ${watching}; do sleep 0.5; done`, signal)
}

/** Until all of the boot is done, and applications are held: the hold is active, and the collector has its lock. */
export async function bootDone(machine: Machine, signal: AbortSignal): Promise<void> {
  await daemonListens(machine, signal)
  await machine.ok('until systemctl is-active --quiet lastgasp-hold.service; do sleep 0.5; done', signal)
  await machine.ok('while flock --nonblock --shared /run/lastgasp/hold true; do sleep 0.5; done', signal)
}

/** Until the daemon runs and catches SIGTERM (signal 15: bit 14 of SigCgt in proc(5)); before, a shutdown just ends it. */
export async function daemonListens(machine: Machine, signal: AbortSignal): Promise<void> {
  const pid = 'pid=$(systemctl show --property=MainPID --value lastgasp.service)'
  const caught = "$(sed -n 's/^SigCgt:[[:space:]]*//p' /proc/$pid/status)"
  await machine.ok(`until ${pid}; [ $pid != 0 ] && (( 0x${caught} & 0x4000 )); do sleep 0.5; done`, signal)
}
