import type { Wait } from './store.ts'

/** An upload that nobody has completed. */
export interface Unfinished {
  readonly key: string
  /** What the store calls it. */
  readonly id: string
}

/** A part that has arrived. */
export interface Arrived {
  readonly number: number
  readonly bytes: number
  /** How many of these bytes, at its end, are zeros that stand for what was not written any more: in a directory alone. */
  readonly missing?: number
  /** What completing an upload has to repeat of it, where the store wants that. */
  readonly etag?: string | undefined
  readonly crc32?: string | undefined
}

/** Parts that take the place of those that never arrived: zeros. */
export interface Filler {
  readonly numbers: readonly number[]
  /** Of each of them. */
  readonly bytes: number
}

/**
 * What came of completing. `exists`: the key was taken. `gone`: the upload is no more, for somebody has completed or removed it.
 * `changed`: other parts have arrived than those that were named.
 */
export type Completed = 'completed' | 'exists' | 'gone' | 'changed'

/** A rule of the store that removes unfinished uploads. */
export interface Expiry {
  readonly days: number
  /** What it is called there. */
  readonly rule: string
}

/**
 * A store's unfinished uploads, for the operator's side: looking at them, and making objects of them. Creates and never
 * replaces, as a `Store` does. `directory/` and `s3/` implement it. Whatever fails does so as a StoreError.
 */
export interface Uploads extends AsyncDisposable {
  readonly url: string
  /** What has been waited for the longest, where the store can tell. */
  waiting?(): Wait | undefined
  /** ms since the epoch by the store's clock, which its dates are of. */
  now(signal: AbortSignal): Promise<number>
  /** Uploads to keys that start with `prefix`, in no order. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<Unfinished>
  /** The parts of one that have arrived, by their numbers. None where it is gone. */
  parts(upload: Unfinished, signal: AbortSignal): Promise<readonly Arrived[]>
  /** Makes the object of all parts that have arrived, with filler in the places between. */
  complete(upload: Unfinished, parts: readonly Arrived[], filler: Filler, signal: AbortSignal): Promise<Completed>
  /** Creates `key` with all of `body`. */
  put(key: string, body: Buffer, signal: AbortSignal): Promise<'created' | 'exists'>
  /** The rule that removes uploads to keys below `prefix` soonest; undefined where there is none, or it cannot be seen. */
  expiry(prefix: string, signal: AbortSignal): Promise<Expiry | undefined>
}
