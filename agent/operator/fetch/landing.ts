import { posix } from 'node:path'
import { DOCUMENTS } from '../../bundle/keys.ts'
import type { Receipt } from '../../bundle/schema.ts'
import type { BundleView } from '../bundle/bundle-view.ts'
import { type Holding, holdings } from '../bundle/holdings.ts'
import { safeParts, unheeded } from '../bundle/names.ts'
import { isPlainPath } from '../debuggers/operand.ts'

/**
 * Where and how an artifact lands, named below the directory of a fetch.
 * `stored`: the stored bytes as they are. `opened`: unsealed, and decompressed where `frames`. `tree`: unpacked.
 */
export interface Landing {
  readonly name: string
  readonly form: 'stored' | 'opened' | 'tree'
  /** Whether what is stored are zstd frames of ours to be decompressed. */
  readonly frames: boolean
  /** Of a tree that holds files of the host: the places of all others, folded. What is in it lands where the host had it, unless it is one of these. */
  readonly taken?: ReadonlySet<string>
}

/** Where the host's own files lie, as on the host. */
export const ROOT = 'root'
/** Tars of ours, each unpacked into a directory of its name; and a file that is in it. */
const TREES: Readonly<Record<string, string>> = {
  facts: 'summary.txt',
  traces: 'traces.txt',
  'traces-late': 'traces.txt',
  stacks: 'threads.txt',
  threads: 'threads.txt',
  'memory/kernel': 'version',
  files: 'files.tsv',
  'files-late': 'files.tsv',
}
/** Those whose entries were files of the host: below `root/` in them. */
const FILES: readonly string[] = ['files', 'files-late']
/** Sources whose artifacts were files on the host, and land where they were. */
const OF_HOST: readonly string[] = ['cores', 'journal', 'executables', 'pstore', 'files']
/** Artifacts that land under their own name, decompressed or not: BUNDLE.md. All others are not ours to point at. */
const KNOWN =
  /^live\/\w[\w.@:-]*\.core$|^journal\/\w[\w.@:-]*\.journal$|^cores\/\w[\w.@:-]*$|^executables\/[\w-]+\/\w[\w.@:-]*$|^pstore\/\w[\w.-]*\.txt$|^files(?:\/[\w%:+=,~-][\w.:+=,@~%-]*)+$|^memory\/vmcore$/
/** What `fetch` adds to the name of a file that is not whole: no artifact takes such a name from another one. */
const UNFINISHED = /\.(?:part|damaged)$/
const SEALED = 'sealed'
/** What has no place of its own, because its name is none that we know or another artifact has it already. */
const OTHER = 'other'

/** The landing of each holding, in their order; no two share a name. `opens`: whether sealed ones can be opened. */
export function landings(held: readonly Holding[], { opening }: BundleView, opens: boolean): Landing[] {
  const taken = new Set<string>(DOCUMENTS)
  return held.map((holding) => {
    const { place, opened, ...wished } = landing(holding, opening?.host.machineId, opens)
    const free = place !== undefined && !taken.has(folded(place))
    const form = free || wished.form !== 'tree' ? wished.form : 'opened'
    const name = free ? place : `${OTHER}/${taken.size}/${unheeded(opened)}`
    taken.add(folded(name))
    return { ...wished, name, form, ...(form === 'tree' && FILES.includes(name) && { taken }) }
  })
}

/** Names that are one file where case does not count (macOS) are one name. */
export const folded = (name: string) => name.normalize('NFC').toLowerCase()

/** How an artifact lands, and at which place if it has one; `opened` is its name without what is undone. */
function landing(holding: Holding, machineId: string | undefined, opens: boolean) {
  const { artifact, sealed, encoding, receipt } = holding
  if (sealed && !opens) {
    const place = `${SEALED}/${unheeded(artifact)}.age`
    return { place, opened: artifact, form: 'stored', frames: false } as const
  }
  const frames =
    encoding === undefined
      ? /\.(tar|journal)\.zst$|^(live|executables|memory|pstore|files)\/|^cores\/.+\.zst$/.test(artifact)
      : encoding === 'frames'
  const tree = frames ? /^(.+)\.tar\.zst$/.exec(artifact)?.[1] : undefined
  const opened = frames ? artifact.replace(/\.zst$/, '') : artifact
  if (tree !== undefined && Object.hasOwn(TREES, tree)) return { place: tree, opened, form: 'tree', frames } as const
  const place =
    hostPlace(receipt) ?? journalPlace(artifact, machineId) ?? (KNOWN.test(opened) ? unheeded(opened) : undefined)
  const form = sealed || frames ? 'opened' : 'stored'
  return { place: place !== undefined && UNFINISHED.test(place) ? undefined : place, opened, form, frames } as const
}

/**
 * Where a file of the host lands, by its path there; undefined for a path as no host has one. Cores are for gdb, which takes plain paths only. Older
 * pieces of a log stand beside its newest end, named by the byte at which they begin, so that they sort in order.
 */
function hostPlace(receipt: Receipt | undefined): string | undefined {
  const path = receipt?.item.path
  if (receipt === undefined || path === undefined || !OF_HOST.includes(receipt.source)) return undefined
  if (receipt.source === 'cores' && !isPlainPath(path)) return undefined
  const { details } = receipt
  const isOlder = details?.source === 'files' && details.older === true
  return placeOf(isOlder ? `${path}@${`${details.from ?? 0}`.padStart(OFFSET, '0')}` : path)
}

/** Digits of the longest file: 2^63 bytes. */
const OFFSET = 19

/** The place of a path of the host below the root of the fetch; undefined where it is none. */
export function placeOf(path: string): string | undefined {
  if (posix.normalize(path) !== path || !path.startsWith('/') || 'refused' in safeParts(path.slice(1))) return undefined
  return `${ROOT}${unheeded(path)}`
}

/** Where a journal file was, when no receipt tells: a bundle without a manifest can be read by journalctl, too. */
function journalPlace(artifact: string, machineId: string | undefined): string | undefined {
  const name = /^journal\/(\w[\w.@:-]*\.journal)\.zst$/.exec(artifact)?.[1]
  if (name === undefined || machineId === undefined || !/^[0-9a-f]{32}$/.test(machineId)) return undefined
  return `${ROOT}/var/log/journal/${machineId}/${name}`
}

/** The place of a tree's entry: below the tree's own folder, but for a file of the host, which goes where the host had it if nothing else does. */
export function entryPlace({ name: folder, taken }: Pick<Landing, 'name' | 'taken'>, entry: string): string {
  const own = `${folder}/${unheeded(entry)}`
  if (taken === undefined || !entry.startsWith(`${ROOT}/`)) return own
  const place = unheeded(entry)
  return taken.has(folded(place)) || UNFINISHED.test(place) ? own : place
}

/** The files that `fetch` would bring of a bundle, if it can open them all. */
export function filesOf(view: BundleView): string[] {
  const held = holdings(view).filter(({ fault }) => fault === undefined)
  return landings(held, view, true).map(({ name, form }) => (form === 'tree' ? `${name}/${TREES[name]}` : name))
}
