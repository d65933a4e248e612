import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonable, within } from '../../../words/deadline.ts'
import type { InventoryGap } from '../../../words/evidence.ts'
import { type Boot, bootOf, thisBoot } from '../../crashed-cores/boot.ts'
import { chooseCores } from '../../crashed-cores/choose.ts'
import type { CoreFile } from '../../crashed-cores/core-file.ts'
import { type CorePattern, parseCorePattern } from '../../crashed-cores/core-pattern.ts'
import { crashEntries } from '../../crashed-cores/crash-entries.ts'
import { type Finds, findCores } from '../../crashed-cores/find.ts'
import { surplusGaps } from '../../crashed-cores/surplus.ts'
import type { System } from '../../host/ffi.ts'
import type { Found, Source, SourceContext } from '../source.ts'
import { type Dumping, dumpingProcesses } from './dumping.ts'
import { coreItem, type Host } from './item.ts'
import { elsewhere, isSystemd, nothingCrashed } from './nothing-crashed.ts'
import { unfinishedItem } from './unfinished.ts'
import { uniqueName } from './unique-name.ts'

/** What the source remembers of a capture, from its inventory to its last words. */
interface Round {
  /** Ids of the files that were seen, those that were left out too. */
  readonly known: Set<string>
  readonly names: Set<string>
  /** Sentences of gaps that have their receipt. */
  readonly said: Set<string>
  /** Processes that were dumping at the inventory. */
  readonly dumping: Set<number>
}

/** What is known of cores on the host at one moment. */
interface Survey {
  readonly boot: Boot
  readonly pattern: CorePattern
  readonly finds: Finds
  readonly found: readonly Found[]
  readonly gaps: readonly InventoryGap[]
  /** Processes that are dumping and whose core is not there yet. */
  readonly unfinished: readonly Dumping[]
}

/**
 * Cores, kernel dumps and crash reports, on disk already or still being written. The last words are those that were
 * finished since the inventory.
 */
export function coresSource(system: System): Source {
  const newRound = (): Round => ({ known: new Set(), names: new Set(), said: new Set(), dumping: new Set() })
  let round = newRound()
  const read = new Set<string>()
  const hostAt = (root: string): Host => ({ root, system, onRead: (id) => read.add(id) })

  function isNew(sentence: string): boolean {
    const before = round.said.size
    return round.said.add(sentence).size > before
  }

  async function survey({ root, settings, ms }: SourceContext, signal: AbortSignal): Promise<Survey> {
    const began = performance.now()
    const by = (share: number) => Math.max(0, ms * share - (performance.now() - began))
    const pattern = await abandonable(corePattern(root), signal)
    const boot = await abandonable(thisBoot(root), signal)
    const time = { all: by(FOUND_BY), others: ms * OTHERS_SHARE }
    const finds = await findCores(root, settings.cores.directories, pattern, signal, time)
    const { found: dumping, isAll } = await dumpingProcesses(join(root, 'proc'), within(by(DUMPING_BY), signal))
    const fresh = finds.files.filter(({ id }) => !round.known.has(id))
    for (const { id } of fresh) round.known.add(id)
    const choice = chooseCores(fresh, settings.cores, { now: Date.now(), read, boot })
    const inTime = within(by(ENTRIES_BY), signal)
    const crashes =
      choice.chosen.length > 0
        ? await abandonable(crashEntries(root, inTime), inTime).catch(() => undefined)
        : undefined
    const found = choice.chosen.map(({ core, value }) => {
      const name = uniqueName(core.label, core.suffix, round.names)
      const writer = core.kind === 'plain' ? dumping.find((process) => isOf(core, process, boot)) : undefined
      return coreItem(hostAt(root), core, { name, value, crash: crashes?.get(core.path), writer })
    })
    const unfinished = dumping.filter((process) => !finds.files.some((core) => isOf(core, process, boot)))
    return {
      boot,
      pattern,
      finds,
      found,
      unfinished,
      gaps: [
        ...gaps('failed', [...finds.problems, ...(isAll ? [] : [UNASKED])].filter(isNew)),
        ...gaps('skipped', [...finds.leftOut.filter(isNew), ...choice.leftOut]),
        ...surplusGaps([...finds.surplus, ...choice.surplus]).filter(({ identity }) => isNew(ownerOf(identity))),
      ],
    }
  }

  function awaited(process: Dumping, { boot, pattern, finds }: Survey, { root, settings }: SourceContext): Found {
    const newest = finds.files.filter(({ kind }) => kind === 'systemd').sort((a, b) => b.at - a.at)[0]
    const suffix = pattern.kind === 'directory' ? '' : (newest?.suffix ?? '.zst')
    // systemd-coredump writes where nobody else does; what others have filled takes long to look at, again and again.
    const places = isSystemd(pattern) ? [...finds.kept, ...finds.missing] : settings.cores.directories
    const name = uniqueName(`${process.comm}.${process.pid}.core`, suffix, round.names)
    return unfinishedItem(hostAt(root), process, { name, value: UNFINISHED_VALUE, suffix }, async (signal) => {
      const { files } = await findCores(root, places, pattern, signal)
      const core = files.find((file) => isOf(file, process, boot) && !round.known.has(file.id))
      if (core?.suffix === suffix) round.known.add(core.id)
      return core
    })
  }

  return {
    name: 'cores',

    async inventory(context, signal) {
      round = newRound()
      const surveyed = await survey(context, signal)
      const { pattern, finds, found, unfinished } = surveyed
      for (const { pid } of unfinished) round.dumping.add(pid)
      const reachable = pattern.kind === 'directory' || isSystemd(pattern)
      const waiting = reachable ? unfinished.map((process) => awaited(process, surveyed, context)) : []
      const lost = (reachable ? [] : unfinished).map((process) =>
        lostCore(process, `is dumping core${elsewhere(pattern)}`),
      )
      const all = [...surveyed.gaps, ...lost]
      const nothing = found.length + waiting.length + all.length === 0
      return { found: [...found, ...waiting], gaps: nothing ? gaps('absent', [nothingCrashed(finds, pattern)]) : all }
    },

    async lastWords(context, signal) {
      const { found, gaps: leftOut, unfinished } = await survey(context, signal)
      const late = unfinished.filter(({ pid }) => !round.dumping.has(pid))
      const lost = late.map((process) => lostCore(process, 'was still dumping core when the capture ended'))
      return { found, gaps: [...leftOut, ...lost] }
    },
  }
}

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
const UNASKED = 'cannot tell of all processes whether they are dumping core: there was no more time'

/** A crash of this very moment: as much as the newest of a service. */
const UNFINISHED_VALUE = 500

/** Whose surplus it is: what more he lays there meanwhile is the same story. */
const ownerOf = (identity: InventoryGap['identity']) => `surplus of ${identity?.uid} in ${identity?.path}`

/** The core of a process that is dumping it, and that nobody can take. Who it is goes along: it has crashed. */
function lostCore({ pid, comm, uid, exe, unit, container }: Dumping, what: string): InventoryGap {
  const known = { ...(exe && { exe }), ...(unit && { unit }), ...(container && { container }) }
  const reason = `${comm}[${pid}] ${what}`
  return { source: 'cores', class: 'memory', status: 'failed', reason, identity: { pid, comm, uid, ...known } }
}

function gaps(status: InventoryGap['status'], reasons: readonly string[]): InventoryGap[] {
  return reasons.map((reason) => ({ source: 'cores', class: 'memory', status, reason }))
}

/** Whether a file is, or is becoming, the core of a process that is dumping now. Pids come again in every boot. */
function isOf(core: CoreFile, { pid, comm, uid }: Dumping, boot: Boot): boolean {
  const { kind, identity, claimed, owner } = core
  // The kernel gives a core to the user whose process it was: another user's is none of it, whatever it is called.
  if (claimed && owner !== uid) return false
  if ((kind !== 'systemd' && kind !== 'plain') || bootOf(core, boot) !== 'this') return false
  return identity.pid === undefined ? kind === 'plain' && (identity.comm ?? comm) === comm : identity.pid === pid
}

async function corePattern(root: string): Promise<CorePattern> {
  const text = await readFile(join(root, 'proc/sys/kernel/core_pattern'), 'utf8').catch(() => 'core')
  return parseCorePattern(text)
}
