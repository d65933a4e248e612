import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import { join } from 'node:path'
import type { Settings } from '../../settings/schema.ts'
import { sentence } from '../../words/cannot.ts'
import { type Clock, systemClock } from '../../words/clock.ts'
import { pageBytes } from '../host/auxiliary-vector.ts'
import { Disks } from './disks.ts'
import type { History, Sample } from './history.ts'
import { hostFigures } from './host-figures.ts'
import { KeptFiles } from './kept-files.ts'
import { Kills } from './kills.ts'
import { ProcessWatch } from './process-watch.ts'
import { Samples } from './samples.ts'
import { UnitWatch } from './unit-watch.ts'

/** What a recorder needs around it. */
export interface Around {
  readonly root: string
  /** As they are now: they may change while it runs. Undefined while there are none. */
  readonly settings: () => Settings['recorder'] | undefined
  readonly say: (text: string) => void
  readonly clock?: Clock
  /** The host's own clock, which anybody may set: ms since the epoch. */
  readonly wall?: () => number
}

/** Of the time between two looks, one may take this: a tenth of a percent of a processor. */
const SHARE = 1 / 1000
/** Where the settings have none, they are looked at again after this, ms. */
const OFF_MS = 60_000
const OFF = { interval: OFF_MS, span: 0 }

/**
 * The collector's flight recorder: what the host was like, again and again, kept in memory alone. Whatever fails in a look is missing in it,
 * and nothing else.
 */
export class Recorder implements Disposable {
  readonly #around: Around
  readonly #clock: Clock
  #recording: Recording | undefined
  #callOff = () => {}
  #problem: string | undefined

  constructor(around: Around) {
    this.#around = around
    this.#clock = around.clock ?? systemClock
  }

  /** Looks for the first time, and goes on until it is disposed of. */
  begin(): void {
    const { interval, span } = this.#around.settings() ?? OFF
    const isOn = span > 0
    if (isOn) this.#look(interval, span)
    else this.#forget()
    // Counted from the end of a look: on a host that hardly runs, looks do not queue up.
    this.#callOff = this.#clock.after(isOn ? interval : OFF_MS, () => this.begin())
  }

  /** What was seen; undefined where nothing was. */
  history(): History | undefined {
    const { interval, span } = this.#around.settings() ?? OFF
    const samples = this.#recording?.samples.all() ?? []
    const [first] = samples
    if (first === undefined) return undefined
    return { interval, span, samples, kills: this.#recording?.kills.since(first.at) ?? [] }
  }

  [Symbol.dispose](): void {
    this.#callOff()
    this.#forget()
  }

  #look(interval: number, span: number): void {
    try {
      this.#recording ??= new Recording(this.#around.root, this.#clock)
      this.#recording.look(interval * SHARE, span, (this.#around.wall ?? Date.now)())
    } catch (error) {
      const problem = sentence(error)
      if (problem !== this.#problem) this.#around.say(`a look of the recorder failed: ${problem}`)
      this.#problem = problem
    }
  }

  #forget(): void {
    this.#recording?.[Symbol.dispose]()
    this.#recording = undefined
  }
}

/** One recording, with all that it keeps open. */
class Recording implements Disposable {
  readonly samples = new Samples()
  readonly kills: Kills
  readonly #clock: Clock
  readonly #files: KeptFiles
  readonly #processes: ProcessWatch
  readonly #units: UnitWatch
  readonly #disks = new Disks()
  readonly #pageBytes: number
  /** What the clock said when the host was started. */
  readonly #booted: number
  #number = 0

  constructor(root: string, clock: Clock) {
    this.#clock = clock
    this.#files = new KeptFiles(root)
    this.#pageBytes = pageBytes(auxiliaryVector(root))
    const seconds = Number.parseFloat(this.#files.glance('proc/uptime'))
    this.#booted = clock.now() - (Number.isNaN(seconds) ? uptime() : seconds) * 1000
    this.#processes = new ProcessWatch(root, this.#files, this.#pageBytes)
    this.#units = new UnitWatch(root, this.#files)
    this.kills = new Kills(root)
  }

  /** One look, which may take `ms`, half of them for the services. */
  look(ms: number, span: number, wall: number): void {
    const [began, at] = [this.#clock.now(), this.#clock.now() - this.#booted]
    const { busy, disk } = this.#disks.look(this.#files.read('proc/diskstats'), at)
    const figures = { ...hostFigures(this.#files, this.#pageBytes), disk_busy: busy }
    const units = this.#units.look(at, () => this.#clock.now() - began < ms / 2)
    const processes = this.#processes.look(at, () => this.#clock.now() - began < ms)
    this.kills.look(at, wall)
    const sample: Sample = { number: this.#number++, at, wall, figures, disk, top: [...processes, ...units] }
    this.samples.add(sample, span)
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]()
    this.kills[Symbol.dispose]()
  }
}

function auxiliaryVector(root: string): Buffer | undefined {
  try {
    return readFileSync(join(root, 'proc/self/auxv'))
  } catch {
    return undefined
  }
}
