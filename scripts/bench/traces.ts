import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { zstdCompressSync } from 'node:zlib'
import { openSystem } from '../../agent/collector/host/ffi.ts'
import { HandedCrashes } from '../../agent/collector/kept-stacks/handed-crashes.ts'
import { KeptStacks } from '../../agent/collector/kept-stacks/kept-stacks.ts'
import { takeStackCore } from '../../agent/collector/live-core/stack-core.ts'
import type { HostProcess } from '../../agent/collector/processes/host-process.ts'
import { readTraces } from '../../agent/collector/sources/traces/read-traces.ts'
import { type Patient, start } from '../../test/collector/live-core/patients.ts'

/**
 * What traces of so many processes of ten threads cost, in a process that has made none before: processor time (not wall) and memory. `--python` of
 * them are Pythons, whose programs have the most symbols; the others are a small one, in C.
 */
const { values } = parseArgs({
  options: { processes: { type: 'string', default: '50' }, python: { type: 'string', default: '10' } },
})
const LIMITS = { freezeMs: 20_000, threads: 4096 }
const PYTHON = `import threading
deep = lambda depth: deep(depth - 1) if depth else threading.Event().wait()
for n in range(9): threading.Thread(target=deep, args=(n,)).start()
print("ready", flush=True)
deep(5)`
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
const signal = AbortSignal.timeout(10 * 60_000)

const directory = await mkdtemp(join(tmpdir(), 'lastgasp-bench-'))
const patients: Patient[] = []
/** Ends them. */
using owned = new DisposableStack()
const owner = { teardown: (then: () => void) => owned.defer(then) }
try {
  const program = join(directory, 'hangers')
  execFileSync('gcc', ['-O2', '-pthread', join(import.meta.dirname, 'hangers.c'), '-o', program])
  const pythons = Number(values.python)
  for (let n = 0; n < Number(values.processes); n++)
    patients.push(await start(owner, directory, n < pythons ? ['python3', '-c', PYTHON] : [program]))

  const system = openSystem()
  const kept = new KeptStacks('/')
  const before = held()
  let [taking, keeping] = [0, 0]
  for (const { target } of patients) {
    const toTake = spent()
    const core = await takeStackCore(target, LIMITS, system, signal)
    taking += toTake()
    const toKeep = spent()
    await kept.add(processOf(target.pid), core, signal)
    keeping += toKeep()
  }
  say('to take the stacks, which is done in any case', taking)
  say('to keep them, with their files open', keeping)
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1)
  console.log(
    `kept: ${mib(kept.bytes)} MiB of registers and stacks, of 32; ${mib(held() - before)} MiB by what Node holds`,
  )

  const telling = spent()
  const crashed = { cores: [], logged: [] }
  const reading = readTraces(
    { root: '/', kept, crashed, handed: new HandedCrashes(), hangs: [], limit: 2 ** 30 },
    signal,
  )
  const tar: Buffer[] = []
  for await (const { bytes, release } of reading.chunks) {
    tar.push(Buffer.from(bytes))
    release()
  }
  say('to unwind, name and tell them', telling())
  console.log(JSON.stringify(reading.outcome().identity?.details))
  const all = Buffer.concat(tar)
  console.log(
    `${(all.length / 1024).toFixed(0)} KiB, ${(zstdCompressSync(all).length / 1024).toFixed(0)} KiB compressed`,
  )
} finally {
  await rm(directory, { recursive: true, force: true })
}

function processOf(pid: number): HostProcess {
  return {
    pid,
    comm: 'hangers',
    state: 'S',
    threads: 10,
    start: 0,
    memory: 0,
    own: 0,
    cgroup: '/bench.service',
    unit: 'bench.service',
  }
}

/** Bytes of all buffers that are still in use. */
function held(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}

/** Processor time of all of this process's threads from now on, in ms. */
function spent(): () => number {
  const before = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }
}

function say(what: string, ms: number): void {
  console.log(`${what.padEnd(48)} ${(ms / 1000).toFixed(2)} s of a processor`)
}
