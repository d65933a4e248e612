import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SUITES } from '../../../scripts/vm/base.ts'
import { output } from '../../../scripts/vm/program.ts'
import { applicationUnit } from '../applications.ts'
import { checkWhole, receiptsOf } from '../bucket.ts'
import { backtraces, coreOf, type Evidence, fetchEvidence, standing } from '../live-evidence.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** s: live evidence may take 30 % of it, which emulation needs beside a service that spins. */
const DEADLINE = 180
/** MiB of the deadlocked service, of which there is a full core because it is in trouble. */
const DATA = 32
/** s that an application takes for its clean stop. */
const CLEAN = 5
/** Threads of the service at its limit. */
const TASKS = 24
/** Bytes of all stacks, sealed: what they may take of a stock Debian 13; this one has the services of the tests besides. */
const STACKS_BYTES = 1.5 * 1024 ** 2

const FILES = {
  ...applicationUnit('deadlocked', `deadlocked ${DATA}`),
  ...applicationUnit('spinning', 'spinning'),
  ...applicationUnit('greedy', 'greedy', { TasksMax: String(TASKS) }),
  ...applicationUnit('frozenfs', 'frozenfs /run/frozen'),
  ...applicationUnit('reader', 'reader /run/frozen/ledger', {}, 'frozenfs'),
  // By the console, as the capture and its journal may end before.
  ...applicationUnit('clean', `lingerer clean ${CLEAN}`, { StandardOutput: 'journal+console' }),
}

/** Nothing crashes, yet all is lost: services in every kind of hang are shut down, and the bundle says where each stood. */
export const scenario: Scenario = {
  name: 'hung',
  suites: SUITES,
  async run({ boot, bucket, operator, program, scratch, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    await using machine = await boot({ settings, files: FILES, deadline: DEADLINE })
    await bootDone(machine, signal)
    const blocked = "grep -l '^State:.D' /proc/$(pidof reader)/task/*/status | wc -l"
    await machine.ok(`until [ "$(${blocked})" = 2 ]; do sleep 0.5; done`, signal)
    await machine.ok("until journalctl -q -u greedy | grep -q 'gets no more'; do sleep 0.5; done", signal)
    step('all of them hang')
    const asked = Number(await machine.ok('echo $EPOCHREALTIME', signal))
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    const [stacks] = receiptsOf(bundle, 'stacks')
    const cores = receiptsOf(bundle, 'live')
    for (const { artifact, status, ms, reason, freezeMs, bytesIn, bytesStored } of [stacks, ...cores].flatMap(
      (one) => one ?? [],
    ))
      step(
        `${artifact} ${status} in ${ms} ms, ${bytesIn} bytes, ${bytesStored} stored, ${freezeMs} ms still ${reason ?? ''}`,
      )
    checkWhole(bundle)
    ok((stacks?.bytesStored ?? Infinity) <= STACKS_BYTES, `the stacks take ${stacks?.bytesStored} bytes`)

    const evidence = await fetchEvidence(operator, bucket, join(scratch, 'fetched'), signal)
    match(evidence.shown, /^stuck +3 of \d+ processes stuck: /m)
    for (const hang of [
      /reader \S+ \d+ in D \(\w+\)/,
      /deadlocked( \w+)? \d+ in a deadlock\?/,
      /spinning \d+ spinning/,
    ])
      match(evidence.shown, hang)
    deepEqual(standing(evidence, 'deadlocked'), ['credit deadlock?', 'deadlocked deadlock?', 'debit deadlock?'])
    deepEqual(standing(evidence, 'spinning'), ['spinning spinning'])
    deepEqual(standing(evidence, 'reader'), ['reader still', 'reads blocked', 'touches blocked'])
    equal(standing(evidence, 'greedy').length, TASKS)
    step('the table names who hangs')

    const where = async (unit: 'deadlocked' | 'spinning' | 'reader' | 'greedy', kind: 'stacks' | 'live') =>
      (await backtraces(evidence, await coreOf(evidence, kind, unit), program(unit), signal)).join('\n')
    for (const kind of ['stacks', 'live'] as const) {
      match(await where('deadlocked', kind), /lock\S* < take_ledger < transfer < start_thread/)
      match(await where('reader', kind), /read\S* < read_ledger < run_reader/)
      match(await where('reader', kind), /^touch_ledger < run_toucher/m)
    }
    match(await where('spinning', 'stacks'), /^await_answer < main/m)
    equal((await where('greedy', 'stacks')).match(/await_request/g)?.length, TASKS)
    step('gdb prints where they stood')
    await checkTraces(evidence)
    step('the traces say the same without any tool')
    await checkData(evidence, program('deadlocked'), signal)
    checkCleanStop(machine.console.text, asked)
    step('the full core has the data, and who needed time for a clean stop got it')
  },
}

/** By function, on the host: who waits for whom, who spins, and who cannot be woken. */
async function checkTraces({ directory }: Evidence): Promise<void> {
  const traces = await readFile(join(directory, 'traces/traces.txt'), 'utf8')
  const frame = (name: string) => `#\\d+ +0x[0-9a-f]{16} ${name}\\+0x[0-9a-f]+ \\(\\S+\\)`
  match(traces, new RegExp(`${frame('take_ledger')}\n${frame('transfer')}`))
  match(traces, new RegExp(`spinning.*\n(?:#.*\n)*${frame('await_answer')}`))
  match(traces, new RegExp(frame('read_ledger')))
}

/** Each page of the deadlocked service's data starts with its number. */
async function checkData(evidence: Evidence, program: string, signal: AbortSignal): Promise<void> {
  const core = await coreOf(evidence, 'live', 'deadlocked')
  const last = DATA * 256 - 1
  const print = [0, 1, last].flatMap((page) => ['-ex', `print *(unsigned long *)(data + ${page} * 4096)`])
  const args = ['-nx', '-batch', program, core, ...print, '-ex', 'print size']
  const printed = await output('gdb', args, { cwd: evidence.directory }, signal)
  const values = [...printed.matchAll(/^\$\d+ = (\d+)$/gm)].map(([, value]) => Number(value))
  deepEqual(values, [0, 1, last, DATA * 1024 ** 2])
}

/** Said by the service itself: it was asked to stop after the shutdown had begun, and was done as long afterwards as it takes. */
function checkCleanStop(console: string, asked: number): void {
  const at = (what: string) => Number(new RegExp(`clean ${what} at ([0-9.]+)`).exec(console)?.[1])
  ok(at('stopping') > asked, `it was asked to stop at ${at('stopping')}, the shutdown began at ${asked}`)
  ok(at('stopped') - at('stopping') >= CLEAN, `it stopped from ${at('stopping')} to ${at('stopped')}`)
}
