import type { Lease } from '../../../streams/lease.ts'
import { type Fingerprinted, LISTED, type TracesDetails } from '../../../words/details.ts'
import { type Ledger, ledger } from '../../host/ledger.ts'
import { inChunks, type Reading } from '../../host/reading.ts'
import type { HandedCrashes } from '../../kept-stacks/handed-crashes.ts'
import type { KeptStacks } from '../../kept-stacks/kept-stacks.ts'
import type { SameStack } from '../../kept-stacks/process-trace.ts'
import { coreEntry, safeName } from '../../processes/core-table.ts'
import type { HungThread } from '../../processes/hangs.ts'
import { ENTRY_BYTES, TAR_END, tarWriter } from '../../tar/tar-writer.ts'
import { crashFingerprint, crashJson, crashText } from './crash-files.ts'
import { crashesOf } from './crashes-of.ts'
import type { Crashes } from './find-crashes.ts'
import { hangFingerprints } from './hang-fingerprints.ts'
import { processJson } from './process-json.ts'
import { processText } from './process-text.ts'

/** Characters of the text that has all of them, those that matter first: what nobody reads to its end. */
const ALL = 4 * 1024 * 1024

export interface TracesRequest {
  readonly root: string
  /** What was kept of living processes; undefined where it is about crashes only. */
  readonly kept: KeptStacks | undefined
  readonly crashed: Crashes
  /** Those whose cores the kernel hands over: what is known of them when it is read. */
  readonly handed: HandedCrashes
  /** Threads of the living that get nowhere, as the rules are told of them. */
  readonly hangs: readonly HungThread[]
  readonly limit: number
}

type Counts = { -readonly [Key in keyof Omit<TracesDetails, 'source' | 'fingerprints'>]-?: number }

/** Reads traces.tar: TRACES.md. Whatever ends it early, the tar is whole. */
export function readTraces(request: TracesRequest, signal: AbortSignal): Reading {
  const troubles = ledger()
  const counts: Counts = { processes: 0, crashed: 0, threads: 0, frames: 0, named: 0 }
  const prints: Fingerprinted[] = []
  return {
    chunks: entries(request, troubles, counts, prints, signal),
    outcome() {
      const truncated = troubles.truncated()
      const fingerprints = prints.slice(0, LISTED)
      const known = { ...counts, ...(fingerprints.length > 0 && { fingerprints }) }
      return { ...(truncated !== undefined && { truncated }), identity: { details: { source: 'traces', ...known } } }
    },
    async [Symbol.asyncDispose]() {},
  }
}

async function* entries(
  { root, kept, crashed, handed, hangs, limit }: TracesRequest,
  troubles: Ledger,
  counts: Counts,
  prints: Fingerprinted[],
  signal: AbortSignal,
): AsyncGenerator<Lease, void, void> {
  const tar = tarWriter(Date.now())
  let left = limit - TAR_END
  async function* add(name: string, text: string) {
    const content = Buffer.from(text)
    if (content.length + ENTRY_BYTES > left) {
      troubles.lost(name, `no room for its ${content.length} bytes`)
      return
    }
    const piece = await tar.add({ name, content })
    left -= piece.length
    yield* inChunks(piece)
  }
  const count = (stacks: readonly SameStack[]) => {
    for (const { tids, frames } of stacks) {
      counts.threads += tids.length
      counts.frames += frames.length
      counts.named += frames.filter(({ name, kind }) => name !== undefined || kind === 'signal').length
    }
  }
  const names = new Set<string>()
  const all: string[] = []
  let length = 0
  const keep = (text: string) => {
    length += text.length
    if (length <= ALL) all.push(text)
  }
  const told = handed.untold
  for (const [who, reason] of handed.lacks) troubles.note(who, reason)
  for await (const crash of crashesOf(root, crashed, told, troubles, signal)) {
    counts.crashed += 1
    if ('unwound' in crash) count(crash.unwound.stacks)
    prints.push(...crashFingerprint(crash))
    const name = uniqueName(`crashed/${safeName(crash.label)}`, names)
    const text = crashText(crash)
    keep(text)
    yield* add(`${name}.txt`, text)
    yield* add(`${name}.json`, crashJson(crash))
  }
  if (kept !== undefined) {
    const lacks = [...kept.lacks]
    for (const [who, reason] of lacks) troubles.note(who, reason)
    if (kept.processes === 0 && !signal.aborted)
      troubles.lost('stacks', lacks[0]?.[1] ?? 'none were taken that could be told of')
    try {
      for await (const trace of kept.traces(hangs.length > 0, signal)) {
        counts.processes += 1
        count(trace.stacks)
        prints.push(...hangFingerprints(trace, hangs))
        const name = uniqueName(coreEntry(trace.process).replace(/\.core$/, ''), names)
        const text = processText(trace)
        keep(text)
        yield* add(`${name}.txt`, text)
        yield* add(`${name}.json`, processJson(trace))
      }
    } catch (error) {
      if (!signal.aborted) throw error
      troubles.lost('stacks', `the time was up: ${counts.processes} of ${kept.processes} processes are told of`)
    }
    for (const sentence of kept.damaged) troubles.note('names', sentence)
  }
  const more = names.size - all.length
  yield* add('traces.txt', [...all, ...(more > 0 ? [`and ${more} more\n`] : [])].join('\n\n'))
  yield* add('errors.txt', troubles.text())
  yield* inChunks(tar.end())
  // What has been told need not be kept.
  for (const crash of told) handed.told(crash)
  kept?.[Symbol.dispose]()
}

function uniqueName(name: string, names: Set<string>): string {
  let unique = name
  for (let index = 2; names.has(unique); index++) unique = `${name}-${index}`
  names.add(unique)
  return unique
}
