import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { readCorePattern } from '../../../../agent/collector/crashed-cores/core-pattern.ts'
import { openSystem } from '../../../../agent/collector/host/ffi.ts'
import { Intake } from '../../../../agent/collector/sources/cores/intake.ts'
import { coresSource } from '../../../../agent/collector/sources/cores/source.ts'
import type { Found, Inventory } from '../../../../agent/collector/sources/source.ts'
import { context, host, scratch } from '../../crashed-cores/cores.ts'
import { syntheticCore } from '../../elf/synthetic-core.ts'
import { PLENTY } from '../../looking.ts'
import { readAll, unhurried } from '../../reading.ts'

const SCRIPTS = join(import.meta.dirname, '../../../../units/usr/lib/lastgasp')
const UNLIMITED = '18446744073709551615'
/** No process has it: PID_MAX_LIMIT is 2^22. */
const PID = 2 ** 22 + 1
const CORE = syntheticCore({ bits: 64, loads: 300, pid: PID, comm: 'app' })

/** A script of the image, with the directories of a test in place of the host's. */
function script(directory: string, name: string, places: Readonly<Record<string, string>>): string {
  let text = readFileSync(join(SCRIPTS, name), 'utf8')
  for (const [of, place] of Object.entries(places)) text = text.replaceAll(of, place)
  const path = join(directory, name)
  writeFileSync(path, text)
  chmodSync(path, 0o755)
  return path
}

/** An intake with a FIFO and a directory of its own; what is said to be closed may change. */
function intakeOf(t: Test, root = '/') {
  const directory = scratch(t)
  const fifo = join(directory, 'crashes')
  mkdirSync(join(directory, 'wall'))
  execFileSync('mkfifo', ['-m', '600', fifo])
  const seal: { closed?: string; traced: boolean } = { traced: false }
  const intake = new Intake({
    root,
    fifo,
    directory: join(directory, 'wall'),
    closed: () => seal.closed,
    traced: () => seal.traced,
  })
  t.teardown(() => intake[Symbol.dispose]())
  const handler = script(directory, 'core-handler', { '/run/lastgasp': directory })
  /** As the kernel starts it, with a core in a pipe; `feed` writes it. Gives its exit code and how long it took. */
  const crash = async (words: readonly string[], feed = 'cat "$core"', core = CORE) => {
    const file = join(directory, `core-${words[0]}`)
    writeFileSync(file, core)
    const began = performance.now()
    const child = spawn('sh', ['-c', `${feed} | "$0" "$@"`, handler, ...words], {
      env: { core: file, PATH: '/usr/bin:/bin' },
    })
    const [code] = await once(child, 'exit')
    return { code, ms: performance.now() - began }
  }
  return { directory, intake, seal, crash }
}

/** The id of a process that has a core in its standard input, a pipe, and waits; to be seen in a host's own /proc. */
async function handlerIn(t: Test, root: string): Promise<number> {
  const shell = spawn('sh', ['-c', 'echo core | sh -c "echo \\$\\$; exec sleep 60 >/dev/null"'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const handler = Number(String((await once(shell.stdout, 'data'))[0]))
  t.ok(handler > 1)
  t.teardown(() => handler > 1 && process.kill(handler, 'SIGKILL'))
  symlinkSync(`/proc/${handler}`, join(root, `proc/${handler}`))
  return handler
}

const WORDS = [String(PID), '11', '1700000000', '998', UNLIMITED]

/** What comes up in a session until `enough`, then its last words; watched in the background. */
function watched(source: ReturnType<typeof coresSource>, root: string, cores: Parameters<typeof context>[1] = {}) {
  const stop = new AbortController()
  const session = source.open(context(root, cores))
  const all: Inventory[] = []
  const ended = (async () => {
    await session.inventory(PLENTY, unhurried())
    for await (const one of session.comesUp?.(PLENTY, stop.signal, unhurried()) ?? []) all.push(one)
  })()
  const found = () => all.flatMap((one) => one.found)
  const until = async (count: number): Promise<readonly Found[]> => {
    while (found().length < count) await sleep(5)
    return found()
  }
  const end = async () => {
    stop.abort()
    await ended
  }
  return { until, end, gaps: () => all.flatMap(({ gaps }) => gaps) }
}

t.test('a core is handed over as the kernel writes it: taken whole, and the handler let go at once', async (t) => {
  const { directory, intake, crash } = intakeOf(t)
  intake.begin()
  t.equal(intake.problem, undefined)
  t.ok(existsSync(join(directory, 'wall/armed')))
  const root = host(t)
  const watch = watched(coresSource(openSystem(), intake), root)
  const crashed = crash(WORDS)
  const [item] = await watch.until(1)
  t.match(item, { name: `cores/${PID}.${PID}.core.zst`, class: 'memory', phase: 'stored', encoding: 'frames' })
  t.match(item?.identity, { pid: PID, uid: 998, signal: 11, at: 1_700_000_000_000, bootId: /^3{12}/ })
  const { content, outcome } = await readAll(item)
  t.ok(content.equals(CORE))
  t.equal(outcome.truncated, undefined)
  t.match(outcome.identity, { comm: String(PID), details: { source: 'cores', handed: true } })
  t.equal(outcome.identity?.unchecked, undefined)
  t.equal((await crashed).code, 0)
  await t.rejects(readAll(item), /waits for it no longer/)
  await watch.end()
  t.strictSame(watch.gaps(), [])
})

t.test('one that breaks off says so, and how much of it there is', async (t) => {
  const { intake, crash } = intakeOf(t)
  intake.begin()
  const watch = watched(coresSource(openSystem(), intake), host(t))
  const crashed = crash(WORDS, 'head -c 100000 "$core"')
  const [item] = await watch.until(1)
  const { content, outcome } = await readAll(item)
  t.equal(content.length, 100_000)
  t.match(outcome.truncated, /wrote only 97\.7KiB of its 1\.19MiB/)
  await crashed
  await watch.end()
})

t.test('what the kernel does not begin to write is not waited for', async (t) => {
  const { intake, crash } = intakeOf(t)
  intake.begin()
  const watch = watched(coresSource(openSystem(), intake), host(t))
  const crashed = crash(WORDS, '{ head -c 100 "$core"; sleep 4; }')
  while (watch.gaps().length < 1) await sleep(5)
  t.match(watch.gaps(), [{ status: 'failed', reason: /cannot read its core: no answer within 2000 ms/ }])
  await watch.end()
  await crashed
})

t.test('memory that was never touched is zeros in the pipe, and counts as holes', async (t) => {
  const { intake, crash } = intakeOf(t)
  intake.begin()
  const watch = watched(coresSource(openSystem(), intake), host(t))
  const MiB = 1024 * 1024
  const crashed = crash(WORDS, '{ cat "$core"; head -c 16777216 /dev/zero; }')
  const [item] = await watch.until(1)
  const { content, outcome } = await readAll(item)
  t.ok(content.equals(Buffer.concat([CORE, Buffer.alloc(16 * MiB)])))
  t.equal(outcome.identity?.holes, 12 * MiB, 'blocks of 4 MiB that are all zeros')
  await crashed
  await watch.end()
})

t.test('who it was is asked of the process that waits, which the kernel keeps', async (t) => {
  const root = host(t)
  const status = 'Name:\tshop\nUid:\t33\t33\t33\t33\nThreads:\t4\nVmRSS:\t 100 kB\nVmData:\t 900 kB\nCoreDumping:\t1\n'
  mkdirSync(join(root, 'proc/300'))
  writeFileSync(join(root, 'proc/300/status'), status)
  writeFileSync(join(root, 'proc/300/cgroup'), '0::/system.slice/shop.service\n')
  symlinkSync('/usr/sbin/shop', join(root, 'proc/300/exe'))
  const sleeper = await handlerIn(t, root)
  const { directory, intake } = intakeOf(t, root)
  intake.begin()
  const watch = watched(coresSource(openSystem(), intake), root)
  writeFileSync(join(directory, 'crashes'), `no words\n300 11 1700000000 33 ${UNLIMITED} ${sleeper}\n`)
  const [item] = await watch.until(1)
  t.match(item?.identity, { pid: 300, comm: 'shop', uid: 33, unit: 'shop.service', exe: '/usr/sbin/shop', threads: 4 })
  t.match(item, { name: 'cores/shop.300.core.zst', bytes: 900 * 1024, holes: 800 * 1024 })
  t.ok(existsSync(join(directory, `wall/taken.${sleeper}`)))
  await watch.end()
  t.strictSame(watch.gaps(), [], 'a process that has handed its core over has not lost it')
})

t.test('what is not to be taken is told of, and its process let go: closed memory, a core limit of 0', async (t) => {
  const { directory, intake, seal, crash } = intakeOf(t)
  intake.begin()
  const watch = watched(coresSource(openSystem(), intake), host(t))
  await crash([String(PID), '11', '1700000000', '998', '0'])
  seal.closed = 'no recipient is set'
  await crash([String(PID + 1), '6', '1700000001', '998', UNLIMITED])
  while (watch.gaps().length < 2) await sleep(5)
  t.match(watch.gaps(), [
    { status: 'failed', reason: /crashed .*core limit/, identity: { pid: PID, signal: 11, at: 1_700_000_000_000 } },
    { status: 'failed', because: 'seal', reason: /crashed .*no recipient/, identity: { pid: PID + 1, signal: 6 } },
  ])
  await watch.end()
  intake.arm()
  t.notOk(existsSync(join(directory, 'wall/armed')), 'the next shutdown leaves the kernel alone')
  t.equal((await crash(WORDS)).code, 1, 'and a handler that is started all the same gives up at once')
  seal.traced = true
  intake.arm()
  t.ok(existsSync(join(directory, 'wall/armed')), 'where crashes are told by function it hands over all the same')
  t.match(intake.problem, /no recipient/)
})

t.test('no more of them than the settings allow', async (t) => {
  const root = host(t)
  mkdirSync(join(root, 'proc/300'))
  writeFileSync(join(root, 'proc/300/status'), 'Name:\tshop\nUid:\t33\t33\t33\t33\nVmRSS:\t 100 kB\nCoreDumping:\t1\n')
  const sleeper = await handlerIn(t, root)
  const { directory, intake } = intakeOf(t, root)
  intake.begin()
  const watch = watched(coresSource(openSystem(), intake), root, { limit: 100 * 1024 - 1 })
  writeFileSync(join(directory, 'crashes'), `300 11 1700000000 33 ${UNLIMITED} ${sleeper}\n`)
  while (watch.gaps().length < 1) await sleep(5)
  t.match(watch.gaps(), [
    { because: 'limit', reason: /^shop\[300\] crashed .*beyond cores\.limit/, identity: { pid: 300 } },
  ])
  await watch.end()
})

t.test('where cores lie was decided before they were handed over to us', async (t) => {
  const ours = host(t, '|/usr/lib/lastgasp/core-handler %P %s %t %u %c')
  mkdirSync(join(ours, 'run/lastgasp'), { recursive: true })
  writeFileSync(join(ours, 'run/lastgasp/core_pattern'), '/var/cores/%e.%p\n16\n')
  t.match(await readCorePattern(ours, unhurried()), { kind: 'directory', directory: '/var/cores' })
  t.match(await readCorePattern(host(t, '|/usr/lib/lastgasp/x'), unhurried()), { kind: 'scattered', text: 'core' })
})

t.test('when nobody listens any more, nobody waits', async (t) => {
  const { intake, crash } = intakeOf(t)
  intake.begin()
  const watch = watched(coresSource(openSystem(), intake), host(t))
  await sleep(20)
  await watch.end()
  const { code } = await crash(WORDS, 'cat "$core" /dev/zero')
  t.equal(code, 0)
  // The handler is let go before its process has been asked who it was.
  await intake.arrived
  t.match(intake.claim(), [{ core: /had ended/ }])
})

t.test('a handler whose word nobody hears gives up after some two seconds', async (t) => {
  const { directory, crash } = intakeOf(t)
  writeFileSync(join(directory, 'wall/armed'), '')
  const { code, ms } = await crash(WORDS)
  t.equal(code, 0)
  t.ok(ms >= 2_000, `${ms} ms`)
})

t.test('where there is no FIFO it says so, and leaves the kernel alone', async (t) => {
  const directory = scratch(t)
  const places = { root: '/', directory, closed: () => undefined, traced: () => true }
  writeFileSync(join(directory, 'armed'), 'of one before')
  using none = new Intake({ ...places, fifo: join(directory, 'crashes') })
  none.begin()
  t.match(none.problem, /cannot listen at .*ENOENT/)
  t.notOk(existsSync(join(directory, 'armed')))
  writeFileSync(join(directory, 'file'), '')
  using file = new Intake({ ...places, fifo: join(directory, 'file') })
  file.begin()
  t.match(file.problem, /no FIFO/)
})

t.test(
  'the switch: ours while the host goes down, theirs again afterwards, never where nobody has said so',
  async (t) => {
    const directory = scratch(t)
    const kernel = join(directory, 'kernel')
    const theirs = '|/usr/lib/systemd/systemd-coredump %P %u %g %s %t %c %h %d'
    mkdirSync(kernel)
    mkdirSync(join(directory, 'wall'))
    const cores = script(directory, 'cores', { '/run/lastgasp': directory, '/proc/sys/kernel': kernel })
    const now = () => ['core_pattern', 'core_pipe_limit'].map((name) => readFileSync(join(kernel, name), 'utf8').trim())
    const run = (to: string) => spawnSync(cores, [to]).status
    writeFileSync(join(kernel, 'core_pattern'), `${theirs}\n`)
    writeFileSync(join(kernel, 'core_pipe_limit'), '16\n')
    t.equal(run('ours'), 0)
    t.equal(run('theirs'), 0)
    t.strictSame(now(), [theirs, '16'], 'nobody has said that cores may be taken')
    writeFileSync(join(directory, 'wall/armed'), '')
    t.equal(run('ours'), 0)
    t.equal(run('ours'), 0, 'twice')
    const [pattern = '', limit] = now()
    t.match(pattern, /^\|\/usr\/lib\/lastgasp\/core-handler %P %s %t %u %c$/)
    t.ok(pattern.length < 128 && limit === '4', 'CORENAME_MAX_SIZE of the kernel')
    t.equal(run('theirs'), 0)
    t.strictSame(now(), [theirs, '16'])
    writeFileSync(join(kernel, 'core_pattern'), 'core\n')
    t.equal(run('theirs'), 0)
    t.strictSame(now(), ['core', '16'], 'what somebody else has set since is left')
  },
)
