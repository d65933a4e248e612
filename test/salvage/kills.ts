import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { AbortMultipartUploadCommand, DeleteObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { catalogue, END_OF_TIME } from '../../agent/operator/catalogue/catalogue.ts'
import { look, type Place } from '../../agent/operator/salvage/plan.ts'
import { salvageBundle } from '../../agent/operator/salvage/salvage-bundle.ts'
import { generateIdentity, recipientOf, secretText } from '../../agent/seal/keys.ts'
import { openArchive, openUploads } from '../../agent/store/open.ts'
import { recordingProxy } from '../policy/recording-proxy.ts'
import type { S3Server } from '../s3-server.ts'
import { type Acknowledged, acknowledgedIn, lyingIn, recovered } from './acknowledged.ts'
import { wrongWith } from './judge.ts'
import { killedCapture } from './victim.ts'

/** A capture that is killed. */
export interface Kill {
  readonly number: number
  readonly store: 's3' | 'directory'
  readonly isSealed: boolean
  /** How far it has come when it is killed: of all bytes that it would send, 0 to 1. */
  readonly at: number
}

/** What came of it. */
export interface Judged extends Kill {
  readonly ended: 'ended' | 'killed'
  /** Parts that the store had acknowledged, and how many bytes of them were there after salvage. */
  readonly parts: number
  readonly acknowledged: number
  readonly recovered: number
  /** Parts in the middle that had not arrived. */
  readonly filled: number
  /** What the bundle became; `none` where its opening had not arrived. */
  readonly state: string
  readonly wrong: readonly string[]
}

export interface Scene {
  readonly scratch: string
  /** The root of the host. */
  readonly root: string
  /** Bytes that a capture of it sends. */
  readonly bytes: number
  readonly server: S3Server
  /** How long a capture may take: salvage has to wait until that has passed. */
  readonly deadline: string
}

/** Longer than any of it takes. */
const patience = () => AbortSignal.timeout(600_000)
/** How often it is looked how far a directory has come, in ms. */
const LOOK_MS = 5

/** Kills a capture, salvages it when its time has passed, and judges what came of it. */
export async function kill(scene: Scene, one: Kill, later: boolean): Promise<Judged> {
  const { scratch, server } = scene
  const home = join(scratch, `kill-${one.number}`)
  mkdirSync(home)
  const key = join(home, 'key.txt')
  const identity = generateIdentity()
  writeFileSync(key, `${secretText(identity)}\n`)
  const env = { AWS_ACCESS_KEY_ID: server.accessKey, AWS_SECRET_ACCESS_KEY: server.secretKey }
  const sealing = one.isSealed ? `seal.recipients=["${recipientOf(identity).text}"]` : 'seal.unsealed="allow"'
  const host = `kill-${one.number}`
  const where = one.store === 's3' ? await inBucket(scene, host) : inDirectory(home)
  const { root, deadline } = scene
  try {
    const ended = await killedCapture({ root, deadline, sealing, identity: host, env, store: where.capture }, (end) =>
      where.when(one.at * scene.bytes, end),
    )
    const parts = await where.acknowledged()
    const archive = await openArchive(where.url, server.settings, patience())
    const uploads = await openUploads(where.url, server.settings, patience())
    await using closing = new AsyncDisposableStack()
    closing.use(archive)
    closing.use(uploads)
    const now = async () => Date.now() + (later ? 86_400_000 : 0)
    const place = { archive, uploads: later ? { ...uploads, now } : uploads }
    const became = await salvaged(place)
    const there = await recovered(archive, parts, patience())
    const reader = { args: where.read, env, key, scratch: home }
    const wrong = became.bundle === undefined ? [] : [...became.wrong, ...(await wrongWith(became.bundle, reader))]
    const acknowledged = parts.reduce((sum, { bytes }) => sum + bytes, 0)
    const { state, filled } = became
    return { ...one, ended, parts: parts.length, acknowledged, recovered: there, filled, state, wrong }
  } finally {
    await where.clear()
    rmSync(home, { recursive: true, force: true })
  }
}

/** Salvages the one bundle of a store, when it is due. */
export async function salvaged(place: Place) {
  for (;;) {
    const { entries } = await catalogue(place.archive, { since: 0, until: END_OF_TIME }, Date.now(), patience())
    const name = entries[0] ?? (await unmarked(place))
    if (name === undefined) return { state: 'none', filled: 0, wrong: [] }
    const found = await look(place, name, patience())
    if (found.is === 'running') {
      await sleep(1_000)
      continue
    }
    const wrong: string[] = []
    let filled = 0
    if (found.is === 'refused' || found.is === 'failed') wrong.push(`salvage: ${found.reason}`)
    if (found.is === 'due') {
      filled = found.plan.complete.reduce((sum, one) => sum + one.filled.length, 0)
      const { outcomes, left } = await salvageBundle(place, found.plan, '0', patience())
      wrong.push(...outcomes.filter(({ status }) => status !== 'completed').map((one) => `${one.name}: ${one.reason}`))
      wrong.push(...left.map((one) => `left: ${one.name}: ${one.reason}`))
      const again = await look(place, name, patience())
      if (again.is !== 'closed') wrong.push(`after salvage it is ${again.is}`)
    }
    const [row] = (await catalogue(place.archive, { since: 0, until: END_OF_TIME }, Date.now(), patience())).entries
    return { bundle: name.bundle, state: row?.state ?? 'none', filled, wrong }
  }
}

/** A bundle whose host was killed between its opening and its mark. */
async function unmarked({ archive }: Place) {
  for await (const { key } of archive.list('v1/hosts/', patience())) {
    const [, identity, bundle] = /^v1\/hosts\/([^/]+)\/([^/]+)\/opening\.json$/.exec(key) ?? []
    if (identity !== undefined && bundle !== undefined) return { identity, bundle }
  }
  return undefined
}

interface Where {
  readonly url: string
  /** Options that lead a capture there, and a reader. */
  readonly capture: readonly string[]
  readonly read: readonly string[]
  /** Ends a capture when so many bytes have come. */
  when(bytes: number, end: () => void): void
  acknowledged(): Promise<Acknowledged[]>
  clear(): Promise<void>
}

async function inBucket({ server }: Scene, bucket: string): Promise<Where> {
  let ends: { bytes: number; end: () => void } | undefined
  const proxy = await recordingProxy(server.endpoint, (passed) => {
    if (ends !== undefined && passed >= ends.bytes) ends.end()
  })
  await server.makeBucket(bucket)
  const url = `s3://${bucket}/prod`
  const reach = (endpoint: string) => {
    const settings = [`s3.endpoint="${endpoint}"`, `s3.region="${server.settings.region}"`, 's3.addressing="path"']
    return ['--store', url, ...settings.flatMap((one) => ['--set', one])]
  }
  return {
    url,
    capture: reach(proxy.endpoint),
    read: reach(server.endpoint),
    when: (bytes, end) => {
      ends = { bytes, end }
    },
    acknowledged: async () => acknowledgedIn(proxy.recorded, `${bucket}/prod`),
    clear: async () => {
      await proxy[Symbol.asyncDispose]()
      await empty(server, bucket)
    },
  }
}

/** Empties a bucket: the server keeps everything in memory. */
export async function empty({ client, settings }: S3Server, bucket: string): Promise<void> {
  await using archive = await openArchive(`s3://${bucket}`, settings, patience())
  for await (const { key } of archive.list('', patience()))
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
  for (const { Key, UploadId } of Uploads)
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
}

function inDirectory(home: string): Where {
  const root = join(home, 'store')
  mkdirSync(root)
  const url = pathToFileURL(root).href
  let looking: NodeJS.Timeout | undefined
  return {
    url,
    capture: ['--store', url],
    read: ['--store', url],
    when: (bytes, end) => {
      const look = async () => {
        if ((await bytesBelow(root)) >= bytes) end()
        else looking = setTimeout(look, LOOK_MS)
      }
      void look()
    },
    acknowledged: async () => {
      clearTimeout(looking)
      return await lyingIn(root, patience())
    },
    clear: async () => clearTimeout(looking),
  }
}

async function bytesBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  let bytes = 0
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined)
    // Blocks, for there are holes.
    bytes += (found?.blocks ?? 0) * 512
  }
  return bytes
}

/** A line for a person, and for whoever wants to see it again. */
export function judgedLine(judged: Judged): string {
  const { number, store, isSealed, at, ended, parts, acknowledged, recovered, filled, state, wrong } = judged
  const fine = wrong.length === 0 && acknowledged === recovered
  const how = `${store}, ${isSealed ? 'sealed' : 'not sealed'}, at ${at.toFixed(4)}: ${ended}`
  const what = `${recovered} of ${acknowledged} bytes in ${parts} parts, ${filled} filled, ${state}`
  return [`${fine ? 'ok' : 'NOT OK'} ${number}: ${how}: ${what}`, ...wrong].join('\n    ')
}
