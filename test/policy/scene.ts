import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3'
import type { Test } from 'tap'
import { type Parts, partsOf, type Wish } from '../../agent/policy/parts.ts'
import { placeOf } from '../../agent/policy/place.ts'
import type { Policy } from '../../agent/policy/statement.ts'
import { openArchive, openStore, openUploads } from '../../agent/store/open.ts'
import type { Archive, Store } from '../../agent/store/store.ts'
import type { Uploads } from '../../agent/store/uploads.ts'
import type { S3Server, S3User } from '../s3-server.ts'
import { type RecordingProxy, recordingProxy } from './recording-proxy.ts'

/** A prefix of the store, so that one that is forgotten in a policy is seen. */
const PREFIX = 'prod/'

/** A bucket on a real server under the policies that lastgasp prints. */
export interface Scene {
  readonly bucket: string
  readonly url: string
  /** Where requests go that are to be recorded. */
  readonly proxy: RecordingProxy
  readonly parts: Parts
  /** The parts as another wish makes them, for the same place. */
  partsWith(change: Partial<Wish>): Parts
  /**
   * Puts a policy on the bucket: the bucket's own statements, and those of each role with its user as their principal. Gives
   * what holds, for whoever judges it too.
   */
  allow(grants: readonly Grant[], own?: Policy): Promise<void>
  /** Does it with the user's credentials: the store's, the archive's and the program's own way to them is the environment. */
  as<T>(user: S3User, work: () => Promise<T>): Promise<T>
  /** A store and an archive by way of the proxy; to be used within `as`. */
  store(t: Test): Promise<Store>
  archive(t: Test): Promise<Archive>
  uploads(t: Test): Promise<Uploads>
  /** A plain client with the user's credentials, for what neither of them does. */
  client(t: Test, user: S3User): S3Client
  /** One with those of the bucket's owner, who has to come by TLS as everybody has. */
  readonly owner: S3Client
}

export interface Grant {
  readonly user: S3User
  readonly policy: Policy
}

export async function scene(t: Test, server: S3Server, bucket: string, change: Partial<Wish> = {}): Promise<Scene> {
  const proxy = await recordingProxy(server.endpoint)
  t.teardown(() => proxy[Symbol.asyncDispose]())
  // Made already where it wants options of its own.
  await server.makeBucket(bucket).catch((error: Error) => {
    if (error.name !== 'BucketAlreadyOwnedByYou') throw error
  })
  const place = placeOf({ bucket, prefix: PREFIX }, undefined)
  const retention = { keep: undefined, unfinished: 14, lock: undefined }
  const partsWith = (more: Partial<Wish>) =>
    partsOf({ place, host: '*', key: undefined, retention, ...change, ...more })
  const parts = partsWith({})
  const settings = { ...server.settings, endpoint: proxy.endpoint }
  const url = `s3://${bucket}/${PREFIX}`
  const signal = AbortSignal.timeout(170_000)
  const closing = async <T extends AsyncDisposable>(t: Test, opening: Promise<T>): Promise<T> => {
    const opened = await opening
    t.teardown(() => opened[Symbol.asyncDispose]())
    return opened
  }
  const { accessKey: accessKeyId, secretKey: secretAccessKey } = server
  const { region = '' } = settings
  const clientWith = (t: Test, credentials: Pick<S3User, 'accessKeyId' | 'secretAccessKey'>) => {
    const client = new S3Client({ region, endpoint: proxy.endpoint, forcePathStyle: true, credentials, maxAttempts: 1 })
    t.teardown(() => client.destroy())
    return client
  }
  const owner = clientWith(t, { accessKeyId, secretAccessKey })
  return {
    ...{ bucket, url, proxy, parts, partsWith, owner },
    async allow(grants, own = parts.bucket) {
      const Statement = [...own.Statement, ...grants.flatMap(toUser)]
      const Policy = JSON.stringify({ Version: own.Version, Statement })
      await owner.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
    },
    async as(user, work) {
      const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
      Object.assign(process.env, { AWS_ACCESS_KEY_ID: user.accessKeyId, AWS_SECRET_ACCESS_KEY: user.secretAccessKey })
      try {
        return await work()
      } finally {
        Object.assign(process.env, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY })
      }
    },
    store: (t) => closing(t, openStore(url, settings, signal)),
    archive: (t) => closing(t, openArchive(url, settings, signal)),
    uploads: (t) => closing(t, openUploads(url, settings, signal)),
    client: clientWith,
  }
}

/** A role's statements as a bucket's policy has them. Names of statements are unique within one policy. */
function toUser({ user, policy }: Grant): readonly object[] {
  return policy.Statement.map((statement) => ({
    ...statement,
    Sid: `${statement.Sid}${user.name.replaceAll(/[^a-z0-9]/g, '')}`,
    Principal: { AWS: [user.arn] },
  }))
}
