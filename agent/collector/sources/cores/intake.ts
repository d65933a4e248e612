import { closeSync, constants, fstatSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { cannot, sentence } from '../../../words/cannot.ts'
import { abandonable } from '../../../words/deadline.ts'
import { type OwnedFile, openOwned } from '../../host/owned-file.ts'
import { type Dumping, dumpingProcess } from './dumping.ts'

/** A process that crashed while the host goes down, as the kernel has told its handler. */
export interface Arrival {
  readonly process: Dumping
  /** Whether the kernel says that it is there, and is dumping. */
  readonly isKnown: boolean
  /** Signal number that ended it. */
  readonly signal: number
  /** ms since the epoch; the kernel tells the second. */
  readonly at: number
  /** Its core, as the kernel writes it; or why it is not to be had. Whoever has claimed the arrival closes it. */
  readonly core: OwnedFile | string
  /** Why the core may not be taken: it is there for its stacks only. */
  readonly closed?: Closed
}

/** Why a core is not taken, and by whose will. */
export interface Closed {
  readonly reason: string
  readonly because: 'host' | 'seal'
}

/** What units/usr/lib/lastgasp/core-handler writes of each: PID SIGNAL TIME UID LIMIT HANDLER. */
const WORD = /^(\d{1,10}) (\d{1,2}) (\d{1,12}) (\d{1,10}) (\d{1,20}) (\d{1,10})$/
/** A line is some 60 bytes. */
const MOST_PENDING = 4096
/** ms for what is asked of /proc. */
const PROC_MS = 1_000
/** ms after which a handler has ended that waits two seconds for our word. */
const HANDLER_MS = 10_000
/**
 * ms for which a core is kept that nobody has claimed or begun to read: its process waits for it, and its unit's stop timeout, 90 s where
 * nothing else is said, goes on meanwhile.
 */
export const KEPT_MS = 30_000
const UNBEGUN = 'nobody could take its core in time'
const OVER = 'the capture had ended'

/** By `closed` it is told why class `memory` may not leave the host, if that is so; by `traced` whether crashes are told by function all the same. */
export interface IntakeOf {
  /** Where the host's /proc is. */
  readonly root: string
  /** The FIFO by which the handler tells of a crash. */
  readonly fifo: string
  /** Where our own words for it lie: that we are there, and that a core has been taken over. */
  readonly directory: string
  readonly closed: () => string | undefined
  readonly traced: () => boolean
}

/**
 * Takes over the cores of what crashes while the host goes down. The kernel gives each to a handler of ours (core(5)), which tells us of it by a
 * FIFO; we open its standard input, which is the kernel's pipe, and let it go. From then on the process that crashed waits for us, and for
 * nobody when we die.
 */
export class Intake implements Disposable {
  readonly #of: IntakeOf
  #socket: Socket | undefined
  #problem: string | undefined = 'its FIFO is not open'
  #waiting: Arrival[] = []
  #arrived = Promise.withResolvers<void>()
  #followers = 0
  /** Somebody has listened, and listens no more. */
  #isOver = false
  readonly #pids = new Set<number>()

  constructor(of: IntakeOf) {
    this.#of = of
  }

  /** Why cores cannot be taken over, or may not leave, if so. */
  get problem(): string | undefined {
    return this.#problem ?? this.#of.closed()
  }

  /** Why none is to be handed over. */
  get #idle(): string | undefined {
    return this.#of.traced() ? this.#problem : this.problem
  }

  /** Of all that have crashed so. */
  get pids(): ReadonlySet<number> {
    return this.#pids
  }

  /** Resolves when there is something that has arrived and that nobody has claimed. */
  get arrived(): Promise<void> {
    return this.#waiting.length > 0 ? Promise.resolve() : this.#arrived.promise
  }

  /** Listens from now on, where the FIFO is. */
  begin(): void {
    const { fifo, directory } = this.#of
    try {
      // Open for writing too: so it never ends.
      const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW)
      if (!fstatSync(fd).isFIFO()) {
        closeSync(fd)
        throw new Error('it is no FIFO')
      }
      const socket = new Socket({ fd, readable: true, writable: false })
      socket.on('error', (error) => {
        this.#problem = sentence(error)
      })
      this.#listen(socket)
      this.#problem = undefined
    } catch (error) {
      this.#problem = sentence(cannot(`listen at ${fifo}`, error))
    }
    void readdir(directory).then(
      (names) => {
        for (const name of names) if (name.startsWith('taken.')) void rm(join(directory, name), { force: true })
      },
      () => {},
    )
    this.arm()
  }

  /** Says to who makes the kernel start our handler whether we are there for it: by the settings of now. */
  arm(): void {
    const armed = join(this.#of.directory, 'armed')
    try {
      if (this.#idle === undefined) writeFileSync(armed, '')
      else rmSync(armed, { force: true })
    } catch (error) {
      this.#problem = sentence(cannot(`say so in ${armed}`, error))
    }
  }

  /** From now on, until it is disposed of, somebody claims what arrives. When nobody does any more, nobody is kept waiting. */
  follow(): Disposable {
    this.#followers += 1
    this.#isOver = false
    return {
      [Symbol.dispose]: () => {
        this.#followers -= 1
        if (this.#followers > 0) return
        this.#isOver = true
        for (const { core } of this.claim()) if (typeof core !== 'string') core[Symbol.dispose]()
      },
    }
  }

  /** What has arrived since: the caller's from now on. */
  claim(): readonly Arrival[] {
    const arrivals = this.#waiting
    this.#waiting = []
    return arrivals
  }

  [Symbol.dispose](): void {
    this.#socket?.destroy()
    rmSync(join(this.#of.directory, 'armed'), { force: true })
    for (const { core } of this.claim()) if (typeof core !== 'string') core[Symbol.dispose]()
  }

  #listen(socket: Socket): void {
    let pending = ''
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      const lines = (pending + text).split('\n')
      pending = (lines.pop() ?? '').slice(-MOST_PENDING)
      for (const line of lines) void this.#accept(line).catch(() => {})
    })
    socket.unref()
    this.#socket = socket
  }

  async #accept(line: string): Promise<void> {
    const numbers = WORD.exec(line)?.slice(1).map(Number)
    if (numbers === undefined) return
    const [pid = 0, signal = 0, time = 0, uid = 0, limit = 0, handler = 0] = numbers
    const proc = join(this.#of.root, 'proc')
    this.#pids.add(pid)
    const sealed = this.#of.closed()
    const closed =
      limit === 0 ? NO_CORE : sealed === undefined ? undefined : ({ reason: sealed, because: 'seal' } as const)
    const isWanted = !this.#isOver && (closed === undefined || this.#of.traced())
    const taken = isWanted ? await pipeOf(proc, handler) : (closed?.reason ?? OVER)
    void this.#letGo(handler)
    const known = await dumpingProcess(proc, pid, AbortSignal.timeout(PROC_MS)).catch(() => undefined)
    const process = known ?? { pid, comm: String(pid), uid, threads: 1, bytes: 0, reserved: 0 }
    const arrival = {
      process,
      isKnown: known !== undefined,
      signal,
      at: time * 1000,
      core: taken,
      ...(closed && { closed }),
    }
    if (typeof taken !== 'string') this.#keep(arrival, taken)
    this.#waiting.push(arrival)
    this.#arrived.resolve()
    this.#arrived = Promise.withResolvers()
  }

  /** The handler need not wait any longer. */
  async #letGo(handler: number): Promise<void> {
    const word = join(this.#of.directory, `taken.${handler}`)
    await writeFile(word, '').catch(() => {})
    setTimeout(() => void rm(word, { force: true }).catch(() => {}), HANDLER_MS).unref()
  }

  #keep(arrival: Arrival, core: OwnedFile): void {
    setTimeout(() => {
      const at = this.#waiting.indexOf(arrival)
      if (at < 0) return
      this.#waiting[at] = { ...arrival, core: UNBEGUN }
      core[Symbol.dispose]()
    }, KEPT_MS).unref()
  }
}

const NO_CORE: Closed = { reason: 'its core limit (RLIMIT_CORE) is 0', because: 'host' }

/** The pipe that the kernel writes a core to; why it cannot be had, in a sentence. */
async function pipeOf(proc: string, handler: number): Promise<OwnedFile | string> {
  const limit = AbortSignal.timeout(PROC_MS)
  try {
    const pipe = await openOwned(join(proc, String(handler), 'fd/0'), constants.O_RDONLY, limit)
    if ((await abandonable(pipe.stat(limit), limit)).isFIFO()) return pipe
    pipe[Symbol.dispose]()
    return 'what its handler was given is no pipe'
  } catch (error) {
    return sentence(cannot('take its core over from the handler', error))
  }
}
