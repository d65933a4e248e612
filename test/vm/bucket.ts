import { deepEqual, equal, ok } from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { DeleteBucketPolicyCommand, GetObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3'
import { bundlePrefix, parseIndexKey } from '../../agent/bundle/keys.ts'
import {
  type Manifest,
  manifestSchema,
  type PlanDocument,
  planSchema,
  type Receipt,
} from '../../agent/bundle/schema.ts'
import type { S3Server } from '../s3-server.ts'

/** What a host needs no right to. */
const NOT_FOR_HOSTS = [
  ...['s3:GetObject', 's3:ListBucket', 's3:ListBucketMultipartUploads', 's3:ListMultipartUploadParts'],
  ...['s3:DeleteObject', 's3:AbortMultipartUpload', 's3:PutObjectAcl'],
]

/** A bucket of its own for one scenario. Add-only while machines run; `openForReading` ends that. */
export class Bucket {
  readonly url: string
  readonly name: string
  readonly #server: S3Server

  private constructor(server: S3Server, name: string) {
    this.#server = server
    this.name = name
    this.url = `s3://${name}/fleet`
  }

  static async make(server: S3Server, name: string): Promise<Bucket> {
    await server.makeBucket(name)
    await server.forbid(name, NOT_FOR_HOSTS)
    return new Bucket(server, name)
  }

  async openForReading(signal: AbortSignal): Promise<void> {
    await this.#server.client.send(new DeleteBucketPolicyCommand({ Bucket: this.name }), { abortSignal: signal })
  }

  /** Keys below the prefix that the hosts have in their settings. */
  async keys(signal: AbortSignal): Promise<string[]> {
    signal.throwIfAborted()
    const keys: string[] = []
    const pages = paginateListObjectsV2({ client: this.#server.client }, { Bucket: this.name, Prefix: 'fleet/' })
    for await (const { Contents = [] } of pages)
      for (const { Key = '' } of Contents) keys.push(Key.slice('fleet/'.length))
    return keys
  }

  /** The one bundle that is there, with its manifest. */
  async onlyBundle(signal: AbortSignal): Promise<StoredBundle> {
    const bundles = await this.bundles(signal)
    const [bundle] = bundles
    ok(bundle && bundles.length === 1, `one bundle with a row is there: ${(await this.keys(signal)).join(' ')}`)
    return bundle
  }

  /** The bundles that have a row, in the order of their ids: of their hosts' clocks. */
  async bundles(signal: AbortSignal): Promise<readonly StoredBundle[]> {
    const keys = await this.keys(signal)
    const rows = keys.map(parseIndexKey).filter((entry) => entry?.mark.kind === 'row')
    const names = rows.flatMap((row) => row ?? []).sort((a, b) => (a.bundle < b.bundle ? -1 : 1))
    return await Promise.all(
      names.map(async (name) => {
        const prefix = bundlePrefix(name)
        const manifest = manifestSchema.parse(await this.json(`${prefix}manifest.json`, signal))
        const plan = planSchema.parse(await this.json(`${prefix}plan.json`, signal))
        const objects = keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
        return { manifest, plan, objects }
      }),
    )
  }

  /** Keeps the documents of all bundles, for whoever looks into a failure. */
  async save(directory: string, signal: AbortSignal): Promise<void> {
    await this.openForReading(signal)
    const keys = await this.keys(signal)
    await writeFile(join(directory, 'keys'), keys.map((key) => `${key}\n`).join(''))
    for (const key of keys.filter((each) => each.endsWith('.json'))) {
      await writeFile(join(directory, basename(key)), await this.#text(key, signal))
    }
  }

  /** A document below the prefix that the hosts have in their settings. */
  async json(key: string, signal: AbortSignal): Promise<unknown> {
    return JSON.parse(await this.#text(key, signal))
  }

  async #text(key: string, signal: AbortSignal): Promise<string> {
    const command = new GetObjectCommand({ Bucket: this.name, Key: `fleet/${key}` })
    const { Body } = await this.#server.client.send(command, { abortSignal: signal })
    return (await Body?.transformToString()) ?? ''
  }
}

export interface StoredBundle {
  readonly manifest: Manifest
  readonly plan: PlanDocument
  /** Names of all objects below the bundle's prefix. */
  readonly objects: readonly string[]
}

/** What holds for every bundle with a closing manifest: everything planned has a receipt, and every object is in one. */
export function checkReceipts({ manifest, plan, objects }: StoredBundle): void {
  const { receipts } = manifest
  const named = new Set(receipts.map(({ artifact }) => artifact))
  deepEqual(
    plan.artifacts.filter(({ artifact }) => !named.has(artifact)),
    [],
    'every planned artifact has a receipt',
  )
  deepEqual(
    receipts.filter(({ status, reason }) => status !== 'complete' && !reason),
    [],
    'every receipt that is not complete has a reason',
  )
  const documents = ['opening.json', 'plan.json', 'manifest.json']
  const received = receipts.flatMap((receipt) => receipt.objects.map(({ name }) => name))
  deepEqual([...objects].sort(), [...documents, ...received].sort(), 'objects in the store are those of the receipts')
}

/**
 * Nothing is missing. Facts and the tables of stacks keep to a few seconds, which is too little for all of them on a busy
 * machine in emulation: there they may be cut, and then the bundle is partial for that.
 */
export function checkWhole(bundle: StoredBundle): void {
  checkReceipts(bundle)
  const { receipts, status } = bundle.manifest
  const lacking = receipts.filter(
    ({ status: is, because }) => !['complete', 'absent'].includes(is) && because !== 'limit',
  )
  const told = lacking.map(({ artifact, status: is, reason }) => `${artifact} ${is}: ${reason}`)
  const cut = lacking.filter(({ source, status: is }) => ['facts', 'stacks'].includes(source) && is === 'truncated')
  equal(cut.length, lacking.length, `something is not whole: ${told.join('; ')}`)
  equal(status, lacking.length === 0 ? 'complete' : 'partial')
}

/** The receipts of one source. */
export function receiptsOf({ manifest }: StoredBundle, source: string): Receipt[] {
  return manifest.receipts.filter((receipt) => receipt.source === source)
}
