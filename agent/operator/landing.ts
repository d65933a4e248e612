import type { BundleView } from './bundle-view.ts'
import { DOCUMENTS } from './bundle-view.ts'
import { type Holding, holdings } from './holdings.ts'
import { safeParts } from './names.ts'

/**
 * Where and how an artifact lands, named below the directory of a fetch.
 * `stored`: the stored bytes as they are. `opened`: unsealed, and decompressed where `frames`. `tree`: unpacked.
 */
export interface Landing {
  readonly name: string
  readonly form: 'stored' | 'opened' | 'tree'
  /** Whether what is stored are zstd frames of ours to be decompressed. */
  readonly frames: boolean
}

/** Where the host's own files lie, as on the host. */
export const ROOT = 'root'
/** Tars of ours, each unpacked into a directory of its name; and a file that is in it. */
const TREES: Readonly<Record<string, string>> = {
  facts: 'summary.txt',
  stacks: 'threads.txt',
  'memory/kernel': 'version',
}
const SEALED = 'sealed'
/** What has no place of its own, because its name is one of ours or another artifact has it already. */
const OTHER = 'other'

/** The landing of each holding, in their order; no two share a name. `opens`: whether sealed ones can be opened. */
export function landings(held: readonly Holding[], { opening }: BundleView, opens: boolean): Landing[] {
  const taken = new Set<string>(DOCUMENTS)
  return held.map((holding) => {
    const wished = landing(holding, opening?.host.machineId, opens)
    const opened = wished.frames ? holding.artifact.replace(/\.zst$/, '') : holding.artifact
    const own = wished.form !== 'tree' && wished.name === opened
    const free = !taken.has(wished.name) && !(own && isReserved(wished.name))
    const form = free || wished.form !== 'tree' ? wished.form : 'opened'
    const name = free ? wished.name : `${OTHER}/${taken.size}/${opened}`
    taken.add(name)
    return { ...wished, name, form }
  })
}

/** Directories that have a meaning: no artifact gets there by its own name. */
const RESERVED: readonly string[] = [ROOT, ...Object.keys(TREES), SEALED, OTHER]
/** What crash (.crashrc) and drgn (Python's modules) would run where they are started, unasked. Libraries are kept as executables. */
const HEEDED = /^\.|\.py[co]?$|^(?!executables\/).*\.so$/

function isReserved(name: string): boolean {
  return HEEDED.test(name) || RESERVED.some((reserved) => name === reserved || name.startsWith(`${reserved}/`))
}

function landing(holding: Holding, machineId: string | undefined, opens: boolean): Landing {
  const { artifact, sealed, encoding, receipt } = holding
  if (sealed && !opens) return { name: `${SEALED}/${artifact}.age`, form: 'stored', frames: false }
  const form = sealed ? 'opened' : 'stored'
  const framed =
    encoding === undefined ? /\.(tar|journal)\.zst$|^(live|executables|memory)\//.test(artifact) : encoding === 'frames'
  const tree = framed ? /^(.+)\.tar\.zst$/.exec(artifact)?.[1] : undefined
  if (tree !== undefined && Object.hasOwn(TREES, tree)) return { name: tree, form: 'tree', frames: true }
  const path = receipt?.item.path ?? journalPath(artifact, machineId)
  const onHost = path?.startsWith('/') && !('refused' in safeParts(path.slice(1)))
  const name = onHost ? `${ROOT}${path}` : framed ? artifact.replace(/\.zst$/, '') : artifact
  return { name, form: framed ? 'opened' : form, frames: framed }
}

/** Where a journal file was, when no receipt tells: a bundle without a manifest can be read by journalctl, too. */
function journalPath(artifact: string, machineId: string | undefined): string | undefined {
  const name = /^journal\/([^/]+\.journal)\.zst$/.exec(artifact)?.[1]
  if (name === undefined || machineId === undefined || !/^[0-9a-f]{32}$/.test(machineId)) return undefined
  return `/var/log/journal/${machineId}/${name}`
}

/** The files that `fetch` would bring of a bundle, if it can open them all. */
export function filesOf(view: BundleView): string[] {
  const held = holdings(view).filter(({ fault }) => fault === undefined)
  return landings(held, view, true).map(({ name, form }) => (form === 'tree' ? `${name}/${TREES[name]}` : name))
}
