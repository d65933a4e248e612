import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { OwnCollector } from '../../agent/daemon/own-collector.ts'
import { until } from './processes.ts'

// Longer than a runner allows by itself, for machines that do much else.
t.setTimeout(180_000)

const never = new AbortController().signal
/** ms: what anything takes here that does not hang, and more than a collector of our own gets to end. */
const PATIENCE_MS = 30_000

/** A program in place of ours, and where it is started: what it leaves in the directory for temporary files, and who runs. */
function programOf(t: Test, program: string) {
  const before = { program: process.argv[1] as string, tmp: tmpdir() }
  // Not t.testdir(): the path of a socket is a short one.
  const directory = mkdtempSync(join(before.tmp, 'lastgasp-test-'))
  mkdirSync(join(directory, 'tmp'))
  writeFileSync(join(directory, 'program.mjs'), program)
  process.argv[1] = join(directory, 'program.mjs')
  process.env.TMPDIR = join(directory, 'tmp')
  t.teardown(() => {
    process.argv[1] = before.program
    process.env.TMPDIR = before.tmp
    rmSync(directory, { recursive: true })
  })
  return {
    from: { root: directory, set: [] },
    left: () => readdirSync(join(directory, 'tmp')),
    isRunning: () => childrenOf(process.pid).length > 0,
  }
}

function childrenOf(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean)
}

const MAIN = JSON.stringify(join(import.meta.dirname, '../../agent/main.ts'))

t.test('a collector of our own answers, and ends with us', async (t) => {
  const { from, left, isRunning } = programOf(t, `await import(${MAIN})`)
  const own = await OwnCollector.start(from, never)
  t.equal(left().length, 1)
  // It answers from the first moment on at which we have it.
  const { problems } = await own.collector.health(AbortSignal.timeout(PATIENCE_MS))
  t.ok(Array.isArray(problems))
  await own[Symbol.asyncDispose]()
  t.strictSame([left(), isRunning()], [[], false])
})

t.test('one that ends at once is told with how it ended', async (t) => {
  const { from, left } = programOf(t, 'process.exit(7)')
  await t.rejects(OwnCollector.start(from, never), /^cannot start a collector: it ended at once \(exit 7\)/)
  t.strictSame(left(), [])
  const killed = programOf(t, `process.kill(process.pid, 'SIGKILL')`)
  await t.rejects(OwnCollector.start(killed.from, never), /it ended at once \(SIGKILL\)/)
})

t.test('one that does not answer within a minute is given up', async (t) => {
  const { from, left } = programOf(t, 'process.stdin.on("end", () => process.exit()).resume()')
  const { timeout } = AbortSignal
  // A minute of the test is a second.
  AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms === 60_000 ? 1_000 : ms)
  t.teardown(() => {
    AbortSignal.timeout = timeout
  })
  const end = new AbortController()
  const late = setTimeout(() => end.abort(new Error('nobody has given it up')), PATIENCE_MS)
  await t.rejects(OwnCollector.start(from, end.signal), /cannot wait for its first answer: /)
  t.notOk(end.signal.aborted)
  clearTimeout(late)
  t.strictSame(left(), [])
})

t.test('one that never answers, and does not end by itself, is ended two seconds after', async (t) => {
  const { from, left, isRunning } = programOf(t, 'setInterval(() => {}, 1000)')
  const end = new AbortController()
  const starting = OwnCollector.start(from, end.signal)
  const refused = t.rejects(starting, /^cannot start a collector: cannot wait for its first answer: /)
  await until(isRunning, 'it to be started')
  const started = performance.now()
  end.abort()
  await refused
  const ms = performance.now() - started
  t.ok(ms > 1_900 && ms < 12_000, `${ms} ms`)
  await until(() => !isRunning(), 'it to be ended')
  t.strictSame(left(), [])
})
