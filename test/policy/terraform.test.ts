import { execFile, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { parseKmsKey } from '../../agent/policy/key.ts'
import { partsOf } from '../../agent/policy/parts.ts'
import { placeOf } from '../../agent/policy/place.ts'
import { terraform } from '../../agent/policy/terraform.ts'

const KEY = parseKmsKey('arn:aws:kms:eu-central-1:123456789012:key/00000000-invented')
const parts = partsOf({
  place: placeOf({ bucket: 'gasps', prefix: 'prod/' }, 'eu-central-1'),
  host: `\${aws:username}`,
  key: KEY,
  retention: { keep: 90, unfinished: 14, lock: { days: 30, mode: 'GOVERNANCE' } },
})

interface Configuration {
  readonly data: { readonly aws_iam_policy_document: Readonly<Record<string, TerraformPolicy>> }
  readonly resource: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>
}

interface TerraformPolicy {
  readonly version: string
  readonly statement: readonly {
    readonly sid: string
    readonly effect: string
    readonly actions: readonly string[]
    readonly resources: readonly string[]
    readonly principals?: readonly { readonly type: string; readonly identifiers: readonly string[] }[]
    readonly condition?: readonly { readonly test: string; readonly variable: string; readonly values: string[] }[]
  }[]
}

const configuration = terraform('gasps', parts) as unknown as Configuration

/** What the data source renders (provider's documentation, "aws_iam_policy_document"): `&{` is its spelling of `${`. */
function rendered({ version, statement }: TerraformPolicy) {
  const forAws = (text: string) => text.replaceAll('&{', '${')
  return {
    Version: version,
    Statement: statement.map(({ sid, effect, actions, resources, principals, condition = [] }) => {
      const Condition: Record<string, Record<string, string[]>> = {}
      for (const { test, variable, values } of condition) {
        Condition[test] = { ...Condition[test], [variable]: values.map(forAws) }
      }
      return {
        ...{ Sid: sid, Effect: effect, Action: actions, Resource: resources.map(forAws) },
        ...(principals?.some(({ type, identifiers }) => type === '*' && identifiers[0] === '*') && { Principal: '*' }),
        ...(condition.length > 0 && { Condition }),
      }
    }),
  }
}

t.test('the policies are those of the JSON', async (t) => {
  for (const name of ['bucket', 'host', 'operator', 'salvager'] as const) {
    const document = configuration.data.aws_iam_policy_document[`lastgasp_${name}`]
    t.ok(document)
    if (document) t.same(rendered(document), parts[name], name)
  }
})

t.test('what Terraform would replace is a reference to a document of the same configuration', async (t) => {
  const texts = [...JSON.stringify(configuration).matchAll(/[$%]\{([^}]*)\}/g)].map(([, name]) => name)
  const named = ['bucket', 'host', 'operator', 'salvager'].map(
    (part) => `data.aws_iam_policy_document.lastgasp_${part}.json`,
  )
  t.strictSame(texts.toSorted(), named)
})

t.test('every part has its resource, for the bucket', async (t) => {
  const { aws_iam_policy: roles, ...ofBucket } = configuration.resource
  t.strictSame(Object.keys(roles ?? {}), ['lastgasp_host', 'lastgasp_operator', 'lastgasp_salvager'])
  t.strictSame(Object.keys(ofBucket), [
    'aws_s3_bucket_server_side_encryption_configuration',
    'aws_s3_bucket_object_lock_configuration',
    'aws_s3_bucket_policy',
    'aws_s3_bucket_lifecycle_configuration',
  ])
  for (const { lastgasp } of Object.values(ofBucket)) t.equal(lastgasp?.bucket, 'gasps')
  t.strictSame(ofBucket.aws_s3_bucket_lifecycle_configuration?.lastgasp?.rule, [
    {
      ...{ id: 'lastgasp-unfinished-uploads', status: 'Enabled', filter: { prefix: 'prod/v1/' } },
      abort_incomplete_multipart_upload: { days_after_initiation: 14 },
    },
    {
      ...{ id: 'lastgasp-bundles', status: 'Enabled', filter: { prefix: 'prod/v1/' } },
      ...{ expiration: { days: 90 }, noncurrent_version_expiration: { noncurrent_days: 1 } },
    },
    {
      ...{ id: 'lastgasp-delete-marks', status: 'Enabled', filter: { prefix: 'prod/v1/' } },
      expiration: { expired_object_delete_marker: true },
    },
  ])
})

t.test('one part alone brings nothing of the others', async (t) => {
  const { resource, data } = terraform('gasps', { host: parts.host }) as unknown as Configuration
  t.strictSame(Object.keys(resource), ['aws_iam_policy'])
  t.strictSame(Object.keys(data.aws_iam_policy_document), ['lastgasp_host'])
  t.strictSame(Object.keys(terraform('gasps', { lifecycle: parts.lifecycle })), ['resource'])
})

const none = spawnSync('terraform', ['version']).error !== undefined && 'no terraform'
t.test('Terraform reads the texts as they are meant', { skip: none }, async (t) => {
  // Without the provider, which is not at hand: the same values as outputs, which Terraform evaluates all the same.
  const directory = t.testdir()
  const { data } = configuration
  const output = { documents: { value: data }, resources: { value: withoutReferences(configuration.resource) } }
  await writeFile(join(directory, 'policy.tf.json'), JSON.stringify({ output }))
  const run = async (...args: string[]) =>
    (await promisify(execFile)('terraform', [`-chdir=${directory}`, ...args], { env: ENV })).stdout
  await run('apply', '-auto-approve', '-no-color')
  const { documents, resources } = JSON.parse(await run('output', '-json', '-no-color'))
  t.strictSame(documents.value, JSON.parse(JSON.stringify(data)))
  t.strictSame(resources.value, JSON.parse(JSON.stringify(output.resources.value)))
})

const ENV = { PATH: process.env.PATH, HOME: process.env.HOME, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' }

/** References name data sources, which an output has none of. */
function withoutReferences(resources: Configuration['resource']): unknown {
  return JSON.parse(JSON.stringify(resources, (key, value) => (key === 'policy' ? undefined : value)))
}
