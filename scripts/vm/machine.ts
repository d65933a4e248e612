import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cannot } from '../../agent/words/cannot.ts'
import { exists } from './base.ts'
import { Channel } from './channel.ts'
import { Console } from './console.ts'
import { copyDisk, type GuestFile, putFiles } from './disk.ts'
import type { Image } from './image.ts'
import type { Ran } from './program.ts'
import { qemuArguments } from './qemu.ts'
import { Qmp, type ShutdownCause } from './qmp.ts'

export interface BootOptions {
  /** Files that this machine has on its disk besides the image's. */
  readonly files?: Readonly<Record<string, GuestFile>>
  /** Port on this machine's loopback that the guest reaches as `STORE_ADDRESS`, and nothing else. */
  readonly port: number
  readonly memoryMiB?: number
  readonly processors?: number
  readonly root?: 'ro' | 'rw'
  /** Where the console is kept. */
  readonly console: string
  /**
   * An existing directory for the disk and for what the firmware keeps (the ACPI table of errors, in which a kernel that panics leaves
   * its last lines): whoever boots with it again boots the same machine. Else they are gone with the machine.
   */
  readonly keep?: string
  /** A directory that `save` has filled: the machine goes on from there, with memory and processors as that one's. */
  readonly saved?: string
}

/** In a directory of a machine that was saved. */
const SAVED = { disk: 'disk', state: 'state' } as const
/** Bytes a second at which a machine's memory may be written: as fast as the disk takes it. */
const SAVING_RATE = 10 * 1024 ** 3
/** ms between looks at how far that is. */
const LOOK_MS = 100

/** A machine that runs in QEMU on a disk of its own. Its power is cut when it is released. */
export class Machine implements AsyncDisposable {
  readonly console: Console
  /** The raw disk, to be read once the machine is off. */
  readonly disk: string
  readonly #directory: string
  readonly #qemu: ChildProcess
  readonly #exit: Promise<void>
  #channel: Channel | undefined
  #qmp: Qmp | undefined

  private constructor(qemu: ChildProcess, directory: string, disk: string, console: Console) {
    this.#qemu = qemu
    this.#directory = directory
    this.disk = disk
    this.console = console
    this.#exit = new Promise((resolve) => qemu.once('close', () => resolve()))
  }

  /** Starts a machine; `ready` tells when it can be talked to. */
  static async boot(image: Image, options: BootOptions, signal: AbortSignal): Promise<Machine> {
    const directory = await mkdtemp(join(tmpdir(), 'vm-'))
    const { keep, saved } = options
    const disk = join(keep ?? directory, 'disk')
    try {
      if (!(await exists(disk))) {
        await copyDisk(saved === undefined ? image.disk : join(saved, SAVED.disk), disk, signal)
        if (options.files) await putFiles(disk, options.files, signal)
      }
    } catch (thrown) {
      await rm(directory, { recursive: true })
      throw thrown
    }
    const sockets = { qmp: join(directory, 'qmp'), channel: join(directory, 'channel') }
    const { port, memoryMiB = 1024, processors = 2, root = 'rw' } = options
    const errors = keep && join(keep, 'errors')
    const args = qemuArguments({
      ...image,
      disk,
      port,
      memoryMiB,
      processors,
      root,
      sockets,
      ...(errors && { errors }),
      ...(saved && { saved: join(saved, SAVED.state) }),
    })
    // pdeathsig: a machine does not outlive the test run, however that ends.
    const qemu = spawn('setpriv', ['--pdeathsig', 'KILL', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const machine = new Machine(qemu, directory, disk, new Console(qemu.stdout, options.console))
    try {
      await Promise.race([machine.#connect(sockets, signal), machine.#refused()])
      return machine
    } catch (thrown) {
      await machine[Symbol.asyncDispose]()
      throw thrown
    }
  }

  /** Until the guest's shell listens: its services have started. */
  async ready(signal: AbortSignal): Promise<void> {
    await this.#living((alive) => this.#channel?.ready(alive), signal)
  }

  /** Until the guest's shell, which is going to be stopped, listens again: its userspace was started anew. */
  async again(signal: AbortSignal): Promise<void> {
    await this.#living((alive) => this.#channel?.readyAgain(alive), signal)
  }

  /** Until a machine that goes on from where another was saved has all of that one's memory, and runs. */
  async goesOn(signal: AbortSignal): Promise<void> {
    await this.#living(async (alive) => {
      for (;;) {
        const { running } = (await this.#qmp?.ask('query-status', {}, alive)) as { readonly running: boolean }
        if (running) break
        await sleep(LOOK_MS, undefined, { signal: alive })
      }
    }, signal)
  }

  /** Runs a shell command as root in the guest. */
  async sh(command: string, signal: AbortSignal): Promise<Ran> {
    const ran = await this.#living((alive) => this.#channel?.sh(command, alive), signal)
    if (ran === undefined) throw cannot(`run ${command} in the guest`, 'it is not connected')
    return ran
  }

  /** As `sh`, for a command that must succeed; gives its stdout. */
  async ok(command: string, signal: AbortSignal): Promise<string> {
    const { code, stdout, stderr } = await this.sh(command, signal)
    if (code !== 0) throw cannot(`run ${command} in the guest`, `it ended with ${code}: ${stderr.trim() || stdout}`)
    return stdout
  }

  /**
   * Writes all of the guest's memory to a file here, while the guest stands still: an ELF core by QEMU (dump-guest-memory of
   * qapi/dump.json), with the kernel's VMCOREINFO once the guest has loaded qemu_fw_cfg.
   */
  async dumpMemory(path: string, signal: AbortSignal): Promise<void> {
    const dump = { paging: false, protocol: `file:${path}` }
    await this.#living((alive) => this.#qmp?.ask('dump-guest-memory', dump, alive), signal)
  }

  /**
   * Leaves the machine as it is in a directory, from which others go on any number of times (`BootOptions.saved`), and stops it: migration of
   * qapi/migration.json.
   */
  async save(directory: string, signal: AbortSignal): Promise<void> {
    await this.#living(async (alive) => {
      const ask: Qmp['ask'] = async (...what) => await this.#qmp?.ask(...what)
      await ask('migrate-set-parameters', { 'max-bandwidth': SAVING_RATE }, alive)
      await ask('migrate', { uri: `exec:cat >${join(directory, SAVED.state)}` }, alive)
      for (;;) {
        const { status } = (await ask('query-migrate', {}, alive)) as { readonly status?: string }
        if (status === 'completed') break
        if (status === 'failed' || status === 'cancelled') throw cannot('save the machine', `QEMU says: ${status}`)
        await sleep(LOOK_MS, undefined, { signal: alive })
      }
      await copyDisk(this.disk, join(directory, SAVED.disk), alive)
    }, signal)
  }

  /** Presses the power button (ACPI): what clouds send. */
  powerButton(): void {
    this.#qmp?.tell('system_powerdown')
  }

  /** Presses the reset button, of which nobody in the guest is told: the end of the machine, as any reset is. */
  reset(): void {
    this.#qmp?.tell('system_reset')
  }

  /** Whether its power is on. */
  get runs(): boolean {
    return this.#qemu.exitCode === null && this.#qemu.signalCode === null
  }

  /** Cuts the power. */
  cutPower(): void {
    this.#qemu.kill('SIGKILL')
  }

  /** Until the machine is off; says why it went. */
  async off(signal: AbortSignal): Promise<ShutdownCause | undefined> {
    const { promise, reject } = Promise.withResolvers<never>()
    const abort = () => reject(cannot('see the machine go off', signal.reason))
    signal.addEventListener('abort', abort)
    try {
      if (signal.aborted) abort()
      await Promise.race([this.#exit, promise])
    } finally {
      signal.removeEventListener('abort', abort)
    }
    return this.#qmp?.cause
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.runs) this.cutPower()
    await this.#exit
    this.#channel?.[Symbol.dispose]()
    this.#qmp?.[Symbol.dispose]()
    await rm(this.#directory, { recursive: true, force: true })
  }

  /** Whatever takes a live machine ends when that goes off, and says so. */
  async #living<T>(work: (alive: AbortSignal) => Promise<T> | undefined, signal: AbortSignal) {
    const ended = new AbortController()
    this.#exit.then(() => ended.abort(`the machine went off (${this.#qmp?.cause ?? 'killed'})`))
    return work(AbortSignal.any([signal, ended.signal]))
  }

  async #connect(sockets: { readonly qmp: string; readonly channel: string }, signal: AbortSignal): Promise<void> {
    this.#channel = await Channel.open(sockets.channel, signal)
    this.#qmp = await Qmp.open(sockets.qmp, signal)
  }

  async #refused(): Promise<never> {
    let said = ''
    this.#qemu.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    this.#qemu.once('error', (error) => {
      said += error.message
    })
    await this.#exit
    throw cannot('start qemu-system-x86_64', said.trim() || 'it ended at once')
  }
}
