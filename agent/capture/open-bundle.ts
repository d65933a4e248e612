import { closingManifest, type Ending, indexRow } from '../bundle/closing.ts'
import { type BundleName, bundlePrefix, newBundle, openKey, rowKey } from '../bundle/keys.ts'
import { lasts } from '../bundle/lasts.ts'
import type { Manifest, Opening } from '../bundle/schema.ts'
import { prefixed } from '../store/prefixed.ts'
import { type Store, StoreError } from '../store/store.ts'
import { pause } from '../words/clock.ts'
import { within } from '../words/deadline.ts'
import { type CaptureRequest, openingOf } from './request.ts'
import type { Time } from './time.ts'

/** A bundle from its opening manifest to the closing one. */
export interface Bundle {
  /** Rejects with the store's error when it could not be begun. Writes wait for it. */
  readonly opened: Promise<Opened>
  /** The bundle as a store of its own: keys are names below its prefix, results name them likewise. */
  readonly store: Store
  /** Writes a document that says something of it. Not waited for, and what becomes of it matters to nobody. */
  note(name: string, says: (bundle: string) => object): void
  /** The commit: closing manifest, then the row of the index. Throws a StoreError. */
  close(ending: Omit<Ending, 'clockSkew' | 'problems'>): Promise<Ended>
}

export interface Opened {
  readonly name: BundleName
  readonly opening: Opening
  readonly clockSkew?: number
}

/** How a capture ended: what its closing manifest says. */
export interface Ended {
  readonly name: BundleName
  readonly manifest: Manifest
}

/** Before the store is tried again that could not begin a bundle for a reason that may pass. */
const AGAIN_MS = 500

/** Begins a bundle: opening manifest, then the index mark. Returns at once; evidence can be collected while the store answers. */
export function openBundle(store: Store, request: CaptureRequest, time: Time): Bundle {
  const opened = begin(store, request, time, within(time.budget.opening, time.end.signal, time.clock))
  opened.catch(() => {})
  const below = prefixed(
    store,
    opened.then(({ name }) => bundlePrefix(name)),
  )
  const { signal } = time.end
  return {
    opened,
    store: below,
    note: (file, says) => {
      const written = opened.then(({ name }) => below.put(file, document(says(name.bundle)), signal))
      written.catch(() => {})
    },
    close: async (ending) => {
      const { name, opening, clockSkew } = await opened
      const manifest = closingManifest(opening, { ...ending, clockSkew, problems: request.problems })
      await below.put('manifest.json', document(manifest), signal)
      const row = rowKey(name, manifest.status, manifest.why, manifest.trigger === 'previous-boot')
      await store.put(row, document(indexRow(manifest, name)), signal)
      return { name, manifest }
    },
  }
}

/** An id that is taken already is replaced by a new one; one that we may have taken ourselves is not. */
async function begin(store: Store, request: CaptureRequest, time: Time, signal: AbortSignal): Promise<Opened> {
  for (let opening = anew(request, time), doubtful = false; ; ) {
    const { name, document: content } = opening
    try {
      const clockSkew = await put(store, `${bundlePrefix(name)}opening.json`, document(content), doubtful, signal)
      await put(store, openKey(name, lasts(content)), Buffer.alloc(0), doubtful, signal)
      return { name, opening: content, ...(clockSkew !== undefined && { clockSkew }) }
    } catch (error) {
      if (signal.aborted || !(error instanceof StoreError)) throw error
      if (error.failure === 'exists') [opening, doubtful] = [anew(request, time), false]
      else if (error.failure !== 'transient') throw error
      else {
        doubtful ||= error.doubtful
        await pause(AGAIN_MS, time.clock, signal)
        if (signal.aborted) throw error
      }
    }
  }
}

function anew(request: CaptureRequest, time: Time) {
  const name = newBundle(request.identity, Date.now())
  return { name, document: openingOf(request, name, time.elapsed) }
}

/** `doubtful`: an earlier try may have put it there. */
async function put(store: Store, key: string, body: Buffer, doubtful: boolean, signal: AbortSignal) {
  try {
    return (await store.put(key, body, signal)).clockSkew
  } catch (error) {
    if (doubtful && error instanceof StoreError && error.failure === 'exists') return undefined
    throw error
  }
}

/** A document of the bundle as it is stored: JSON that a person can read too. */
export function document(json: object): Buffer {
  return Buffer.from(`${JSON.stringify(json, null, 2)}\n`)
}
