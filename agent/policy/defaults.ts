import type { KmsKey } from './key.ts'
import type { Retention } from './lifecycle.ts'

/** As `put-bucket-encryption` takes it: objects that name no encryption, as ours, get the key. */
export function encryption({ arn }: KmsKey) {
  const byDefault = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: arn }
  // With a key of the bucket's own S3 asks KMS seldom: thousands of hosts that die together stay below its request limits.
  return { Rules: [{ ApplyServerSideEncryptionByDefault: byDefault, BucketKeyEnabled: true }] } as const
}

/** As `put-object-lock-configuration` takes it: hosts need no right for it, for they name no retention. */
export function objectLock({ days, mode }: NonNullable<Retention['lock']>) {
  return { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: mode, Days: days } } } as const
}
