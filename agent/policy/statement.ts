/** A policy as IAM and S3 take it (IAM User Guide, "IAM JSON policy element reference"); every list is written as one. */
export interface Policy {
  readonly Version: '2012-10-17'
  readonly Statement: readonly Statement[]
}

export interface Statement {
  readonly Sid: string
  readonly Effect: 'Allow' | 'Deny'
  /** Whom it is about: everybody. Only a bucket's policy has it; a role's is about the role. */
  readonly Principal?: '*'
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
  readonly Condition?: Conditions
}

/** Operator, condition key, values: all operators and keys must hold, of each key one value. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>

export function policy(...Statement: readonly Statement[]): Policy {
  return { Version: '2012-10-17', Statement }
}
