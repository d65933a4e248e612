import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rowKey } from '../../../agent/bundle/keys.ts'
import { rowSchema } from '../../../agent/bundle/schema.ts'
import { SUITES } from '../../../scripts/vm/base.ts'
import type { Machine } from '../../../scripts/vm/machine.ts'
import { output } from '../../../scripts/vm/program.ts'
import { checkReceipts, checkWhole, receiptsOf, type StoredBundle } from '../bucket.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** What Debian's kdump-tools leaves: a directory named by the time, with the kernel's log and its memory. */
const KDUMP = '/var/crash/202611301200'
const KDUMP_LOG = '[  99.000001] Kernel panic - not syncing: hung_task: blocked tasks'

const BREAKS = 'systemd-run --quiet --unit=broken false; until systemctl is-failed --quiet broken; do sleep 0.5; done'

/**
 * One machine, booted again and again: it panics, when kdump has left something already, is rebooted in order, and reset without a word. What
 * became of it each time is told by the next boot; of the reboot, nothing.
 */
export const scenario: Scenario = {
  name: 'previous-boot',
  suites: SUITES,
  turns: ['trixie', 'rest'],
  minutes: 6,
  async run({ boot, bucket, operator, scratch, step }, signal) {
    // Not in the scratch directory, of which all is kept where something fails: a disk of gigabytes.
    const keep = await mkdtemp(join(tmpdir(), 'vm-kept-'))
    await using stack = new AsyncDisposableStack()
    stack.defer(() => rm(keep, { recursive: true, force: true }))
    // What was not closed is of class memory.
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    const ids: string[] = []
    const during = async (what: string, end: (machine: Machine) => Promise<void>) => {
      await using machine = await boot({ keep, settings })
      await bootDone(machine, signal)
      await lookedBack(machine, signal)
      ids.push((await machine.ok('tr -d -- - </proc/sys/kernel/random/boot_id', signal)).trim())
      await machine.ok(`logger -t marker "last words of boot ${ids.length}"; journalctl --sync; sync`, signal)
      await end(machine)
      step(`${what}: ${await machine.off(signal)}`)
    }
    await during('a panic', async (machine) => {
      const files = `echo "${KDUMP_LOG}" >${KDUMP}/dmesg.202611301200; head -c 2M /dev/urandom >${KDUMP}/dump.202611301200`
      await machine.ok(`mkdir -p ${KDUMP}; ${files}; sync`, signal)
      await machine.sh('(sleep 1; echo c >/proc/sysrq-trigger) &', signal)
    })
    await during('a reboot', async (machine) => {
      await machine.sh('systemctl --no-block reboot', signal)
    })
    await during('a reset', async (machine) => {
      await machine.ok(`${BREAKS}; journalctl --sync; sync`, signal)
      machine.reset()
    })
    await during('the end', async (machine) => machine.cutPower())

    await bucket.openForReading(signal)
    const bundles = await bucket.bundles(signal)
    for (const bundle of bundles) checkReceipts(bundle)
    const told = bundles.map(({ manifest: { trigger, findings, about } }) =>
      [trigger, ids.indexOf(about?.bootId ?? ''), ...findings.map(({ kind }) => kind)].join(' '),
    )
    step(bundles.flatMap(({ manifest: { findings } }) => findings.map(({ sentence }) => sentence)).join(' '))
    const [, shutdown = ''] = told
    // On a busy machine in emulation not all may answer in time who would know; nobody may say that something had crashed.
    match(shutdown, /^shutdown -1 (healthy|unknown( unknown)*)$/, 'the panic is not told as that boot’s')
    deepEqual(told, ['previous-boot 0 panic panic', shutdown, 'previous-boot 2 failed unknown'])
    const [panic, , reset] = bundles as [StoredBundle, StoredBundle, StoredBundle]
    const [first, second] = panic.manifest.findings
    match(
      first?.sentence ?? '',
      /^The kernel panicked as it was told to by sysrq, while \S+ \(pid \d+\) was running\.$/,
    )
    equal(second?.sentence, 'The kernel panicked because tasks were blocked for too long.')
    deepEqual([first?.boot, second?.boot], ['this', 'unknown'])
    const [failed, wordless] = reset.manifest.findings
    equal(failed?.sentence, 'broken.service has failed: its process ended with an error.')
    match(wordless?.sentence ?? '', /went without a word/)
    const dumped = receiptsOf(panic, 'cores').map(({ artifact, status }) => `${artifact} ${status}`)
    deepEqual(dumped.sort(), [
      'cores/202611301200.dmesg.202611301200.zst complete',
      'cores/202611301200.dump.202611301200.zst complete',
    ])
    const again = [...receiptsOf(reset, 'pstore'), ...receiptsOf(reset, 'cores')]
    deepEqual(
      again.map(({ status }) => status),
      ['absent', 'absent'],
      'nothing of the panic is sent again',
    )

    for (const [bundle, of] of [
      [panic, 1],
      [reset, 3],
    ] as const) {
      checkWhole(bundle)
      const { manifest } = bundle
      const row = rowSchema.parse(await bucket.json(rowKey(manifest, manifest.status, manifest.why, true), signal))
      deepEqual([row.about_boot_id, row.boot_id], [ids[of - 1], ids[of]], 'the row links both boots')
      const to = join(scratch, `fetched-${of}`)
      const identity = ['--identity', operator.identity]
      const fetched = await operator.lastgasp(['fetch', manifest.bundle, '--to', to, ...identity], bucket.url, signal)
      equal(fetched.code, 0, `${fetched.stdout}${fetched.stderr}`)
      const args = [`--root=${join(to, 'root')}`, '-o', 'cat', '-t', 'marker', `_BOOT_ID=${ids[of - 1]}`]
      equal(
        await output('journalctl', args, {}, signal),
        `last words of boot ${of}\n`,
        'the journal is there to its end',
      )
      const shown = await operator.lastgasp(['show', manifest.bundle], bucket.url, signal)
      ok(shown.stdout.includes(`about    the boot before this one, ${ids[of - 1]}`), shown.stdout)
      match(shown.stdout, /all of this is of the boot before/)
    }
    const [log] = receiptsOf(panic, 'pstore').filter(({ status }) => status === 'complete')
    const text = await readFile(join(scratch, 'fetched-1/root', log?.item.path ?? ''), 'utf8')
    match(text, /Kernel panic - not syncing: sysrq triggered crash/)
    const listed = await operator.lastgasp(['list', '--all'], bucket.url, signal)
    equal(listed.stdout.match(/panic before/g)?.length, 1, listed.stdout)
  },
}

/** Until the daemon has dealt with the boot before: it remembers that. */
async function lookedBack(machine: Machine, signal: AbortSignal): Promise<void> {
  const file = '/var/lib/lastgasp/remembered.json'
  await machine.ok(`until [ -s ${file} ] && ! grep -q '"before"' ${file}; do sleep 1; done; sleep 8`, signal)
}
