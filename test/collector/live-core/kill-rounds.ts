import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { compile, start, until } from './patients.ts'
import { scratch } from './scratch.ts'

const SIGRTMIN = 34
/** Slots of programs/alive.c: 16 threads, the main thread, signals. */
const COUNTERS = 17
const SIGNALS = 63
/** ms after which a tracer is killed, at most: several captures. */
const LONGEST = 60

/** Kills a tracer by SIGKILL at random moments; after each its patient must live, untraced, go on in all threads, and answer. */
export async function killRounds(t: Parameters<typeof scratch>[0], rounds: number): Promise<void> {
  const directory = scratch(t)
  const counts = join(directory, 'counts')
  writeFileSync(counts, Buffer.alloc(4096))
  const { target } = await start(t, directory, [compile(directory, 'alive'), counts])
  const count = (slot: number) => readFileSync(counts).readUInt32LE(slot * 4)
  for (let round = 1; round <= rounds; round += 1) {
    const script = join(import.meta.dirname, 'tracer.ts')
    const args = ['--disable-warning=ExperimentalWarning', script, String(target.pid)]
    const tracer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => void tracer.kill('SIGKILL'))
    await once(tracer.stdout, 'data')
    await setTimeout(Math.random() * LONGEST)
    const ended = once(tracer, 'exit')
    tracer.kill('SIGKILL')
    const [, signal] = await ended
    if (signal !== 'SIGKILL') throw new Error(`round ${round}: the tracer ended by itself`)

    await until(`round ${round}: nothing is traced or stopped`, () => threadStates(target.pid).every(runsFreely))
    const before = readFileSync(counts)
    process.kill(target.pid, SIGRTMIN)
    for (let slot = 0; slot < COUNTERS; slot += 1) {
      await until(`round ${round}: thread ${slot} goes on`, () => count(slot) !== before.readUInt32LE(slot * 4))
    }
    await until(`round ${round}: it answers`, () => count(SIGNALS) === round)
  }
}

/** Of all threads; one that ends meanwhile is left out. */
function threadStates(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((tid) => {
    try {
      return [readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8')]
    } catch {
      return []
    }
  })
}

const runsFreely = (text: string) => /^TracerPid:\t0$/m.test(text) && !/^State:\t[tT]/m.test(text)
