import { type KmsKey, useOfKey } from './key.ts'
import { everything, keysOfHost, type Place } from './place.ts'
import { type Policy, policy } from './statement.ts'

/**
 * What can be done to an object that is there, by verbs of S3's actions (Service Authorization Reference, "Actions, resources,
 * and condition keys for Amazon S3"). Not by NotAction, which Ceph's gateway (16.2) takes and does not heed; it refuses
 * a policy with a verb that it does not know.
 */
const TO_WHAT_IS_THERE = [
  's3:Abort*',
  's3:Bypass*',
  's3:Delete*',
  's3:Get*',
  's3:List*',
  's3:PutObject?*',
  's3:Restore*',
]

/** A host's own policy: it creates objects under its name and does nothing else to any bundle. Why: POLICY.md. */
export function hostPolicy(place: Place, host: string, key: KmsKey | undefined): Policy {
  return policy(
    { Sid: 'OwnName', Effect: 'Allow', Action: ['s3:PutObject'], Resource: keysOfHost(place, host) },
    // Not said by silence alone: S3 lets whoever began an upload abort it and list its parts unless that is denied (Amazon
    // S3 User Guide, "Uploading and copying objects using multipart upload", permissions), and the role of a host
    // often has policies for its applications as well.
    { Sid: 'NothingElse', Effect: 'Deny', Action: TO_WHAT_IS_THERE, Resource: everything(place) },
    // An upload in parts reads its own parts when it is completed, hence kms:Decrypt.
    ...(key === undefined ? [] : [useOfKey(key, ['kms:GenerateDataKey', 'kms:Decrypt'])]),
  )
}
