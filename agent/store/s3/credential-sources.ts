import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { S3ClientConfig } from '@aws-sdk/client-s3'
import { fromEnv } from '@aws-sdk/credential-provider-env'
import { fromHttp } from '@aws-sdk/credential-provider-http'
import { fromIni } from '@aws-sdk/credential-provider-ini'
import { fromTokenFile } from '@aws-sdk/credential-provider-web-identity'
import { fromInstanceMetadata } from '@smithy/credential-provider-imds'

/** Keys to sign with; `expiration` where they end by themselves. */
export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}

/** A place that credentials may come from, in the words of a message: "the profile default". */
export interface CredentialSource {
  readonly name: string
  /** ms after which an answer is not waited for any more. */
  readonly patience: number
  /** Somebody has named it: when it cannot be reached, it was meant all the same. */
  readonly named: boolean
  /** undefined: there is nothing of it here. */
  ask(): Promise<Keys | undefined>
}

/** How the services behind a source are reached: through the proxies and with the authorities that the store has. */
export type Route = Pick<S3ClientConfig, 'requestHandler' | 'region'>

/** On the host itself or on its link: they answer in milliseconds, or something is wrong. */
const NEAR_MS = 5_000
/** STS and SSO are reached as a store is, and a helper may ask a service of its own. */
const FAR_MS = 30_000
/** The SDK's own limit for one request to the instance metadata service; it makes up to three. */
const METADATA_MS = 1_000

/**
 * Where credentials may come from here, in the order of the SDK's own chain: environment, profile, web identity, container,
 * instance. Not that chain itself, for it forgets why each of them failed. Files are read anew at every question.
 */
export function credentialSources(env: NodeJS.ProcessEnv, route: Route): readonly CredentialSource[] {
  const clientConfig = { ...route, maxAttempts: 1 }
  const init = { ignoreCache: true, clientConfig, parentClientConfig: route }
  const container = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI || env.AWS_CONTAINER_CREDENTIALS_FULL_URI
  const metadata = env.AWS_EC2_METADATA_SERVICE_ENDPOINT
  const disabled = env.AWS_EC2_METADATA_DISABLED && env.AWS_EC2_METADATA_DISABLED !== 'false'
  const sources: (CredentialSource | false)[] = [
    !env.AWS_PROFILE &&
      !!env.AWS_ACCESS_KEY_ID &&
      !!env.AWS_SECRET_ACCESS_KEY && {
        name: 'the environment',
        patience: NEAR_MS,
        named: true,
        ask: fromEnv(),
      },
    {
      name: `the profile ${env.AWS_PROFILE || 'default'}`,
      patience: FAR_MS,
      named: true,
      ask: async () => (env.AWS_PROFILE || (await haveFiles(env)) ? await fromIni(init)() : undefined),
    },
    !!env.AWS_WEB_IDENTITY_TOKEN_FILE &&
      !!env.AWS_ROLE_ARN && {
        name: `the role ${env.AWS_ROLE_ARN}, for the token in ${env.AWS_WEB_IDENTITY_TOKEN_FILE},`,
        patience: FAR_MS,
        named: true,
        ask: () => fromTokenFile(init)(),
      },
    !!container && {
      name: `the container's credentials service (${container})`,
      patience: NEAR_MS,
      named: true,
      // Its time is ours: the SDK only warns, on our standard error, of what takes longer, and tries four times.
      ask: async () => await fromHttp({ timeout: FAR_MS, maxRetries: 0 })(),
    },
    !container &&
      !disabled && {
        name: `the instance metadata service${metadata ? ` (${metadata})` : ''}`,
        patience: NEAR_MS,
        named: !!metadata,
        ask: () => fromInstanceMetadata({ timeout: METADATA_MS, maxRetries: 0 })(),
      },
  ]
  return sources.filter((source) => source !== false)
}

/** Whether there are files of profiles. Rejects when one cannot be read: to the SDK that is an empty one. */
async function haveFiles(env: NodeJS.ProcessEnv): Promise<boolean> {
  const home = join(env.HOME || homedir(), '.aws')
  const files = [
    env.AWS_SHARED_CREDENTIALS_FILE || join(home, 'credentials'),
    env.AWS_CONFIG_FILE || join(home, 'config'),
  ]
  const found = await Promise.all(
    files.map(async (file) => {
      try {
        await access(file, constants.R_OK)
        return true
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ENOENT' || code === 'ENOTDIR') return false
        throw error
      }
    }),
  )
  return found.includes(true)
}
