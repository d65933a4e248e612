import { type BundleName, bundlePrefix, newBundle, openKey } from '../bundle/keys.ts'
import { lasts } from '../bundle/lasts.ts'
import type { Opening } from '../bundle/schema.ts'
import { prefixed } from '../store/prefixed.ts'
import { type Store, StoreError } from '../store/store.ts'

/** A bundle that is being begun, and is written to meanwhile. */
export interface OpenBundle {
  /** Rejects with the store's error when it could not be begun. Writes below wait for it. */
  readonly opened: Promise<Opened>
  /** The bundle as a store of its own: keys are names below its prefix, results name them likewise. */
  readonly store: Store
}

export interface Opened {
  readonly name: BundleName
  readonly opening: Opening
  readonly clockSkew?: number
}

/**
 * Begins a bundle: opening manifest, then the index mark. Returns at once; evidence can be collected while the store answers.
 * An id that is taken already is replaced by a new one.
 */
export function openBundle(
  store: Store,
  describe: (name: BundleName) => Opening,
  identity: string,
  signal: AbortSignal,
): OpenBundle {
  const opened = begin(store, describe, identity, signal)
  opened.catch(() => {})
  const prefix = opened.then(({ name }) => bundlePrefix(name))
  return { opened, store: prefixed(store, prefix) }
}

async function begin(
  store: Store,
  describe: (name: BundleName) => Opening,
  identity: string,
  signal: AbortSignal,
): Promise<Opened> {
  while (true) {
    const name = newBundle(identity, Date.now())
    const opening = describe(name)
    try {
      const { clockSkew } = await store.put(`${bundlePrefix(name)}opening.json`, document(opening), signal)
      await store.put(openKey(name, lasts(opening)), Buffer.alloc(0), signal)
      return { name, opening, ...(clockSkew !== undefined && { clockSkew }) }
    } catch (error) {
      if (signal.aborted || !(error instanceof StoreError && error.failure === 'exists')) throw error
    }
  }
}

/** A document of the bundle as it is stored: JSON that a person can read too. */
export function document(json: object): Buffer {
  return Buffer.from(`${JSON.stringify(json, null, 2)}\n`)
}
