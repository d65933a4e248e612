import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Keeper } from '../../agent/spool/keeper.ts'
import { type Place, placeIn } from '../../agent/spool/place.ts'
import { spooled } from '../../agent/spool/spooled.ts'
import { directoryArchive } from '../../agent/store/directory/archive.ts'
import { directoryStore } from '../../agent/store/directory/store.ts'
import { type Store, StoreError } from '../../agent/store/store.ts'
import { systemClock } from '../../agent/words/clock.ts'

export const signal = AbortSignal.timeout(120_000)
export const PREFIX = 'v1/hosts/host-1/20261130T120000Z-0123456789abcdef/'
export const INDEX = 'v1/index/dt=2026-11-30/host-1/20261130T120000Z-0123456789abcdef'
export const lots = 1024 ** 3

const never = new AbortController().signal
/** Of a store that does not answer: soon known, and longer than a disk takes on a busy machine. */
const patience = { silence: 2_000, most: 2_000, left: () => 60_000, hurry: never }

/** A spool and a bucket in a directory, and a store between them that can be out of reach. */
export function sceneIn(directory: string, most = lots) {
  const [state, bucket] = [join(directory, 'state'), join(directory, 'bucket')]
  for (const one of [state, bucket]) mkdirSync(one, { recursive: true })
  const place = placeIn(state)
  const inner = directoryStore(bucket)
  let fate: Fate = 'answers'
  let asked = 0
  const met = <T>(limit: AbortSignal, work: () => Promise<T>): Promise<T> => {
    asked++
    return become(fate, limit, work)
  }
  const store: Store = {
    ...inner,
    put: (key, body, limit) => met(limit, () => inner.put(key, body, limit)),
    begin: async (key, limit) => {
      const upload = await met(limit, () => inner.begin(key, limit))
      return {
        key,
        part: (number, body, limit) => met(limit, () => upload.part(number, body, limit)),
        complete: (limit) => met(limit, () => upload.complete(limit)),
      }
    },
  }
  return {
    place,
    state,
    bucket,
    store,
    set fate(next: Fate) {
      fate = next
    },
    /** How many requests the store was sent. */
    get asked() {
      return asked
    },
    backed: () => spooled(store, (limit) => Keeper.open(place, store.url, most, limit), patience, systemClock),
    kept: () => keysIn(place.objects),
    stored: () => keysIn(bucket),
  }
}

/** What becomes of requests: they are answered; nobody answers; they are done, and nobody answers; they fail at once. */
export type Fate = 'answers' | 'silent' | 'loses' | 'fails'

async function become<T>(fate: Fate, limit: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (fate === 'fails') throw new StoreError('transient', 'cannot resolve store.test')
  if (fate === 'answers') return await work()
  if (fate === 'loses') await work()
  return await new Promise((_, reject) => limit.addEventListener('abort', () => reject(limit.reason), { once: true }))
}

async function keysIn(root: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of directoryArchive(root).list('', signal)) keys.push(key)
  return keys
}

export async function contentOf(root: string, key: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of await directoryArchive(root).read(key, 0, signal)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export type Scene = ReturnType<typeof sceneIn> & { readonly place: Place }
