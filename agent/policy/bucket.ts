import type { KmsKey } from './key.ts'
import { bucketArn, everything, type Place } from './place.ts'
import { type Policy, policy, type Statement } from './statement.ts'

/**
 * The bucket's policy: what holds for everybody who writes there, whatever their own policies allow. It allows nothing. Why
 * each statement: POLICY.md.
 */
export function bucketPolicy(place: Place, key: KmsKey | undefined): Policy {
  const objects = everything(place)
  return policy(
    {
      Sid: 'CreateOnly',
      Effect: 'Deny',
      Principal: '*',
      Action: ['s3:PutObject'],
      Resource: objects,
      // Amazon S3 User Guide, "Enforce conditional writes on Amazon S3 buckets": beginning an upload and its parts are
      // s3:PutObject as well, and cannot carry the header; of these s3:ObjectCreationOperation is false.
      Condition: { Null: { 's3:if-none-match': ['true'] }, Bool: { 's3:ObjectCreationOperation': ['true'] } },
    },
    {
      Sid: 'TlsOnly',
      Effect: 'Deny',
      Principal: '*',
      Action: ['s3:*'],
      Resource: [bucketArn(place), ...objects],
      // Ceph's gateway leaves the key out of a request without TLS, where AWS says false.
      Condition: { BoolIfExists: { 'aws:SecureTransport': ['false'] } },
    },
    ...(key === undefined ? [] : keyStatements(objects)),
  )
}

/**
 * Whoever names no encryption gets the bucket's own. A request that names one could choose a key that the operator does
 * not have. On requests for parts these keys are absent.
 */
function keyStatements(Resource: readonly string[]): readonly Statement[] {
  const present = (Sid: string, key: string): Statement => ({
    ...{ Sid, Effect: 'Deny', Principal: '*', Action: ['s3:PutObject'], Resource },
    // Any value: absent is none. Ceph's gateway (16.2) takes Null for true whatever it says.
    Condition: { StringLike: { [key]: ['*'] } },
  })
  return [
    present('NoOtherKey', 's3:x-amz-server-side-encryption'),
    present('NoKeyInRequest', 's3:x-amz-server-side-encryption-customer-algorithm'),
  ]
}
