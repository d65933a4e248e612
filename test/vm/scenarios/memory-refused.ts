import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Manifest, manifestSchema } from '../../../agent/bundle/schema.ts'
import type { Status } from '../../../agent/words/evidence.ts'
import { captureByHand } from '../memory/snapshot.ts'
import { bootDone } from '../power.ts'
import type { Context, Scenario } from '../scenario.ts'

/** A root directory as on a host whose kernel has no page flags: links to everything but these. */
const NO_PAGE_FLAGS =
  'mkdir -p /run/host/proc && ln -s $(ls -d /* | grep -vx /proc) /run/host && ln -s /proc/* /run/host/proc && rm /run/host/proc/kpageflags'

const LOCKED = /locked down to confidentiality/
const UNHARMED = ['complete', 'truncated', 'absent', 'skipped']

/** The kernel does not let the memory be read, for three reasons: a receipt each, and the rest of the capture unharmed. */
export const scenario: Scenario = {
  name: 'memory-refused',
  suites: ['trixie'],
  async run(context, signal) {
    const { boot, bucket, operator, step } = context
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]\n[memory]\nscope = "kernel"\nwhen = "always"`
    await using machine = await boot({ settings })
    await bootDone(machine, signal)
    await machine.ok(NO_PAGE_FLAGS, signal)
    const byHand: [string, Status, RegExp][] = [
      [await captureByHand(machine, { more: '--root /run/host' }, signal), 'absent', /kpageflags/],
      [
        await captureByHand(machine, { before: 'setpriv --bounding-set -sys_rawio' }, signal),
        'failed',
        /CAP_SYS_RAWIO/,
      ],
      [
        await captureByHand(machine, { before: 'setpriv --bounding-set -sys_admin' }, signal),
        'failed',
        /CAP_SYS_ADMIN/,
      ],
    ]
    step('captured without page flags, and without capabilities')
    await machine.ok('echo confidentiality > /sys/kernel/security/lockdown', signal)
    byHand.push([await captureByHand(machine, {}, signal), 'skipped', LOCKED])
    step('captured under lockdown')
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    for (const [bundle, status, why] of byHand)
      step(checkRefused(await manifestOf(context, bundle, signal), status, why, []))
    step(checkRefused(await manifestOf(context, 'latest', signal), 'skipped', LOCKED, ['stacks']))
  },
}

/** Nothing of the memory, with the reason; everything else is there. Gives the reason. */
function checkRefused({ receipts }: Manifest, status: Status, why: RegExp, live: readonly string[]): string {
  const memory = receipts.filter(({ source }) => source === 'memory')
  deepEqual(
    memory.map(({ status, objects }) => ({ status, objects })),
    [{ status, objects: [] }],
  )
  const reason = memory[0]?.reason ?? ''
  match(reason, why)
  // What keeps to a few seconds, as facts and looks at processes do, is cut now and then in emulation: that is no harm.
  const harmed = receipts.filter(({ source, status }) => source !== 'memory' && !UNHARMED.includes(status))
  deepEqual(harmed, [])
  for (const source of ['facts', 'journal', ...live])
    ok(
      receipts.some((receipt) => receipt.source === source && receipt.objects.length > 0),
      `${source} is there`,
    )
  return reason
}

async function manifestOf(
  { operator, bucket, scratch }: Context,
  bundle: string,
  signal: AbortSignal,
): Promise<Manifest> {
  const directory = join(scratch, bundle)
  const args = ['fetch', bundle, '--to', directory, '--only', 'facts', '--identity', operator.identity]
  const fetched = await operator.lastgasp(args, bucket.url, signal)
  ok([0, 4].includes(fetched.code ?? -1), `fetch: ${fetched.stdout}${fetched.stderr}`)
  return manifestSchema.parse(JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')))
}
