import { deepEqual, equal, ok } from 'node:assert/strict'
import { join } from 'node:path'
import { output } from '../../../scripts/vm/program.ts'
import { applicationUnit, lingererUnit } from '../applications.ts'
import { crash } from '../crash.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'
import { checkNamed, deaths, toldOfLatest } from '../told.ts'

/** s: live evidence may take 30 % of it, which emulation needs. */
const DEADLINE = 120
/** MiB in the core; about a quarter of it remains compressed, which the link carries in about 20 s. */
const DATA = 64
const BYTES_PER_SECOND = 1_500_000

/** Takes the lock for a moment as soon as the collector has let it go, and says when that was. */
const WATCH = '/usr/lib/vm/watcher /run/lastgasp/hold'
/** s by which it may be run later than systemd is, which waits for the same lock. Applications are held for longer. */
const LATER = 1

const FILES = {
  ...lingererUnit('service', 2),
  ...applicationUnit('segv', 'fragile segv'),
  ...applicationUnit('abrt', 'fragile abrt'),
}

/** Applications of three kinds live until the hold is released, and stop while the upload still runs; two crash as they do, and are named. */
export const scenario: Scenario = {
  name: 'hold',
  suites: ['trixie'],
  turns: ['trixie'],
  async run({ boot, bucket, link, operator, scratch, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    await using machine = await boot({ settings, files: FILES, deadline: DEADLINE })
    await machine.ok(
      'systemd-run --quiet --unit=transient -p SyslogIdentifier=transient /usr/lib/vm/lingerer transient 2',
      signal,
    )
    await machine.ok(
      'systemd-run --quiet --scope --unit=scope systemd-cat -t scope /usr/lib/vm/lingerer scope 2 & true',
      signal,
    )
    await bootDone(machine, signal)
    // without default dependencies: nothing stops it before the end
    await machine.ok(
      `systemd-run --quiet --unit=watch -p DefaultDependencies=no -p SyslogIdentifier=watch ${WATCH}`,
      signal,
    )
    await crash(machine, 'victim', DATA, signal)
    link.behaviour = { bytesPerSecond: BYTES_PER_SECOND }
    const asked = Number(await machine.ok('echo $EPOCHREALTIME', signal))
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const ended = Date.parse((await bucket.onlyBundle(signal)).manifest.ended) / 1000

    const to = join(scratch, 'fetched')
    const args = ['fetch', 'latest', '--only', 'journal', '--to', to, '--identity', operator.identity]
    const fetched = await operator.lastgasp(args, bucket.url, signal)
    equal(fetched.code, 0, `fetch: ${fetched.stdout}${fetched.stderr}`)
    const tags = ['watch', 'service', 'transient', 'scope'].flatMap((tag) => ['-t', tag])
    const said = await output('journalctl', [`--root=${join(to, 'root')}`, '-b', '-o', 'cat', ...tags], {}, signal)
    const printed = said.replaceAll(/^.* (?:beat|works on) at .*\n/gm, '')
    const at = (what: string) => Number(new RegExp(`^${what} at ([0-9.]+)$`, 'm').exec(printed)?.[1])

    const released = at('released')
    ok(released > asked + LATER, `the hold was released after the shutdown began: ${printed}`)
    for (const name of ['service', 'transient', 'scope']) {
      ok(at(`${name} stopping`) >= released - LATER, `${name} was stopped before the hold was released: ${printed}`)
      ok(at(`${name} stopped`) < ended, `${name} waited for the upload, which ended at ${ended}: ${printed}`)
    }
    const [hold, stop, upload] = [released - asked, at('service stopped') - asked, ended - asked].map((s) =>
      s.toFixed(1),
    )
    const told = await toldOfLatest(operator, bucket, signal)
    deepEqual([...deaths(told)].sort(), [
      'crash 11 crasher of victim.service',
      'crash 11 fragile of segv.service',
      'crash 6 fragile of abrt.service',
    ])
    checkNamed(told)
    equal(told.findings[0]?.subject.unit, 'victim.service', 'what happened before the shutdown comes first')
    step(`released after ${hold} s, applications stopped after ${stop} s, capture ended after ${upload} s`)
  },
}
