import { HeadBucketCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { Settings } from '../../settings/schema.ts'

/** The region of whoever has none, and where to ask about a bucket when nobody has said where we are. */
const ANY_REGION = 'us-east-1'
/** How long to wait for the store's word on where a bucket is, ms; a lost SYN is sent again after one second and after three. */
const ASK_MS = 5_000

/** Where a bucket is. */
export interface Where {
  /** As the SDK's client takes it. */
  readonly region: string | (() => Promise<string>)
  /** The region in a message: as far as it is known by now. */
  told(): string
}

/**
 * Where a bucket is: as the settings say, or found out when it is first needed. A store of one's own has no regions, but wants
 * a name in the signature. `route` is how the store is reached: agents and time limits.
 */
export function whereIs(
  bucket: string,
  { region, endpoint }: Pick<Settings['s3'], 'region' | 'endpoint'>,
  route: S3ClientConfig,
): Where {
  const named = region ?? (endpoint === undefined ? undefined : (process.env.AWS_REGION ?? ANY_REGION))
  if (named !== undefined) return { region: named, told: () => named }
  const unnamed = new BucketRegion(bucket, route)
  return { region: () => unnamed.find(), told: () => unnamed.found ?? 'a region that is not known yet' }
}

/** The region of a bucket, asked once and remembered. */
class BucketRegion {
  readonly #bucket: string
  readonly #route: S3ClientConfig
  #found: string | undefined
  #finding: Promise<string> | undefined

  constructor(bucket: string, route: S3ClientConfig) {
    this.#bucket = bucket
    this.#route = route
  }

  /** undefined until it has been found. */
  get found(): string | undefined {
    return this.#found
  }

  /** Finds it, unless it is known. Rejects with what the network says where nobody tells. */
  async find(): Promise<string> {
    if (this.#found !== undefined) return this.#found
    this.#finding ??= this.#find().finally(() => {
      this.#finding = undefined
    })
    return await this.#finding
  }

  /**
   * A store names the region of a bucket to whoever asks, in whatever region, also where it denies or redirects (S3 API
   * Reference, HeadBucket: x-amz-bucket-region). It is asked where this host is: from there, there is a way.
   */
  async #find(): Promise<string> {
    const here = await ownRegion()
    try {
      const asked = here ?? ANY_REGION
      this.#found = (await regionOf(this.#bucket, asked, this.#route)) ?? asked
      return this.#found
    } catch (error) {
      if (here !== undefined) return here
      throw error
    }
  }
}

/**
 * Where this host is, by the SDK's own chain: AWS_REGION, the profile, the instance's metadata (IMDSv2, within 2 s); undefined
 * where none of them says it.
 */
async function ownRegion(): Promise<string | undefined> {
  const client = new S3Client({})
  try {
    return await client.config.region()
  } catch {
    return undefined
  } finally {
    client.destroy()
  }
}

/** What the store says of a bucket's region; undefined when it answers without a word of it. Rejects when it does not answer. */
async function regionOf(bucket: string, region: string, route: S3ClientConfig): Promise<string | undefined> {
  // Not destroyed: that would break what others have under way by the same agents.
  const client = new S3Client({
    ...route,
    region,
    maxAttempts: 1,
    // The name of a bucket in another region may not be resolved as a host.
    forcePathStyle: true,
    // Asked without a signature: needs no credentials, and leaves no trace of a host that tries what it may not.
    signer: { sign: async (request) => request },
    credentials: { accessKeyId: '', secretAccessKey: '' },
  })
  const options = { abortSignal: AbortSignal.timeout(ASK_MS) }
  try {
    return (await client.send(new HeadBucketCommand({ Bucket: bucket }), options)).BucketRegion
  } catch (thrown) {
    const { $response, $metadata } = thrown as Answered
    if ($metadata?.httpStatusCode === undefined) throw thrown
    return $response?.headers?.['x-amz-bucket-region']
  }
}

/** What the SDK's errors carry where a server has answered. */
interface Answered {
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}
