import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Found } from '../../../../agent/collector/sources/source.ts'
import { allTaken } from '../../../streams/poisoned.ts'
import { scratch } from '../../crashed-cores/cores.ts'
import { unhurried } from '../../reading.ts'
import { look, MIB, put } from './host.ts'
import { LINE, numbered } from './numbered.ts'

const SIZE = 300 * MIB

/** Looks at lines as they pass: the first and the last, and where the next one is not the next. */
class Lines {
  first: number | undefined
  last: number | undefined
  holes = 0
  #rest = Buffer.alloc(0)

  take(chunk: Buffer): void {
    const all = Buffer.concat([this.#rest, chunk])
    const whole = all.length - (all.length % LINE)
    for (let at = 0; at < whole; at += LINE) {
      const line = Number(all.toString('latin1', at, at + 16))
      this.first ??= line
      if (this.last !== undefined && line !== this.last + 1) this.holes += 1
      this.last = line
    }
    this.#rest = Buffer.from(all.subarray(whole))
  }
}

async function linesOf(found: Found, onBegun: () => void = () => {}) {
  const lines = new Lines()
  await using reading = await found.open(found.bytes * 2 + 64 * MIB, unhurried())
  for await (const chunk of allTaken(reading.chunks)) {
    lines.take(chunk)
    onBegun()
  }
  return { lines, outcome: reading.outcome() }
}

t.test('a log of 300 MiB that is written and rotated all the while: no hole up to its end', async (t) => {
  const root = scratch(t)
  const log = put(root, '/var/log/app.log', '')
  for (let at = 0; at < SIZE / LINE; at += MIB / LINE) appendFileSync(log, numbered(at, MIB / LINE))
  const { found, gaps } = await look(root)
  t.match(gaps, [
    {
      status: 'skipped',
      because: 'limit',
      reason:
        /^the first 44MiB of .var.log.app.log, 300MiB, are left out: files.limit is 256MiB, 300MiB would take all$/,
    },
  ])
  const ends = found.filter(({ name }) => name.startsWith('files/'))
  t.strictSame(
    ends.map(({ bytes }) => bytes / MIB),
    [8, 32, 128, 88],
  )
  const program = join(import.meta.dirname, 'rotator.ts')
  const writer: ChildProcess = spawn(process.execPath, [program, log, `${SIZE / LINE}`], { stdio: 'inherit' })
  const ended = once(writer, 'exit')
  t.teardown(() => writer.kill('SIGKILL'))
  const limit = Date.now() + 60_000
  while (!existsSync(`${log}.2`) && Date.now() < limit) await new Promise((resolve) => setTimeout(resolve, 5))

  const logged = async () => (await look(root)).found.length
  t.ok((await logged()) > 1)
  const [newest, ...older] = await Array.fromAsync(ends, (item) => linesOf(item))
  t.equal(await ended.then(([code]) => code), 0)
  t.equal(newest?.lines.first, (SIZE - 8 * MIB) / LINE)
  t.ok((newest?.lines.last ?? 0) > SIZE / LINE + 20_000, 'what was begun in its place, too')
  t.equal(newest?.lines.holes, 0)
  t.strictSame(newest?.outcome.truncated, undefined)
  let before = newest?.lines.first ?? 0
  for (const { lines, outcome } of older) {
    t.strictSame([lines.holes, lines.last, outcome.truncated], [0, before - 1, undefined])
    t.match(outcome.identity?.details, { older: true, rotated: /^app\.log\.\d+$/ })
    before = lines.first ?? 0
  }
  t.equal(before, (44 * MIB) / LINE, 'and the receipt says what is not')
  t.ok(statSync(log).isFile())
})
