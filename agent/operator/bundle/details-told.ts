import type { Receipt } from '../../bundle/schema.ts'
import { homeOf } from '../../findings/sentence.ts'
import { countOf } from '../../words/count-of.ts'
import { isoSecond } from '../../words/instant.ts'
import { formatBytes } from '../../words/units.ts'

/**
 * Sentences about the details of a receipt. A bundle may have made up every word and number in them: what is printed of it goes through
 * the terminal's own rules, and nothing else is done with it.
 */

type Read = NonNullable<Receipt['details']>
/** The details that a receipt of one source has. */
export type DetailsRead<Source extends Read['source']> = Extract<Read, { readonly source: Source }>
type Trouble = NonNullable<DetailsRead<'live'>['trouble']>

/** Processes that are named before the rest is a number. */
const TOLD = 3

/** What is worth a line beside an artifact: a sentence each. */
export function detailsTold({ details, item }: Pick<Receipt, 'details' | 'item'>): readonly string[] {
  switch (details?.source) {
    case 'facts':
      return factsTold(details)
    case 'stacks':
      return stacksTold(details)
    case 'traces':
      return tracesTold(details)
    case 'live':
      return liveTold(details, item.unit)
    case 'memory':
      return snapshotTold(details)
    case 'executables':
      return details.comm === undefined
        ? []
        : [`of ${details.comm}${details.pid === undefined ? '' : `[${details.pid}]`}`]
    case 'journal':
      return journalTold(details)
    case 'files':
      return filesTold(details, item.uid)
    case 'cores':
      return coresTold(details, item.threads)
    case undefined:
      return []
  }
}

function factsTold({ processes, leftOut = [], leftOutKinds = leftOut.length }: DetailsRead<'facts'>): string[] {
  const named = leftOut.slice(0, TOLD).map(({ path, reason, times }) => {
    return `${path}: ${reason}${times > 1 ? ` (${times} times)` : ''}`
  })
  const more = leftOutKinds > named.length ? [`and ${leftOutKinds - named.length} more in errors.txt`] : []
  return [
    ...(processes === undefined ? [] : [countOf(processes, 'process', 'processes')]),
    ...(named.length === 0 ? [] : [`left out: ${[...named, ...more].join(', ')}`]),
  ]
}

function stacksTold(details: DetailsRead<'stacks'>): string[] {
  const { processes, looks = 0, partial = 0, narrow = 0, gone = 0, goneFirst = [] } = details
  const named = goneFirst
    .slice(0, TOLD)
    .map(({ comm, pid, ...of }) => [comm, pid, homeOf(of)].filter(Boolean).join(' '))
  const count = countOf(processes, 'process', 'processes')
  return [
    stuckTold(details) ?? (looks > 1 ? `${count}, none stuck` : count),
    ...(partial > 0 ? [`cores.tsv says what ${partial} of the cores lack`] : []),
    ...(narrow > 0 ? [`no core of ${countOf(narrow, '32-bit process', '32-bit processes')}, only the table`] : []),
    ...(gone > 0
      ? [`${gone} had ended before a core was taken: ${[...named, ...(gone > named.length ? ['…'] : [])].join(', ')}`]
      : []),
  ]
}

function tracesTold({ processes, crashed, frames = 0, named = 0 }: DetailsRead<'traces'>): string[] {
  const living = processes > 0 ? [countOf(processes, 'process', 'processes')] : []
  const dead = crashed > 0 ? [countOf(crashed, 'crash', 'crashes')] : []
  const share = frames > 0 ? [`${Math.round((100 * named) / frames)} % of ${countOf(frames, 'frame')} named`] : []
  return [[...living, ...dead, ...share].join(', ')]
}

/** Which processes hang, and in what: `2 of 41 processes stuck: nginx worker 812 in D (nfs_wait), in read, …`; undefined where none does. */
export function stuckTold(details: DetailsRead<'stacks'>): string | undefined {
  const { processes, looks = 0, stuck = 0, threads = [] } = details
  if (stuck === 0) return undefined
  const named = threads.slice(0, TOLD).map((thread) => {
    const { comm, name, tid, stand, blocked, wchan, call } = thread
    const how = blocked ? `in D${wchan === undefined ? '' : ` (${wchan})`}` : HOW[stand]
    const where = blocked && call !== undefined ? ` in ${call}` : ''
    return `${name === comm ? comm : `${comm} ${name}`} ${tid} ${how}${where}`
  })
  const more = stuck > named.length ? `, and ${stuck - named.length} more` : ''
  const count = countOf(processes, 'process', 'processes')
  return `${stuck} of ${count} ${looks > 1 ? 'stuck' : 'blocked'}: ${named.join(', ')}${more}`
}

const HOW: Readonly<Record<NonNullable<DetailsRead<'stacks'>['threads']>[number]['stand'], string>> = {
  blocked: 'in D',
  'deadlock?': 'in a deadlock?',
  spinning: 'spinning',
  still: 'waiting',
  moved: 'running',
  unknown: 'seen once',
}

function liveTold({ trouble, by, missed = [] }: DetailsRead<'live'>, unit: string | undefined): string[] {
  return [
    ...(trouble === undefined ? [] : [troubleTold(trouble, unit)]),
    ...(by === 'gdb' ? ['taken by gdb'] : []),
    ...missed,
  ]
}

/** What was wrong with a process, which ran in `unit`. */
export function troubleTold(trouble: Trouble, unit = 'its unit'): string {
  switch (trouble.kind) {
    case 'blocked':
      return `${trouble.comm} ${trouble.tid} in D${trouble.wchan === undefined ? '' : ` (${trouble.wchan})`}`
    case 'failed':
      return `${unit} has failed`
    case 'stopping':
      return `${unit} was being stopped and ran on`
    case 'killed': {
      const { comm = 'a process', pid, count } = trouble
      const whom = count === undefined ? `${comm}${pid === undefined ? '' : ` (${pid})`} was killed` : `${count} killed`
      return `${unit} ran out of memory: ${whom}`
    }
    case 'short':
      return `${trouble.group} holds ${trouble.percent} % of its memory limit`
    case 'deadlock':
      return `thread ${trouble.tid} is in a deadlock`
    case 'spinning':
      return `thread ${trouble.tid} spins`
    case 'limit':
      return `${trouble.used} of ${trouble.most} ${trouble.of} are in use`
  }
}

/** What a snapshot of the machine's memory, or the kernel's tables beside it, is. */
export function snapshotTold(details: DetailsRead<'memory'>): string[] {
  const { scope, unfit, more, whole, pages = 0, compared, torn = [], unread = 0, kernel } = details
  const changed = torn.reduce((sum, { pages }) => sum + pages, 0)
  const share = compared === undefined || compared === 0 ? 0 : (changed / compared) * 100
  const again = compared === undefined || compared === pages ? '' : `, of which ${compared} were looked at again`
  return [
    ...(kernel === undefined ? [] : [`kernel ${kernel}`]),
    ...(scope === undefined ? [] : [`scope ${scope}`]),
    ...(more ? ['the unit has more pages than there was room or time for'] : []),
    ...(unfit === undefined ? [] : [`${unfit.scope} has ${formatBytes(unfit.bytes)}, which does not fit`]),
    ...(whole === undefined ? [] : [whole.length === 0 ? 'no class of pages is whole' : `whole: ${whole.join(', ')}`]),
    ...(compared === undefined ? [] : [`${share.toFixed(1)} % of ${pages} pages torn${again}`]),
    ...(unread > 0 ? [`${formatBytes(unread)} could not be read and are zeros`] : []),
  ]
}

function journalTold({ entries, from, to, open, headerBytes }: DetailsRead<'journal'>): string[] {
  const [first, last] = [from, to].map((ms) => (ms === undefined ? undefined : isoSecond(ms)) ?? 'an unknown time')
  return [
    `${entries} entries, ${first} to ${last}`,
    ...(open === undefined ? [] : [`copied while journald may write to it: ${open}`]),
    ...(headerBytes === undefined ? [] : [`the host's file is shorter than the ${headerBytes} bytes its header says`]),
  ]
}

function filesTold(details: DetailsRead<'files'>, owner: number | undefined): string[] {
  const { count, first = [], unread = 0, size, from = 0, to, older, mode, rotated } = details
  const named = first.slice(0, TOLD).map(({ path }) => path)
  const more = (count ?? 0) > named.length ? ['files.tsv has all'] : []
  const isPart = size !== undefined && to !== undefined && (from > 0 || to < size)
  return [
    ...(count === undefined
      ? []
      : [[countOf(count, 'file'), ...(count > 0 ? [[...named, ...more].join(', ')] : [])].join(': ')]),
    ...(unread > 0 ? [`${unread} could not be read`] : []),
    ...(isPart ? [`${older ? 'an older piece' : 'its newest end'}, bytes ${from} to ${to} of ${size}`] : []),
    ...(rotated === undefined ? [] : [`it was rotated meanwhile, to ${rotated}`]),
    ...(mode === undefined || count !== undefined
      ? []
      : [`${mode.toString(8).padStart(4, '0')}, of user ${owner ?? '?'}`]),
  ]
}

function coresTold(
  { thread, unfinished, handed, unasked }: DetailsRead<'cores'>,
  threads: number | undefined,
): string[] {
  return [
    ...(thread === undefined ? [] : [`thread ${thread}${threads === undefined ? '' : ` of ${threads}`} crashed`]),
    ...(handed ? ['taken from the kernel while the host went down'] : []),
    ...(unfinished ? ['was still being written at the inventory'] : []),
    ...(unasked === undefined ? [] : [`its attributes were not read: ${unasked}`]),
  ]
}
