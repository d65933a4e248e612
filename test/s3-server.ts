import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3'
import type { Settings } from '../agent/settings/schema.ts'

const run = promisify(execFile)
const SCRIPT = join(import.meta.dirname, '../scripts/s3-server.sh')
/** Exit code of the script for "the programs are missing". */
const MISSING = 3

/** A real S3 server (Ceph's gateway) on loopback that lives as long as this object, or this process. */
export interface S3Server extends AsyncDisposable {
  readonly endpoint: string
  readonly accessKey: string
  readonly secretKey: string
  /** What a store needs in its settings to talk to the server. */
  readonly settings: Settings['s3']
  /** A client with the server's credentials, for what a test does beside the store. */
  readonly client: S3Client
  makeBucket(name: string): Promise<void>
  /** Another user of the server, who may do nothing in buckets that are not its own until a policy says so. */
  makeUser(name: string): Promise<S3User>
  /** One more key of the server's own user, of an invented id in capital letters. */
  makeKey(id: string): Promise<S3Key>
  /** From now on the server does not know the key. */
  revokeKey(id: string): Promise<void>
  /** Denies these actions to everybody, its owner too. */
  forbid(bucket: string, actions: readonly string[]): Promise<void>
}

/** Invented credentials. */
export interface S3Key {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** With the name by which a bucket's policy calls whose they are. */
export interface S3User extends S3Key {
  readonly name: string
  readonly arn: string
}

/**
 * Starts a server with room for `bytes` and gives its credentials to the SDK's chain in this process; or says why there can
 * be none.
 */
export async function startS3Server(bytes = 4 * 2 ** 30): Promise<S3Server | string> {
  // Short, for there are unix sockets below it.
  const directory = await mkdtemp(join(tmpdir(), 's3-'))
  const env = { ...process.env, S3_SERVER_BYTES: String(bytes) }
  const output = await run(SCRIPT, ['start', directory, String(process.pid)], { env }).catch(
    async (error: Error & { code?: unknown; stderr?: string }) => {
      await rm(directory, { recursive: true, force: true })
      if (error.code === MISSING) return (error.stderr ?? '').trim()
      throw error
    },
  )
  return typeof output === 'string' ? output : server(directory, output.stdout)
}

/** What the script prints: `name=value` lines. */
function printedValues(printed: string): (name: string) => string {
  const values = new Map(printed.split('\n').map((line) => line.split('=', 2) as [string, string]))
  return (name) => values.get(name) ?? ''
}

function printedKey(printed: string): S3Key {
  const value = printedValues(printed)
  return { accessKeyId: value('access_key'), secretAccessKey: value('secret_key') }
}

function server(directory: string, printed: string): S3Server {
  const value = printedValues(printed)
  const [endpoint, region, accessKey, secretKey] = ['endpoint', 'region', 'access_key', 'secret_key'].map(value) as [
    string,
    string,
    string,
    string,
  ]
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey })
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  })
  return {
    endpoint,
    accessKey,
    secretKey,
    settings: { region, endpoint, addressing: 'path', owner: undefined, checksums: 'supported' },
    client,
    async makeBucket(name) {
      await client.send(new CreateBucketCommand({ Bucket: name }))
    },
    async makeUser(name) {
      const key = printedKey((await run(SCRIPT, ['user', directory, name])).stdout)
      return { name, arn: `arn:aws:iam:::user/${name}`, ...key }
    },
    async makeKey(id) {
      return printedKey((await run(SCRIPT, ['key', directory, id])).stdout)
    },
    async revokeKey(id) {
      await run(SCRIPT, ['revoke', directory, id])
    },
    async forbid(bucket, actions) {
      const Resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`]
      const Statement = [{ Effect: 'Deny', Principal: '*', Action: actions, Resource }]
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
      await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
    },
    async [Symbol.asyncDispose]() {
      client.destroy()
      await run(SCRIPT, ['stop', directory])
      await rm(directory, { recursive: true, force: true })
    },
  }
}
