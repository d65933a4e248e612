import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { seeded } from '../random.ts'
import { CORPUS } from './corpus.ts'
import { mutated } from './mutate.ts'
import { isSentence, READERS } from './readers.ts'

/** A case that was not read as it should be. */
export interface Found {
  readonly reader: string
  readonly seed: number
  readonly what: string
}

/** ms: no reader of such bytes takes a hundredth of it, where nobody else has the processor. */
const LONG_MS = 5_000

/** Reads one case: undefined where it is read, or refused with what the reader says that it throws. */
export async function tried(reader: string, seed: number): Promise<Found | undefined> {
  const one = READERS[reader]
  const corpus = CORPUS[reader]
  if (one === undefined || corpus === undefined)
    throw new Error(`there is no reader ${reader}; there are: ${Object.keys(READERS).join(', ')}`)
  const bytes = mutated(corpus, seeded(seed * 2_654_435_761))
  const { user: before } = process.cpuUsage()
  try {
    await one.read(bytes)
  } catch (error) {
    if (!isSentence(error) && one.declares?.(error) !== true)
      return { reader, seed, what: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
  const ms = (process.cpuUsage().user - before) / 1000
  return ms > LONG_MS
    ? { reader, seed, what: `it took ${Math.round(ms)} ms of a processor for ${bytes.length} bytes` }
    : undefined
}

/** Bytes on the heap, after all that is garbage has gone. */
export function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
