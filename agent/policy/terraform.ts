import type { Lifecycle } from './lifecycle.ts'
import { type Parts, ROLES } from './parts.ts'
import type { Policy } from './statement.ts'

type Blocks = Readonly<Record<string, unknown>>

/** Name of every resource and data source in the configuration. */
const NAME = 'lastgasp'

/**
 * The same parts as a configuration in Terraform's JSON syntax (a file `*.tf.json`, which Terraform and OpenTofu read beside
 * HCL), with the resources and arguments of the `aws` provider from version 4 on. It takes the bucket as given.
 */
export function terraform(bucket: string, parts: Partial<Parts>): Blocks {
  const policies = [...ROLES, 'bucket' as const].flatMap((name) => {
    const document = parts[name]
    return document === undefined ? [] : [[`${NAME}_${name}`, policyDocument(document)] as const]
  })
  const roles = ROLES.filter((role) => parts[role] !== undefined).map((role) => [
    `${NAME}_${role}`,
    { name: `${NAME}-${role}`, policy: reference(`${NAME}_${role}`) },
  ])
  return filled({
    data: filled({ aws_iam_policy_document: Object.fromEntries(policies) }),
    resource: filled({
      aws_s3_bucket_server_side_encryption_configuration: named(parts.encryption && { bucket, ...encrypted(parts) }),
      aws_s3_bucket_object_lock_configuration: named(parts.lock && { bucket, ...locked(parts) }),
      aws_s3_bucket_policy: named(parts.bucket && { bucket, policy: reference(`${NAME}_bucket`) }),
      aws_iam_policy: Object.fromEntries(roles),
      aws_s3_bucket_lifecycle_configuration: named(
        parts.lifecycle && { bucket, rule: parts.lifecycle.Rules.map(lifecycleRule) },
      ),
    }),
  })
}

const reference = (name: string) => `\${data.aws_iam_policy_document.${name}.json}`
const named = (resource: Blocks | undefined) => (resource === undefined ? {} : { [NAME]: resource })

/** Without the entries that have nothing in them. */
function filled(blocks: Readonly<Record<string, Blocks>>): Blocks {
  return Object.fromEntries(Object.entries(blocks).filter(([, block]) => Object.keys(block).length > 0))
}

function policyDocument({ Version, Statement }: Policy): Blocks {
  return {
    version: Version,
    statement: Statement.map((statement) => ({
      sid: statement.Sid,
      effect: statement.Effect,
      ...(statement.Principal === undefined ? {} : { principals: [{ type: '*', identifiers: ['*'] }] }),
      actions: statement.Action,
      resources: statement.Resource.map(forAws),
      ...(statement.Condition === undefined ? {} : { condition: conditions(statement.Condition) }),
    })),
  }
}

/** The data source's own spelling of a policy variable: `${…}` would be Terraform's. */
const forAws = (text: string) => text.replaceAll('${', '&{')

function conditions(operators: NonNullable<Policy['Statement'][number]['Condition']>) {
  return Object.entries(operators).flatMap(([test, keys]) =>
    Object.entries(keys).map(([variable, values]) => ({ test, variable, values: values.map(forAws) })),
  )
}

function lifecycleRule({ ID, Status, Filter, ...actions }: Lifecycle['Rules'][number]): Blocks {
  const { Expiration, NoncurrentVersionExpiration, AbortIncompleteMultipartUpload } = actions
  const expiration =
    Expiration && ('Days' in Expiration ? { days: Expiration.Days } : { expired_object_delete_marker: true })
  return {
    id: ID,
    status: Status,
    filter: { prefix: Filter.Prefix },
    ...(expiration && { expiration }),
    ...(NoncurrentVersionExpiration && {
      noncurrent_version_expiration: { noncurrent_days: NoncurrentVersionExpiration.NoncurrentDays },
    }),
    ...(AbortIncompleteMultipartUpload && {
      abort_incomplete_multipart_upload: { days_after_initiation: AbortIncompleteMultipartUpload.DaysAfterInitiation },
    }),
  }
}

function encrypted({ encryption }: Partial<Parts>): Blocks {
  return {
    rule: encryption?.Rules.map(({ ApplyServerSideEncryptionByDefault: byDefault, BucketKeyEnabled }) => ({
      apply_server_side_encryption_by_default: {
        sse_algorithm: byDefault.SSEAlgorithm,
        kms_master_key_id: byDefault.KMSMasterKeyID,
      },
      bucket_key_enabled: BucketKeyEnabled,
    })),
  }
}

function locked({ lock }: Partial<Parts>): Blocks {
  const retention = lock?.Rule.DefaultRetention
  return { rule: { default_retention: { mode: retention?.Mode, days: retention?.Days } } }
}
