import { HOSTS_PREFIX } from '../bundle/keys.ts'
import { type KmsKey, useOfKey } from './key.ts'
import { bucketArn, everything, objectsArn, type Place, prefixes } from './place.ts'
import { type Policy, policy, type Statement } from './statement.ts'

/** What reads bundles: `list`, `show`, `fetch`, `verify`. Why each action: POLICY.md. */
export function operatorPolicy(place: Place, key: KmsKey | undefined): Policy {
  return policy(...reading(place), ...(key === undefined ? [] : [useOfKey(key, ['kms:Decrypt'])]))
}

/** Lists and reads what lastgasp has written, and what hosts could not finish; of what lies beside it in the same bucket, names of uploads. */
export function reading(place: Place): readonly Statement[] {
  return [
    {
      Sid: 'ListBundles',
      Effect: 'Allow',
      Action: ['s3:ListBucket'],
      Resource: [bucketArn(place)],
      Condition: { StringLike: { 's3:prefix': prefixes(place).map((prefix) => `${prefix}*`) } },
    },
    // S3 knows no condition on the prefix of uploads.
    { Sid: 'FindUploads', Effect: 'Allow', Action: ['s3:ListBucketMultipartUploads'], Resource: [bucketArn(place)] },
    {
      Sid: 'SeeParts',
      Effect: 'Allow',
      Action: ['s3:ListMultipartUploadParts'],
      Resource: [objectsArn(place, `${HOSTS_PREFIX}*`)],
    },
    { Sid: 'SeeLifecycle', Effect: 'Allow', Action: ['s3:GetLifecycleConfiguration'], Resource: [bucketArn(place)] },
    { Sid: 'ReadBundles', Effect: 'Allow', Action: ['s3:GetObject'], Resource: everything(place) },
  ]
}
