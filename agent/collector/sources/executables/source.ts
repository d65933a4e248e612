import { sentence } from '../../../words/cannot.ts'
import { countOf } from '../../../words/count-of.ts'
import { within } from '../../../words/deadline.ts'
import type { InventoryGap } from '../../../words/evidence.ts'
import { parseSelector } from '../../../words/selector.ts'
import { formatBytes } from '../../../words/units.ts'
import { unasked } from '../../clearance.ts'
import { chooseCores } from '../../crashed-cores/choose.ts'
import { readCorePattern } from '../../crashed-cores/core-pattern.ts'
import { findCores } from '../../crashed-cores/find.ts'
import type { Executable } from '../../elf/executable.ts'
import { executableAt } from '../../host/executable-file.ts'
import { thisBoot } from '../../host/this-boot.ts'
import { select } from '../../processes/select.ts'
import type { Inventory, Source, SourceContext } from '../source.ts'
import { filesOfCores } from './core-files.ts'
import { executableItem } from './item.ts'
import { type Kept, MOST_BYTES, MOST_FILES, withinLimits } from './limits.ts'
import { mappedFiles } from './mapped-files.ts'
import { packagedPaths } from './packaged.ts'
import type { Program } from './program.ts'

/** By when of its time all of it has been looked at, and what of it goes to the processes, and to the cores that lie there. */
const LOOKED_BY = 0.85
const MAPPED_SHARE = 3 / 8
const CORES_SHARE = 1 / 8

/** Programs and libraries of captured processes that no package has, so that their cores can be read later: EXECUTABLES.md. */
export function executablesSource(): Source {
  return {
    name: 'executables',
    open: (context) => ({ inventory: (ms, signal) => inventory(context, ms, signal) }),
  }
}

async function inventory(context: SourceContext, ms: number, signal: AbortSignal): Promise<Inventory> {
  const { settings } = context
  if (settings.executables === 'none') return { found: [], gaps: [] }
  const closed = unasked(settings.seal)
  if (closed !== undefined) return { found: [], gaps: [gap('skipped', closed)] }
  return await unpackaged(context, ms, signal)
}

async function unpackaged(context: SourceContext, ms: number, parent: AbortSignal): Promise<Inventory> {
  const { root, settings, patients } = context
  const signal = within(ms * LOOKED_BY, parent)
  const { processes, troubled, lack } = await patients.survey(ms, signal)
  const wished = [...new Set([...settings.live.cores, ...settings.stacks.processes])]
  const { chosen } = select(processes, wished.map(parseSelector), troubled)
  const mapped = await mappedFiles(root, chosen, ms * MAPPED_SHARE, signal)
  const crashed = await filesOfCores(root, await coresOf(context, ms, signal), signal)
  const programs = [...mapped.programs, ...crashed]
  const { kept, unread } = await withoutPackage(programs, signal)
  const problems = [
    ...(lack === undefined ? [] : [lack]),
    ...mapped.problems.map((problem) => `cannot tell what is mapped: ${problem}`),
    ...unreadTold(unread),
  ].map((problem) => gap('failed', problem))
  if (kept.size === 0 && problems.length === 0) {
    const why = programs.length === 0 ? 'no process is captured' : `all ${programs.length} files belong to packages`
    return { found: [], gaps: [gap('absent', why)] }
  }
  const { taken, left } = withinLimits([...kept])
  const found = taken.map(([program, executable]) => executableItem(program, executable))
  return { found, gaps: [...problems, ...leftOut(left)] }
}

/** The crashed cores that are taken. */
async function coresOf({ root, settings }: SourceContext, ms: number, signal: AbortSignal) {
  const time = { all: ms * CORES_SHARE, others: ms * CORES_SHARE }
  const { files } = await findCores(root, settings.cores.directories, await readCorePattern(root, signal), signal, time)
  const circumstances = { now: Date.now(), boot: await thisBoot(root, signal), read: new Set<string>() }
  // A core that anybody may have written names what he likes: nothing of the host's is read for it.
  const trusted = files.filter(({ claimed }) => !claimed)
  return chooseCores(trusted, settings.cores, circumstances).chosen.map(({ core }) => core)
}

/** Those that belong to no package, each build-id once; living processes' files come first, so theirs is kept. */
async function withoutPackage(
  programs: readonly Program[],
  signal: AbortSignal,
): Promise<{ readonly kept: ReadonlyMap<Program, Executable>; readonly unread: readonly string[] }> {
  const packaged = new Map<string, ReadonlySet<string>>()
  for (const [tree, of] of Map.groupBy(programs, (program) => program.tree)) {
    const paths = of.map(({ path }) => path)
    packaged.set(tree, await packagedPaths(tree, paths, signal))
  }
  const kept = new Map<Program, Executable>()
  const known = new Set<string>()
  const unread: string[] = []
  for (const program of programs) {
    const { tree, path, reach, file } = program
    if (packaged.get(tree)?.has(path)) continue
    const executable = await executableAt(reach, signal).catch((error: Error) => error)
    signal.throwIfAborted()
    if (executable instanceof Error) {
      unread.push(`${path}: ${sentence(executable)}`)
      continue
    }
    const id = executable?.buildId ?? `${file.dev} ${file.ino}`
    if (executable === undefined || executable.package !== undefined || known.has(id)) continue
    known.add(id)
    kept.set(program, executable)
  }
  return { kept, unread }
}

/** Files that may or may not have to be taken: what they are could not be read. */
function unreadTold(unread: readonly string[]): string[] {
  const [first] = unread
  if (first === undefined) return []
  return [`cannot read ${countOf(unread.length, 'file')} that processes have mapped, the first ${first}`]
}

function leftOut(left: readonly Kept[]): InventoryGap[] {
  const [first] = left
  if (first === undefined) return []
  const bytes = left.reduce((sum, [{ bytes }]) => sum + bytes, 0)
  const what = `${countOf(left.length, 'file')}, ${formatBytes(bytes)}, the first ${first[0].path}`
  return [gap('skipped', `${what}: beyond the ${MOST_FILES} files and ${formatBytes(MOST_BYTES)} of one capture`)]
}

function gap(status: InventoryGap['status'], reason: string): InventoryGap {
  return { source: 'executables', class: 'memory', status, reason }
}
