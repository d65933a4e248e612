import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SUITES } from '../../../scripts/vm/base.ts'
import { output } from '../../../scripts/vm/program.ts'
import { checkReceipts, receiptsOf } from '../bucket.ts'
import { bootDone } from '../power.ts'
import { FULL, type Scenario } from '../scenario.ts'
import { type Stopper, stopperFiles, stops } from '../stoppers.ts'
import { checkCrashesTold, checkNamed, deaths, toldOfLatest } from '../told.ts'

/** s: of the big one's stop. What is dumped leaves the guest at some MB/s in emulation. */
const BIG_TIMEOUT = FULL ? 240 : 90
const STOPPERS: Readonly<Record<string, Stopper>> = {
  soon: { after: 3, mib: 4, timeout: 60 },
  later: { after: 12, mib: 4, timeout: 60 },
  hidden: { after: 3, mib: 4, timeout: 60, service: { PrivateTmp: 'yes', PrivateMounts: 'yes' } },
  big: { after: 3, mib: FULL ? 300 : 48, timeout: BIG_TIMEOUT },
}
const NAMES = Object.keys(STOPPERS)
/** s: 30 % of it are enough for live evidence, and it outlasts the big one. */
const DEADLINE = BIG_TIMEOUT + 60
/** ms that the end may come later than the services' own timeouts: two seconds, and what emulation makes of the host's own end. */
const LATER = 2_000 * 5

/** Services crash while they are being stopped, when nobody starts systemd's core handler any more: their cores are in the bundle, and the host waits for nobody. */
export const scenario: Scenario = {
  name: 'dies-going-down',
  suites: SUITES,
  turns: ['bookworm', 'rest', 'forky', 'rest', 'trixie', 'rest'],
  minutes: FULL ? 4 : 2,
  async run({ boot, bucket, operator, program, scratch, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    const memoryMiB = 1536
    await using machine = await boot({ settings, files: stopperFiles(STOPPERS), memoryMiB, deadline: DEADLINE })
    await bootDone(machine, signal)
    await machine.ok('test -e /run/lastgasp/wall/armed', signal)
    equal(await machine.ok('systemctl is-active lastgasp-cores.service', signal), 'active\n')
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    const { told, ended } = await stops(machine, NAMES, signal)
    equal(await machine.off(signal), 'guest-shutdown')
    const last = Math.max(...NAMES.map((name, n) => (told[n] ?? 0) + (STOPPERS[name]?.timeout ?? 0) * 1000))
    const took = ended - Math.min(...told)
    step(`off: all was stopped ${(took / 1000).toFixed(1)} s after the first was told`)
    ok(ended <= last + LATER, `the shutdown ended ${ended - last} ms after the services' own timeouts`)

    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkReceipts(bundle)
    const receipts = receiptsOf(bundle, 'cores').filter(({ status }) => status !== 'absent')
    const seen = receipts.map(({ item, status, reason = '' }) => `${item.unit} ${item.signal} ${status} ${reason}`)
    step(seen.join(', '))
    deepEqual(seen.sort(), NAMES.map((name) => `${name}.service 11 complete `).sort())
    const verdict = await toldOfLatest(operator, bucket, signal)
    equal(verdict.why, 'crash')
    deepEqual([...deaths(verdict)].sort(), NAMES.map((name) => `crash 11 stopper of ${name}.service`).sort())
    checkNamed(verdict)

    const to = join(scratch, 'fetched')
    const identity = ['--identity', operator.identity]
    const fetched = await operator.lastgasp(['fetch', 'latest', '--to', to, ...identity], bucket.url, signal)
    ok(fetched.code === 0 || fetched.code === 4, `fetch: ${fetched.stdout}${fetched.stderr}`)
    const cores = (await readdir(join(to, 'cores'))).filter((name) => name.endsWith('.core'))
    equal(cores.length, NAMES.length, cores.join(' '))
    for (const core of cores) {
      const args = ['-nx', '-batch', '-ex', 'backtrace', program('stopper'), join(to, 'cores', core)]
      match(await output('gdb', args, {}, signal), /SIGSEGV[\s\S]*#0 .*stop_badly[\s\S]* in main /)
    }
    step('gdb opens all of them')
    await checkCrashesTold(NAMES, { bucket, operator, scratch }, signal)
    step('and all are told of by function')
  },
}
