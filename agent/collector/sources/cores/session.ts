import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Settings } from '../../../settings/schema.ts'
import { cannot, sentence } from '../../../words/cannot.ts'
import { abandonable, within } from '../../../words/deadline.ts'
import type { Because, InventoryGap } from '../../../words/evidence.ts'
import { formatBytes } from '../../../words/units.ts'
import { chooseCores } from '../../crashed-cores/choose.ts'
import type { CoreFile } from '../../crashed-cores/core-file.ts'
import { type CorePattern, readCorePattern } from '../../crashed-cores/core-pattern.ts'
import { crashEntries } from '../../crashed-cores/crash-entries.ts'
import { type Finds, findCores } from '../../crashed-cores/find.ts'
import { type Boot, thisBoot, thisBootId } from '../../host/this-boot.ts'
import type { HandedCrashes } from '../../kept-stacks/handed-crashes.ts'
import type { Found, Inventory, SourceSession } from '../source.ts'
import { Changes } from './changes.ts'
import { isCoreOf } from './core-of.ts'
import { type Dumping, dumpingProcesses } from './dumping.ts'
import { handedCore, identityOf } from './handed-over.ts'
import type { Arrival, Intake } from './intake.ts'
import { coreItem, type Host } from './item.ts'
import { lostCore } from './lost.ts'
import { elsewhere, isSystemd, nothingCrashed } from './nothing-crashed.ts'
import { beginPipe, inStart } from './read-pipe.ts'
import { gapsOf, Told } from './told.ts'
import { unfinishedItem } from './unfinished.ts'
import { uniqueName } from './unique-name.ts'

/** What is known of cores on the host at one moment. */
interface Survey {
  readonly boot: Boot
  readonly pattern: CorePattern
  readonly finds: Finds
  readonly found: readonly Found[]
  readonly gaps: readonly InventoryGap[]
  /** Processes that are dumping and whose core is not there yet. */
  readonly unfinished: readonly Dumping[]
  /** Whether a core lies there already that somebody is still writing. */
  readonly isGrowing: boolean
}

/**
 * `first` and `last` tell of all there is. `between` tells of cores that are finished, and leaves the rest to the last look, so that what
 * is left out is told of once.
 */
type Look = 'first' | 'between' | 'last'

/** One capture's look at the cores of the host. */
export class CoresSession implements SourceSession {
  readonly #host: Host
  readonly #settings: Settings['cores']
  /** Ids of the files that an earlier capture has read. */
  readonly #read: ReadonlySet<string>
  /** Ids of the files that are settled, those that were left out too. */
  readonly #known = new Set<string>()
  readonly #names = new Set<string>()
  readonly #told = new Told()
  /** Pids that were dumping at the inventory. */
  readonly #dumping = new Set<number>()
  /** Those whose core an item of the inventory waits for. */
  readonly #awaited = new Set<Dumping>()
  /** What has come up since the inventory, which has limits of its own: as much again. */
  readonly #late: CoreFile[] = []
  readonly #changes: Changes
  readonly #intake: Intake | undefined
  readonly #crashes: HandedCrashes | undefined
  /** Of the cores that were handed over: they have the limit for themselves. */
  #handedBytes = 0

  /** `crashes`: to whom what is handed over is told by function; undefined where that is not wanted. */
  constructor(
    host: Host,
    settings: Settings['cores'],
    read: ReadonlySet<string>,
    intake: Intake | undefined,
    crashes: HandedCrashes | undefined,
  ) {
    this.#host = host
    this.#settings = settings
    this.#read = read
    this.#intake = intake
    this.#crashes = crashes
    this.#changes = new Changes(host.root)
  }

  async inventory(ms: number, signal: AbortSignal): Promise<Inventory> {
    const surveyed = await this.#survey('first', ms, signal)
    const { pattern, finds, found, unfinished } = surveyed
    for (const { pid } of unfinished) this.#dumping.add(pid)
    const isReachable = pattern.kind === 'directory' || isSystemd(pattern)
    const waiting = isReachable ? unfinished.map((process) => this.#await(process, surveyed)) : []
    const lost = (isReachable ? [] : unfinished).map((process) =>
      lostCore(process, `is dumping core${elsewhere(pattern)}`),
    )
    const all = [...surveyed.gaps, ...lost]
    const nothing = found.length + waiting.length + all.length === 0
    return { found: [...found, ...waiting], gaps: nothing ? gapsOf('absent', [nothingCrashed(finds, pattern)]) : all }
  }

  async *comesUp(ms: number, stop: AbortSignal, signal: AbortSignal): AsyncGenerator<Inventory, void, void> {
    using _ = this.#intake?.follow()
    const running = AbortSignal.any([stop, signal])
    let isDue = false
    let rest = PAUSE_MS
    while (!running.aborted) {
      const rested = sleep(rest, undefined, { signal: running }).catch(() => {})
      await Promise.race([rested, ...(this.#intake ? [this.#intake.arrived] : [])])
      const handed = await this.#handedOver(signal)
      if (handed !== undefined) yield handed
      rest = PAUSE_MS
      const changed = await this.#changes.happened(running)
      if (running.aborted || !(isDue || changed)) continue
      const began = performance.now()
      const limit = within(ms, running)
      // What fails here is found again by the last look, or told of there.
      const seen = await abandonable(this.#survey('between', ms, limit), limit).catch(() => undefined)
      isDue = seen === undefined || seen.isGrowing
      if (seen !== undefined && seen.found.length > 0) yield { found: seen.found, gaps: [] }
      rest = Math.max(PAUSE_MS, (performance.now() - began) * REST)
    }
    signal.throwIfAborted()
    const { found, gaps: leftOut, unfinished } = await this.#survey('last', ms, signal)
    const handed = await this.#handedOver(signal)
    if (handed !== undefined) yield handed
    const late = unfinished.filter(({ pid }) => !this.#dumping.has(pid))
    const lost = late.map((process) => lostCore(process, 'was still dumping core when the capture ended'))
    yield { found, gaps: [...leftOut, ...lost] }
  }

  async #survey(look: Look, ms: number, signal: AbortSignal): Promise<Survey> {
    const { root } = this.#host
    const settings = this.#settings
    const began = performance.now()
    const by = (share: number) => Math.max(0, ms * share - (performance.now() - began))
    const pattern = await readCorePattern(root, signal)
    const boot = await thisBoot(root, signal)
    const own = pattern.kind === 'directory' ? [pattern.directory] : []
    if (look === 'first') await this.#changes.begin([...settings.directories, ...own], signal)
    const time = { all: by(FOUND_BY), others: ms * OTHERS_SHARE }
    const finds = await findCores(root, settings.directories, pattern, signal, time)
    const { found: dumping, isAll } = await dumpingProcesses(join(root, 'proc'), within(by(DUMPING_BY), signal))
    const isWanted = (core: CoreFile, by: Iterable<Dumping>) => [...by].some((process) => isCoreOf(core, process, boot))
    const unknown = finds.files.filter(({ id }) => !this.#known.has(id))
    // Where not all processes could be asked, nobody knows whether one is still writing.
    const growing = unknown.filter((core) => core.kind === 'plain' && (!isAll || isWanted(core, dumping)))
    const fresh =
      look === 'between'
        ? unknown.filter((core) => !(growing.includes(core) || isWanted(core, this.#awaited)))
        : unknown
    const circumstances = { now: Date.now(), read: this.#read, boot, before: this.#late }
    const choice = chooseCores(fresh, settings, circumstances)
    const inTime = within(by(ENTRIES_BY), signal)
    const crashes =
      choice.chosen.length > 0
        ? await abandonable(crashEntries(root, inTime), inTime).catch(() => undefined)
        : undefined
    // Nobody waits any more for a look that hung until now: what it has seen must not count as told.
    signal.throwIfAborted()
    const chosen = choice.chosen.map(({ core }) => core)
    for (const { id } of look === 'between' ? chosen : fresh) this.#known.add(id)
    if (look !== 'first') this.#late.push(...chosen)
    const found = choice.chosen.map(({ core, value }) => {
      const name = uniqueName(core.label, core.suffix, this.#names)
      const writer = core.kind === 'plain' ? dumping.find((process) => isCoreOf(core, process, boot)) : undefined
      return coreItem(this.#host, core, { name, value, crash: crashes?.get(core.path), writer })
    })
    return {
      ...{ boot, pattern, finds, found },
      unfinished: dumping.filter(
        (process) => !this.#intake?.pids.has(process.pid) && !finds.files.some((core) => isCoreOf(core, process, boot)),
      ),
      isGrowing: growing.length > 0,
      gaps: look === 'between' ? [] : this.#told.gaps(finds, choice, isAll),
    }
  }

  /** What has been handed over since, if anything has. */
  async #handedOver(signal: AbortSignal): Promise<Inventory | undefined> {
    const arrivals = this.#intake?.claim() ?? []
    if (arrivals.length === 0) return undefined
    const bootId = await thisBootId(this.#host.root, signal).catch(() => undefined)
    const all = await Promise.all(arrivals.map((arrival) => this.#accept(arrival, bootId, signal)))
    return { found: all.flatMap(({ found }) => found), gaps: all.flatMap(({ gaps }) => gaps) }
  }

  /** One that was handed over: its stacks are told, and it is taken where it may be. Else its process is let go. */
  async #accept(arrival: Arrival, bootId: string | undefined, signal: AbortSignal): Promise<Inventory> {
    const { process, signal: ended, at, core, closed } = arrival
    const lost = (why: string, because?: Because): Inventory => {
      const gap = lostCore(process, `crashed while the host went down: ${why}`, { signal: ended, at })
      return { found: [], gaps: [because === undefined ? gap : { ...gap, because }] }
    }
    if (typeof core === 'string') return lost(core, closed?.because)
    using pipe = new DisposableStack()
    pipe.use(core)
    const begun = await beginPipe(core, signal).catch((error: unknown) => {
      signal.throwIfAborted()
      return sentence(cannot('read its core', error))
    })
    if (typeof begun === 'string') return lost(begun)
    const label = `${process.comm}.${process.pid}`
    const identity = identityOf(arrival, bootId)
    if (arrival.isKnown)
      await this.#crashes?.add({ ...this.#host, pid: process.pid, start: inStart(begun), label, identity }, signal)
    if (closed !== undefined) return lost(closed.reason, closed.because)
    if (this.#handedBytes + process.bytes > this.#settings.limit)
      return lost(`beyond cores.limit = ${formatBytes(this.#settings.limit)}`, 'limit')
    this.#handedBytes += process.bytes
    pipe.move()
    const name = uniqueName(`${label}.core`, '', this.#names)
    return { found: [handedCore(arrival, begun, { name, bootId })], gaps: [] }
  }

  /** The core of a process that is dumping it, as an item that waits for it. */
  #await(process: Dumping, { boot, pattern, finds }: Survey): Found {
    const { root } = this.#host
    const newest = finds.files.filter(({ kind }) => kind === 'systemd').sort((a, b) => b.at - a.at)[0]
    const suffix = pattern.kind === 'directory' ? '' : (newest?.suffix ?? '.zst')
    // systemd-coredump writes where nobody else does; what others have filled takes long to look at, again and again.
    const places = isSystemd(pattern) ? [...finds.kept, ...finds.missing] : this.#settings.directories
    const name = uniqueName(`${process.comm}.${process.pid}.core`, suffix, this.#names)
    const item = unfinishedItem(this.#host, process, { name, value: UNFINISHED_VALUE, suffix }, async (signal) => {
      const { files } = await findCores(root, places, pattern, signal)
      const core = files.find((file) => isCoreOf(file, process, boot) && !this.#known.has(file.id))
      if (core?.suffix === suffix) this.#known.add(core.id)
      return core
    })
    this.#awaited.add(process)
    return {
      ...item,
      open: (limit, signal) => item.open(limit, signal).finally(() => this.#awaited.delete(process)),
    }
  }
}

/** ms between two looks at whether anything has changed in the directories: a stat of each. */
const PAUSE_MS = 1_000
/** Times as long as a look at the cores took is the pause after it, so that a host at its end has nine tenths of its time for itself. */
const REST = 9

/** What of its time a survey looks where others than the host may write, who may have laid any number of files there. */
const OTHERS_SHARE = 0.3
/**
 * What of its time has gone when a survey looks for no more cores, when it asks no more processes, and when it looks for no more of
 * what crashes are called: the cores that were found are worth more, and are lost where it takes all of it. The rest is for a host that
 * hardly runs, whose timers are late.
 */
const FOUND_BY = 0.45
const DUMPING_BY = 0.6
const ENTRIES_BY = 0.7

/** A crash of this very moment: as much as the newest of a service. */
const UNFINISHED_VALUE = 500
