import type { StoreFailure } from '../store.ts'
import type { Side } from './advice.ts'

/** What was being done, for the sentence a person reads. */
export interface Task {
  /** `store s3://bucket/key` */
  readonly what: string
  /** The permission it needs: `s3:PutObject`. */
  readonly permission: string
  readonly bucket: string
  /** Host (and port) that was talked to. */
  readonly host: string
  readonly region: string
  readonly owner: string | undefined
  readonly side: Side
  /** The proxy that is set for such requests. */
  readonly proxy: string | undefined
  /** Why more authorities are not trusted, where somebody named some. */
  readonly distrust: string | undefined
  /** Who has to answer before anything goes on: the store, or whoever has its credentials. */
  readonly awaited: string
}

/** What the SDK's errors carry, whichever of its layers threw. */
export interface Thrown {
  readonly name?: string
  readonly code?: string
  readonly message?: string
  /** Of a proxy that refuses a tunnel. */
  readonly statusCode?: number
  /** Elements of S3's error: the right region, the header that the store does not know. */
  readonly Region?: string
  readonly Header?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

export type Verdict = readonly [failure: StoreFailure, because: string]
export type Verdicts = Readonly<Record<string, (task: Task, thrown: Thrown) => Verdict>>

/** What a table says of a code, which comes from outside: `constructor` is none. */
export function of(verdicts: Verdicts, code: string): Verdicts[string] | undefined {
  return Object.hasOwn(verdicts, code) ? verdicts[code] : undefined
}
