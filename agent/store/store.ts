import type { Pace } from './pace.ts'

/** Something that a store is waiting for, for a person who waits with it. */
export interface Wait {
  /** Host and purpose: `127.0.0.1:9000, to list s3://bucket/prefix`. */
  readonly what: string
  /** ms for which nothing has come of it */
  readonly ms: number
}

/**
 * Where bundles go, as narrow as the capture side needs it: it can add objects and nothing else.
 * `directory/` and `s3/` implement it, and both pass test/contract/store.ts. Whatever fails does so as a StoreError, and
 * every call ends with its signal (then `transient`, naming what the store did last). Each call is one try: `retrying`
 * makes more of it.
 */
export interface Store extends AsyncDisposable {
  /** For messages: `s3://bucket/prefix` or `file:///path`, no credentials. */
  readonly url: string
  /** How fast it has taken what it was sent. */
  readonly pace: Pace
  /** What has been waited for the longest, where the store can tell. */
  waiting?(): Wait | undefined
  /**
   * Opens connections, resolves names, loads credentials: what can be done before it is urgent. One try, and worth
   * repeating now and then, for credentials expire. No test of permissions.
   */
  warm(signal: AbortSignal): Promise<void>
  /** Creates `key` with all of `body`, whole or not at all. `exists` if there is such an object already. */
  put(key: string, body: Buffer, signal: AbortSignal): Promise<Stored>
  /** Begins an object of unknown length that arrives in parts. Nothing is visible under `key` before `complete`. */
  begin(key: string, signal: AbortSignal): Promise<Upload>
}

/** An object on its way. Parts are numbered from 1, all of one size but the last; they may arrive in any order. */
export interface Upload {
  readonly key: string
  part(number: number, body: Buffer, signal: AbortSignal): Promise<void>
  /**
   * Makes an object of the parts 1..n that have arrived without a gap (what lies beyond a gap stays in the
   * upload for salvage, or is dropped). One that was given up may have arrived all the same: `bytes` tells. Called again
   * after a failure, it knows its own object. `exists` if the key was taken by another. Servers differ: Ceph's gateway
   * (16.2) replaces what is there, and refuses (`permanent`) an upload with a gap.
   */
  complete(signal: AbortSignal): Promise<Stored>
}

export interface Stored {
  readonly key: string
  readonly bytes: number
  /** Milliseconds the store's clock is ahead of ours, where its answer told. */
  readonly clockSkew?: number
}

/** Reading, for the operator side. */
export interface Archive extends AsyncDisposable {
  readonly url: string
  /** What has been waited for the longest, where the store can tell. */
  waiting?(): Wait | undefined
  /** Objects whose key starts with `prefix`, in key order. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<ObjectEntry>
  /** The "folders" directly below `prefix` (which ends in `/` or is empty), each with its trailing slash. */
  folders(prefix: string, signal: AbortSignal): AsyncIterable<string>
  /** Content from byte `from` on. `missing` if there is no such object. */
  read(key: string, from: number, signal: AbortSignal): Promise<AsyncIterable<Buffer>>
}

export interface ObjectEntry {
  readonly key: string
  readonly bytes: number
  /** ms since the epoch */
  readonly modified: number
}

/**
 * Why the store did not do it. `transient`: the same request may work later. `denied`: credentials or policy.
 * `permanent`: it will never work as asked (no such bucket, bad endpoint). `exists`: the key is taken. `missing`: no such object.
 */
export type StoreFailure = 'transient' | 'denied' | 'permanent' | 'exists' | 'missing'

interface Doubt {
  readonly doubtful?: boolean
}

export class StoreError extends Error {
  readonly failure: StoreFailure
  /** Whether it may have been done all the same: the answer alone was lost. */
  readonly doubtful: boolean
  constructor(failure: StoreFailure, message: string, { doubtful = false, ...options }: Doubt & ErrorOptions = {}) {
    super(message, options)
    this.name = 'StoreError'
    this.failure = failure
    this.doubtful = doubtful
  }
}

/** Parts after which an object goes on in a new segment `.001`: 10,000 is S3's limit, the rest is salvage's room. */
export const PARTS_PER_SEGMENT = 9000
