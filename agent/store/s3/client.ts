import { S3Client } from '@aws-sdk/client-s3'
import type { Settings } from '../../settings/schema.ts'
import type { DescriptorReserve } from '../../streams/reserve.ts'
import { cannot, sentence } from '../../words/cannot.ts'
import type { Location } from '../../words/location.ts'
import { Pace } from '../pace.ts'
import { StoreError } from '../store.ts'
import { Waits } from '../waits.ts'
import type { Side } from './advice.ts'
import { credentialSources } from './credential-sources.ts'
import { Credentials } from './credentials.ts'
import { exchanges } from './exchange.ts'
import { type Where, whereIs } from './region.ts'
import { openRoads, type Roads } from './roads.ts'
import { clockSkew } from './skew.ts'
import { adoptSystemdCredential } from './systemd-credential.ts'

/** The settings, and what to open connections by where no descriptor is left. */
export type S3Settings = Settings['s3'] & { readonly reserve?: DescriptorReserve }
export type S3Location = Extract<Location, { scheme: 's3' }>

/** How long to wait for a store, in ms and tries. The caller's signal ends everything before that. */
export interface Patience {
  /** For a connection. */
  readonly connect: number
  /** Without a sign of life, once what was sent cannot be in buffers before a slow link any more (silence.ts). */
  readonly silence: number
  /** How often to try what may work later. */
  readonly tries: number
}

/**
 * A lost SYN is sent again after 1 s (RFC 6298), so 3 s are two chances; 10 s leave a deadline of 30 s two more tries after
 * a silence. Those are made by `retrying`, around the store.
 */
export const CAPTURE_PATIENCE: Patience = { connect: 3_000, silence: 10_000, tries: 1 }
/** A person waits for an answer, also for "it does not answer". */
export const READER_PATIENCE: Patience = { connect: 5_000, silence: 15_000, tries: 5 }

/** A bucket below a prefix, and what is needed to talk to it. */
export class Bucket implements AsyncDisposable {
  readonly client: S3Client
  readonly name: string
  /** Before every key: empty, or with a trailing slash. */
  readonly prefix: string
  /** `s3://bucket/prefix` */
  readonly url: string
  readonly #where: Where
  readonly settings: S3Settings
  readonly patience: Patience
  readonly side: Side
  readonly credentials: Credentials
  readonly roads: Roads
  readonly pace: Pace
  /** What is under way. */
  readonly waits = new Waits()
  /** Whether bodies of parts are signed: where no checksum guards them on their way, and where the bucket wants it. */
  signsParts: boolean
  /** Who was last talked to: host and port. */
  host: string
  /** ms the store's clock is ahead of ours, by its last answer. */
  clockSkew: number | undefined

  constructor({ client, location, where, settings, patience, side, credentials, roads, pace }: BucketParts) {
    this.client = client
    this.name = location.bucket
    this.prefix = location.prefix
    this.url = `s3://${location.bucket}/${location.prefix}`.replace(/\/$/, '')
    this.#where = where
    this.settings = settings
    this.patience = patience
    this.side = side
    this.credentials = credentials
    this.roads = roads
    this.pace = pace
    this.signsParts = settings.checksums === 'required'
    this.host = settings.endpoint === undefined ? `S3 in ${this.region}` : new URL(settings.endpoint).host
    // Nearest to the socket, so that refusals are seen as well.
    const options = { step: 'deserialize', priority: 'low', name: 'lastgaspNotesAnswers' } as const
    client.middlewareStack.add((next) => async (handed) => this.noting(handed.request, () => next(handed)), options)
  }

  /** For messages. */
  get region(): string {
    return this.#where.told()
  }

  private async noting<T extends { response: unknown }>(request: unknown, send: () => Promise<T>): Promise<T> {
    const { hostname, port } = request as { hostname: string; port?: number }
    this.host = port === undefined ? hostname : `${hostname}:${port}`
    const began = performance.now()
    const answer = await send()
    // Both by the clock as it is now: it may have been set meanwhile.
    const answered = Date.now()
    const sent = answered - (performance.now() - began)
    const { headers } = answer.response as { headers: Readonly<Record<string, string>> }
    this.clockSkew = clockSkew(headers.date, sent, answered) ?? this.clockSkew
    return answer
  }

  /** The proxy that is set for the store, for a message. */
  get proxy(): string | undefined {
    return this.roads.proxyFor(
      this.settings.endpoint === undefined ? 'https:' : new URL(this.settings.endpoint).protocol,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy()
  }
}

interface BucketParts
  extends Pick<Bucket, 'client' | 'settings' | 'patience' | 'side' | 'credentials' | 'roads' | 'pace'> {
  readonly location: S3Location
  readonly where: Where
}

/** Makes a client from the settings; nothing is sent yet. Throws a permanent StoreError for what can never work. */
export async function openBucket(
  location: S3Location,
  settings: S3Settings,
  patience: Patience,
  side: Side,
): Promise<Bucket> {
  const url = `s3://${location.bucket}/${location.prefix}`
  const { endpoint, region: named } = settings
  if (endpoint !== undefined && !(/^https?:\/\//.test(endpoint) && URL.canParse(endpoint))) {
    throw unusable(url, `the endpoint ${JSON.stringify(endpoint)} is not an http:// or https:// URL: check s3.endpoint`)
  }
  adoptSystemdCredential()
  const roads = await openRoads(process.env, settings.reserve).catch((thrown: unknown) => {
    throw unusable(url, sentence(thrown), thrown)
  })
  const pace = new Pace()
  const requestHandler = exchanges(roads, patience, pace)
  const where = whereIs(location.bucket, settings, { requestHandler })
  const route = { requestHandler, ...(endpoint === undefined && named !== undefined && { region: named }) }
  const { reserve } = settings
  const credentials = new Credentials(() => {
    const sources = credentialSources(process.env, route)
    if (reserve === undefined) return sources
    return sources.map((source) => ({ ...source, ask: () => reserve.lend(() => source.ask()) }))
  })
  const client = new S3Client({
    region: where.region,
    ...(endpoint === undefined ? {} : { endpoint }),
    // At an IP address, the SDK puts the bucket into the path by itself.
    forcePathStyle: settings.addressing === 'path',
    // `memoized` has the SDK ask for them at every request, for it would keep keys without an end for good.
    credentials: Object.assign(() => credentials.keys(), { memoized: true }),
    // We retry: the SDK knows neither the deadline nor what a 412 after a lost answer means.
    maxAttempts: 1,
    // A checksum header is set by us where it is wanted; see put.ts.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    requestHandler,
  })
  if (typeof where.region === 'string')
    await client.config.region().catch((thrown: unknown) => {
      client.destroy()
      throw unusable(url, `${sentence(thrown).replace(/\.$/, '')}: check s3.region or AWS_REGION`, thrown)
    })
  return new Bucket({ client, location, where, settings, patience, side, credentials, roads, pace })
}

function unusable(url: string, why: string, cause?: unknown): StoreError {
  return new StoreError('permanent', cannot(`use ${url}`, why).message, { cause })
}
