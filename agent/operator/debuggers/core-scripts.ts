import { posix } from 'node:path'
import type { Receipt } from '../../bundle/schema.ts'
import { placeOf } from '../fetch/landing.ts'
import { isPlain, isPlainPath, operand } from './operand.ts'

/** Where our own scripts lie: nothing of a bundle lands there, under whatever name. */
export const OPEN = 'open'

/** A fetched core, and the script of ours that opens it in gdb; all named below the directory of the fetch. */
export interface CoreScript {
  readonly kind: 'live' | 'stacks' | 'cores'
  readonly script: string
  /** What gdb opens. */
  readonly core: string
  /** What was fetched, where it is to be decompressed first to have the core. */
  readonly packed?: string
  /** Path of the program on the host, where it is a plain one. */
  readonly program?: string
  readonly buildId?: string
  readonly pid?: number
  /** Of a core that is an artifact of its own. */
  readonly receipt?: Receipt
}

/** A process by the table of cores in the stacks: STACKS.md. */
export interface StackCore {
  readonly core: string
  readonly exe: string | undefined
  readonly pid: number | undefined
  readonly buildId: string | undefined
}

/** systemd-coredump's compressions: coredump.conf(5). */
const PACKED = /\.(?:zst|lz4|xz)$/
const LIVING = /^(live|stacks)\/.+\.core$/
/** Crashed cores without a receipt: a bundle that was not closed has them. */
const CRASHED = /^cores\/.+\.core(?:\.(?:zst|lz4|xz))?$/

/** Scripts that are made at most: more processes than anybody looks at one by one. */
const MOST = 4_000

/**
 * The scripts for fetched cores, crashed ones first, in the order of the receipts. None for a core whose name gdb would take apart, nor beyond the
 * first 4,000.
 */
export function coreScripts(
  files: readonly string[],
  receipts: readonly Receipt[],
  stacks: readonly StackCore[] = [],
): CoreScript[] {
  const here = new Set(files.filter(isPlain))
  const taken = new Set<string>()
  const crashed = receipts.flatMap((receipt): CoreScript[] => {
    const file = isCrash(receipt) ? placesOf(receipt).find((name) => here.has(name)) : undefined
    if (file === undefined) return []
    here.delete(file)
    return [crashScript(file, receipt.artifact, taken, receipt)]
  })
  const live = new Map(receipts.map((receipt) => [receipt.artifact.replace(/\.zst$/, ''), receipt]))
  const table = new Map(stacks.map((row) => [`stacks/${row.core}`, row]))
  const others = [...here].flatMap((file): CoreScript[] => {
    if (CRASHED.test(file)) return [crashScript(file, file, taken, undefined)]
    const [, kind] = LIVING.exec(file) ?? []
    if (kind !== 'live' && kind !== 'stacks') return []
    const process = (kind === 'live' ? live.get(file)?.item : table.get(file)) ?? {}
    return [{ kind, script: `${OPEN}/${file}.gdb`, core: file, ...known(process) }]
  })
  return [...crashed, ...others].slice(0, MOST)
}

const isCrash = ({ source, item }: Receipt) => source === 'cores' && (item.signal ?? item.pid) !== undefined

/** Where the artifact of a receipt may have landed, if no other has its place. */
export function placesOf({ artifact, item }: Receipt): string[] {
  const place = item.path === undefined ? undefined : placeOf(item.path)
  return [...(place === undefined ? [] : [place]), artifact, artifact.replace(/\.zst$/, '')]
}

/** Named after the artifact, whose name is short; by a number (`+1`) where it has none that is free. What is decompressed ends in `.core`, and so never is a script. */
function crashScript(file: string, artifact: string, taken: Set<string>, receipt: Receipt | undefined): CoreScript {
  const label = /^cores\/(\w[\w.@:-]*?)(?:\.core)?(?:\.(?:zst|lz4|xz))?$/.exec(artifact)?.[1]
  const name = label === undefined || taken.has(label) ? `+${taken.size}` : label
  taken.add(name)
  const own = `${OPEN}/cores/${name}.core`
  const packing = PACKED.test(file) ? { core: own, packed: file } : { core: file }
  return { kind: 'cores', script: `${own}.gdb`, ...packing, ...known(receipt?.item ?? {}), ...(receipt && { receipt }) }
}

function known({ exe, pid, buildId }: Partial<Pick<StackCore, 'exe' | 'pid' | 'buildId'>>) {
  const program = exe?.replace(/ \(deleted\)$/, '')
  return {
    ...(program !== undefined && isPlainPath(program) && { program }),
    ...(pid !== undefined && Number.isSafeInteger(pid) && { pid }),
    ...(buildId !== undefined && { buildId }),
  }
}

/** The command that decompresses a core, by its suffix. Undefined for one that is opened as it lies there. */
export function unpackCommand({ packed, core }: CoreScript): string | undefined {
  if (packed === undefined) return undefined
  const program = { '.zst': 'zstd', '.lz4': 'lz4', '.xz': 'xz' }[posix.extname(packed)]
  return `${program} -d -c -- ${operand(packed)} > ${operand(core)}`
}
