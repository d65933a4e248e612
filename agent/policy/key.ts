import { cannot } from '../words/cannot.ts'
import type { Statement } from './statement.ts'

/** A key of AWS KMS that the bucket's objects are encrypted with, beneath what lastgasp seals by itself. */
export interface KmsKey {
  readonly arn: string
  readonly region: string
}

const KEY_ARN = /^arn:(?:aws|aws-cn|aws-us-gov):kms:([a-z0-9-]+):\d{12}:key\/[A-Za-z0-9-]{1,64}$/

/** Throws unless the text is the ARN of a key: policies do not follow aliases. */
export function parseKmsKey(text: string): KmsKey {
  const region = KEY_ARN.exec(text)?.[1]
  if (region !== undefined) return { arn: text, region }
  throw cannot(`use the key ${JSON.stringify(text)}`, 'expected arn:aws:kms:REGION:ACCOUNT:key/ID (no alias)')
}

/** Lets a role use the key by way of S3, and in no other way. */
export function useOfKey({ arn, region }: KmsKey, actions: readonly string[]): Statement {
  return {
    Sid: 'BucketsKey',
    Effect: 'Allow',
    Action: actions,
    Resource: [arn],
    Condition: { StringEquals: { 'kms:ViaService': [`s3.${region}.amazonaws.com`] } },
  }
}
