import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cannot } from '../../agent/words/cannot.ts'

const CHECKOUT = join(import.meta.dirname, '../..')
const UNITS = join(CHECKOUT, 'units/usr/lib/systemd/system')
/** Where the units have it, and where the build leaves it. */
const INSTALLED = '/usr/lib/lastgasp'
const BUILT = join(CHECKOUT, 'dist', process.arch, 'usr/lib/lastgasp')
/** A start on a busy machine. */
const START_MS = 30_000

/** The two resident processes. */
export interface Pair<T> {
  readonly daemon: T
  readonly collector: T
}

export const both = ({ daemon, collector }: Pair<number>): number => daemon + collector

/** Both resident processes from the build, with the flags and environment of their units, in a directory of their own. */
export class Residents implements AsyncDisposable {
  readonly pids: Pair<number>
  readonly #children: Pair<ChildProcess>
  readonly #directory: string
  get said() {
    return this.#said
  }
  #said = ''

  private constructor(directory: string, children: Pair<ChildProcess>) {
    this.#directory = directory
    this.#children = children
    this.pids = { daemon: children.daemon.pid ?? 0, collector: children.collector.pid ?? 0 }
    for (const { stdout, stderr } of Object.values(children) as ChildProcess[])
      for (const stream of [stdout, stderr]) stream?.setEncoding('utf8').on('data', (text) => (this.#said += text))
  }

  /** Starts them with these settings (`table.key=value`), until the daemon attends at the collector. */
  static async start(settings: readonly string[], signal: AbortSignal): Promise<Residents> {
    const directory = await mkdtemp(join(tmpdir(), 'lastgasp-bench-'))
    const [socket, hold] = [join(directory, 'socket'), join(directory, 'hold')]
    const set = settings.flatMap((one) => ['--set', one])
    const residents = new Residents(directory, {
      collector: await launch('lastgasp-collector.service', ['--socket', socket, '--hold', hold, ...set]),
      daemon: await launch('lastgasp.service', ['--socket', socket, ...set]),
    })
    const limit = AbortSignal.any([signal, AbortSignal.timeout(START_MS)])
    while (spawnSync('flock', ['--nonblock', hold, 'true']).status !== 1) {
      if (limit.aborted) {
        await residents[Symbol.asyncDispose]()
        throw cannot('start both processes', `they said: ${residents.#said}`)
      }
      await sleep(100)
    }
    return residents
  }

  /** The host goes down: gives the line for the console once the daemon has ended. */
  async goDown(signal: AbortSignal): Promise<string> {
    const { daemon } = this.#children
    const ended = once(daemon, 'close', { signal })
    daemon.kill('SIGTERM')
    await ended
    const line = /^lastgasp: .*$/m.exec(this.#said)?.[0]
    if (line === undefined || !line.includes(' bundle of ')) throw cannot('capture', `the daemon said: ${this.#said}`)
    return line
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of Object.values(this.#children) as ChildProcess[]) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
    }
    await rm(this.#directory, { recursive: true, force: true })
  }
}

async function launch(unit: string, args: readonly string[]): Promise<ChildProcess> {
  const text = await readFile(join(UNITS, unit), 'utf8')
  const command = /^ExecStart=(.*)$/m.exec(text)?.[1]?.replaceAll(INSTALLED, BUILT).split(' ') ?? []
  const set = [...text.matchAll(/^Environment=(\w+)=([^%\n]*)$/gm)].map(([, name, value]) => [name, value])
  const [program = '', ...own] = command
  const env = { ...process.env, ...Object.fromEntries(set) }
  return spawn(program, [...own, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
}
