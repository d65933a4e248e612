import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { S3Client } from '@aws-sdk/client-s3'
import { cannot } from '../../cannot.ts'
import type { Settings } from '../../settings/schema.ts'
import type { Location } from '../location.ts'
import { StoreError } from '../store.ts'
import { adoptSystemdCredential } from './credentials.ts'
import { rememberingLookup } from './lookup.ts'
import { clockSkew } from './skew.ts'

export type S3Settings = Settings['s3']
export type S3Location = Extract<Location, { scheme: 's3' }>

/** How long to wait for a store, in ms and tries. The caller's signal ends everything before that. */
export interface Patience {
  /** For a connection. */
  readonly connect: number
  /** With no byte moving in either direction, while a request is under way. */
  readonly silence: number
  /** How often to try what may work later. */
  readonly tries: number
}

/**
 * While capturing there is no better time than now: the deadline alone ends it. A lost SYN is sent again after 1 s
 * (RFC 6298), so 3 s are two chances; 10 s leave a deadline of 30 s two more tries after a silence.
 */
export const CAPTURE_PATIENCE: Patience = { connect: 3_000, silence: 10_000, tries: Number.POSITIVE_INFINITY }
/** A person waits for an answer, also for "it does not answer". */
export const READER_PATIENCE: Patience = { connect: 5_000, silence: 15_000, tries: 5 }

/** More than any caller has requests in flight; a request that waits for a socket would count as one that cannot connect. */
const SOCKETS = 64
/** Kept open between requests: parts in flight, and a small object beside them. */
const IDLE_SOCKETS = 4
/** For stores of one's own, which have no regions but want a name in the signature. */
const ANY_REGION = 'us-east-1'

/** A bucket below a prefix, and what is needed to talk to it. */
export class Bucket implements AsyncDisposable {
  readonly client: S3Client
  readonly name: string
  /** Before every key: empty, or with a trailing slash. */
  readonly prefix: string
  /** `s3://bucket/prefix` */
  readonly url: string
  readonly region: string
  readonly settings: S3Settings
  readonly patience: Patience
  /** Whether bodies of parts are signed: where no checksum guards them on their way, and where the bucket wants it. */
  signsParts: boolean
  /** Who was last talked to: host and port. */
  host: string
  /** ms the store's clock is ahead of ours, by its last answer. */
  clockSkew: number | undefined

  constructor(client: S3Client, location: S3Location, region: string, settings: S3Settings, patience: Patience) {
    this.client = client
    this.name = location.bucket
    this.prefix = location.prefix
    this.url = `s3://${location.bucket}/${location.prefix}`.replace(/\/$/, '')
    this.region = region
    this.settings = settings
    this.patience = patience
    this.signsParts = settings.checksums === 'required'
    this.host = settings.endpoint === undefined ? `S3 in ${region}` : new URL(settings.endpoint).host
    // Nearest to the socket, so that refusals are seen as well.
    const options = { step: 'deserialize', priority: 'low', name: 'lastgaspNotesAnswers' } as const
    client.middlewareStack.add((next) => async (handed) => this.noting(handed.request, () => next(handed)), options)
  }

  private async noting<T extends { response: unknown }>(request: unknown, send: () => Promise<T>): Promise<T> {
    const { hostname, port } = request as { hostname: string; port?: number }
    this.host = port === undefined ? hostname : `${hostname}:${port}`
    const sent = Date.now()
    const answer = await send()
    const { headers } = answer.response as { headers: Readonly<Record<string, string>> }
    this.clockSkew = clockSkew(headers.date, sent, Date.now()) ?? this.clockSkew
    return answer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy()
  }
}

/** Makes a client from the settings; nothing is sent yet. Throws a permanent StoreError for a bad endpoint or no region. */
export async function openBucket(location: S3Location, settings: S3Settings, patience: Patience): Promise<Bucket> {
  const url = `s3://${location.bucket}/${location.prefix}`
  const { endpoint, region: named } = settings
  if (endpoint !== undefined && !(/^https?:\/\//.test(endpoint) && URL.canParse(endpoint))) {
    throw unusable(url, `the endpoint ${JSON.stringify(endpoint)} is not an http:// or https:// URL: check s3.endpoint`)
  }
  adoptSystemdCredential()
  const region = named ?? (endpoint === undefined ? undefined : (process.env.AWS_REGION ?? ANY_REGION))
  const agent = { keepAlive: true, maxSockets: SOCKETS, maxFreeSockets: IDLE_SOCKETS, lookup: rememberingLookup() }
  const client = new S3Client({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    forcePathStyle: settings.addressing === 'path',
    // We retry: the SDK knows neither the deadline nor what a 412 after a lost answer means.
    maxAttempts: 1,
    // A checksum header is set by us where it is wanted; see put.ts.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: patience.connect,
      socketTimeout: patience.silence,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent(agent),
    },
  })
  const known = await client.config.region().catch((thrown: unknown) => {
    client.destroy()
    throw unusable(url, 'no region is known: set s3.region or AWS_REGION', thrown)
  })
  return new Bucket(client, location, known, settings, patience)
}

function unusable(url: string, why: string, cause?: unknown): StoreError {
  return new StoreError('permanent', cannot(`use ${url}`, why).message, { cause })
}
