import { type KmsKey, useOfKey } from './key.ts'
import { bucketArn, everything, type Place, prefixes } from './place.ts'
import { type Policy, policy, type Statement } from './statement.ts'

/** What reads bundles: `list`, `show`, `fetch`, `verify`. Why each action: POLICY.md. */
export function operatorPolicy(place: Place, key: KmsKey | undefined): Policy {
  return policy(...reading(place), ...(key === undefined ? [] : [useOfKey(key, ['kms:Decrypt'])]))
}

/** Lists and reads what lastgasp has written, and nothing beside it in the same bucket. */
export function reading(place: Place): readonly Statement[] {
  return [
    {
      Sid: 'ListBundles',
      Effect: 'Allow',
      Action: ['s3:ListBucket'],
      Resource: [bucketArn(place)],
      Condition: { StringLike: { 's3:prefix': prefixes(place).map((prefix) => `${prefix}*`) } },
    },
    { Sid: 'ReadBundles', Effect: 'Allow', Action: ['s3:GetObject'], Resource: everything(place) },
  ]
}
