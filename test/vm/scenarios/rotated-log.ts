import { equal, match, ok } from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { applicationUnit } from '../applications.ts'
import { checkReceipts, receiptsOf } from '../bucket.ts'
import { bootDone } from '../power.ts'
import { FULL, type Scenario } from '../scenario.ts'

/** MiB of the log when the host is up, and of it that is taken. */
const LOG = FULL ? 2048 : 160
const LIMIT = 64
/** s */
const DEADLINE = FULL ? 300 : 120
const LINE = 64
/** Logs on while it is being stopped, for as long as the daemon is there. */
const COMMAND = `logger /var/log/app.log ${LOG} 90 /sys/fs/cgroup/lastgasp.slice/lastgasp.service`

/** A long log is written and rotated while it is captured: its newest end is there without a hole, and what is not there has a receipt. */
export const scenario: Scenario = {
  name: 'rotated-log',
  suites: ['bookworm', 'trixie'],
  turns: ['rest', 'rest', 'rest', 'trixie'],
  minutes: 2,
  async run({ boot, bucket, operator, scratch, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]\n[files]\nlimit = "${LIMIT}MiB"`
    const files = applicationUnit('logger', COMMAND, { TimeoutStopSec: '150' })
    await using machine = await boot({ settings, files, deadline: DEADLINE })
    await bootDone(machine, signal)
    await machine.ok("until journalctl -b -q -o cat -t logger | grep -q '^logger ready'; do sleep 0.5; done", signal)
    step('the log is long')
    const lines = Number(await machine.ok('cat /var/log/app.log* | wc -c', signal)) / LINE
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')

    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkReceipts(bundle)
    const receipts = receiptsOf(bundle, 'files')
    for (const { artifact, status, reason = '', ms, details } of receipts)
      step(`${artifact} ${status} ${reason} ${ms} ms ${JSON.stringify(details)}`)
    const logs = receipts.filter(({ artifact }) => /^files\/var\/log\/app\.log(?:@\d+)?\.zst$/.test(artifact))
    ok(logs.length > 1, 'it went in pieces')
    equal(logs.map(({ status }) => status).join(' '), logs.map(() => 'complete').join(' '))
    const left = receipts.filter(({ status, because }) => status === 'skipped' && because === 'limit')
    ok(
      left.some(({ reason }) => /^the first .* of \/var\/log\/app\.log(?:\.\d+)?, .*, are left out/.test(reason ?? '')),
      'the receipt says what is not there',
    )

    const to = join(scratch, 'fetched')
    const args = ['fetch', 'latest', '--only', 'files', '--to', to, '--identity', operator.identity]
    const fetched = await operator.lastgasp(args, bucket.url, signal)
    equal(fetched.code, 0, `fetch: ${fetched.stdout}${fetched.stderr}`)
    match(await readFile(join(to, 'files/files.tsv'), 'utf8'), /^path\tstate\t/)
    const folder = join(to, 'root/var/log')
    const names = (await readdir(folder)).filter((name) => /^app\.log(?:@\d+)?$/.test(name))
    const older = names.filter((name) => name !== 'app.log').sort()
    const log = Buffer.concat(await Promise.all([...older, 'app.log'].map((name) => readFile(join(folder, name)))))
    const count = log.length / LINE
    const number = (at: number) => Number(log.toString('latin1', at * LINE, at * LINE + 16))
    ok(Number.isInteger(count) && count > (LIMIT - 8) * 1024 * 16, `${count} lines`)
    for (let at = 1; at < count; at++) equal(number(at), number(at - 1) + 1, `line ${at} of ${count}`)
    ok(
      number(count - 1) >= lines - 1,
      `the last line is ${number(count - 1)}, and there were ${lines} before the shutdown`,
    )
    step(`lines ${number(0)} to ${number(count - 1)}, of ${lines} before the shutdown`)
  },
}
