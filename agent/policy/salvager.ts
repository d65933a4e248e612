import { DOCUMENTS, HOSTS_PREFIX } from '../bundle/keys.ts'
import { type KmsKey, useOfKey } from './key.ts'
import { reading } from './operator.ts'
import { objectsArn, type Place, salvagedRows } from './place.ts'
import { type Policy, policy } from './statement.ts'

/** What completes the uploads of hosts that died in the middle of one, and says so in the index. Why: POLICY.md. */
export function salvagerPolicy(place: Place, key: KmsKey | undefined): Policy {
  const bundles = objectsArn(place, `${HOSTS_PREFIX}*`)
  return policy(
    ...reading(place),
    { Sid: 'CompleteUploads', Effect: 'Allow', Action: ['s3:PutObject'], Resource: [bundles, salvagedRows(place)] },
    {
      Sid: 'NotInTheHostsName',
      Effect: 'Deny',
      Action: ['s3:PutObject'],
      // A star for each part of the key: Ceph's gateway (16.2) ends a star where the pattern goes on, here at a slash.
      Resource: DOCUMENTS.map((document) => objectsArn(place, `${HOSTS_PREFIX}*/*/${document}`)),
    },
    ...(key === undefined ? [] : [useOfKey(key, ['kms:GenerateDataKey', 'kms:Decrypt'])]),
  )
}
