import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SUITES } from '../../../scripts/vm/base.ts'
import { output } from '../../../scripts/vm/program.ts'
import { checkReceipts, receiptsOf } from '../bucket.ts'
import { crash } from '../crash.ts'
import { allMischief, mischief } from '../mischief.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** s: every file that Mallory lays down costs a request or two in emulation. */
const DEADLINE = 240
/** MiB in root's program. */
const DATA = 16
const MALLORY = 4242

/** A user does all that he can before the power goes: root's core, journal and facts arrive, and what he did is told. */
export const scenario: Scenario = {
  name: 'mallory',
  suites: SUITES,
  turns: ['rest', 'trixie', 'rest', 'rest'],
  minutes: 2,
  async run({ boot, bucket, operator, scratch, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    await using machine = await boot({ settings, deadline: DEADLINE })
    await bootDone(machine, signal)
    await machine.ok('mkdir -p /var/crash && chown root:root /var/crash && chmod 3777 /var/crash', signal)
    const core = await crash(machine, 'victim', DATA, signal)
    // What root's crash said is in the file before; in this one there is nothing but what others say of crashes.
    await machine.ok('journalctl --rotate', signal)
    await machine.ok("echo 'root was here' | systemd-cat -t root", signal)
    deepEqual(await allMischief(machine, core.path, signal), [])
    step(`${mischief('').length} ways tried`)
    await machine.ok('journalctl --sync', signal)
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')

    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkReceipts(bundle)
    const { manifest } = bundle
    const [cores, journals, facts] = ['cores', 'journal', 'facts'].map((source) => receiptsOf(bundle, source))
    for (const { artifact, status, because, reason, item } of [...(cores ?? []), ...(journals ?? []), ...(facts ?? [])])
      step(`${artifact} ${status} ${because ?? ''} ${item.uid ?? ''} ${item.claimed ? 'claimed' : ''} ${reason ?? ''}`)

    const roots = cores?.find(({ item }) => item.path === core.path)
    equal(roots?.status, 'complete', "root's core")
    equal(roots?.item.unit, 'victim.service', 'is not called otherwise')
    doesNotMatch(JSON.stringify(roots), /mallory/)
    const host = (journals ?? []).filter(({ artifact }) => artifact.startsWith('journal/system'))
    ok(host.length >= 2 && host.every(({ status }) => status === 'complete'), "the host's journal is whole")
    ok(
      host.some((receipt) => receipt.class === 'text'),
      'what others say of crashes makes no memory of it',
    )
    ok((facts?.[0]?.objects.length ?? 0) > 0, 'the facts are there')

    equal(manifest.status, 'partial', 'the attempt is no success of a setting')
    const surplus = cores?.filter(({ item }) => item.uid === MALLORY && item.path === '/var/crash') ?? []
    equal(surplus.length, 1)
    match(surplus[0]?.reason ?? '', /^\d+ files of user 4242 in \/var\/crash, .*beyond that user's share/)
    equal(surplus[0]?.because, 'host')
    for (const { item } of cores?.filter(({ item: { path = '' } }) => path.startsWith('/var/crash/')) ?? []) {
      const { uid, claimed, exe, unit } = item
      deepEqual({ uid, claimed, exe, unit }, { uid: MALLORY, claimed: true, exe: undefined, unit: undefined })
    }
    equal(cores?.filter(({ item: { path = '' } }) => /shadow|dmesg|vmcore/.test(path)).length, 0)
    doesNotMatch(manifest.shutdown?.by ?? '', /mallory/)
    step('receipts tell of it')

    const to = join(scratch, 'fetched')
    const identity = ['--identity', operator.identity]
    const fetched = await operator.lastgasp(['fetch', 'latest', '--to', to, ...identity], bucket.url, signal)
    equal(fetched.code, 4, `fetch: ${fetched.stdout}${fetched.stderr}`)
    const root = join(to, 'root')
    equal(await sha256(join(root, core.path)), core.sha256)
    const lines = await output('journalctl', [`--root=${root}`, '-o', 'cat', '-t', 'root'], {}, signal)
    match(lines, /^root was here$/m)
    for (const table of ['processes', 'open-files', 'deleted-files']) await checkTable(to, `${table}.tsv`)
    step("root's core, journal and facts are there")
  },
}

/** Every row has as many cells as the header, and nothing but what one can see. */
async function checkTable(directory: string, name: string): Promise<void> {
  const text = await readFile(join(directory, 'facts', name), 'utf8')
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t').length)
  equal(new Set(rows).size, 1, `${name} has rows of ${[...new Set(rows)].join(', ')} cells`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  doesNotMatch(text, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/)
}

async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}
