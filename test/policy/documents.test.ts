import t from 'tap'
import { bundlePrefix, newBundle, openKey, rowKey } from '../../agent/bundle/keys.ts'
import { parseKmsKey } from '../../agent/policy/key.ts'
import { layout } from '../../agent/policy/layout.ts'
import { checkRetention } from '../../agent/policy/lifecycle.ts'
import { partsOf, type Wish } from '../../agent/policy/parts.ts'
import { checkHost, placeOf } from '../../agent/policy/place.ts'
import { evaluate } from './evaluate.ts'

const place = placeOf({ bucket: 'gasps', prefix: 'prod/' }, 'eu-central-1')
const KEY = parseKmsKey('arn:aws:kms:eu-central-1:123456789012:key/00000000-invented')

function parts(change: Partial<Wish> = {}) {
  const retention = { keep: undefined, unfinished: 14, lock: undefined }
  return partsOf({ place, host: '*', key: undefined, retention, ...change })
}

/** A policy variable. */
const variable = (key: string) => `\${${key}}`

const put = (key: string, who: Record<string, string> = {}) => ({
  action: 's3:PutObject',
  resource: `arn:aws:s3:::gasps/prod/${key}`,
  context: { 'aws:SecureTransport': 'true', 's3:if-none-match': '*', 's3:ObjectCreationOperation': 'true', ...who },
})

t.test('a host writes every key of its bundles, and no other', async (t) => {
  const mine = newBundle('web-1', Date.now())
  const theirs = newBundle('web-2', Date.now())
  const keys = (name: typeof mine) => [
    `${bundlePrefix(name)}opening.json`,
    `${bundlePrefix(name)}journal/system.journal.zst.age`,
    `v1/hosts/${name.identity}/checks/${name.bundle}-put`,
    openKey(name, 90),
    rowKey(name, 'complete', 'crash'),
    rowKey(name, 'partial', 'crash'),
  ]
  const { bucket, host } = parts({ host: 'web-1' })
  for (const key of keys(mine)) t.equal(evaluate([bucket, host], put(key)), 'allowed', key)
  for (const key of keys(theirs)) t.equal(evaluate([bucket, host], put(key)), 'unallowed', key)
  const aside = [
    'v1/hosts/web-10/x',
    'v1/hosts/web-1',
    'v1/index/dt=2026-11-30/web-2/web-1/x.open',
    'v1/index/dt=2026-11-30/web-10/x.open',
    'v1/index/dt=2026/web-2/web-1/x.open',
    'v1/index/web-1/x.open',
    'v2/hosts/web-1/x',
    'x',
  ]
  for (const key of aside) t.equal(evaluate([bucket, host], put(key)), 'unallowed', key)
  t.equal(evaluate([bucket, host], { ...put('x'), resource: 'arn:aws:s3:::gasps/v1/hosts/web-1/x' }), 'unallowed')
})

t.test('a policy variable is each one’s own name, and nothing where there is none', async (t) => {
  for (const [own, key] of [
    [variable('aws:username'), 'aws:username'],
    [variable('aws:PrincipalTag/x509Subject/CN'), 'aws:PrincipalTag/x509Subject/CN'],
  ] as const) {
    const { host } = parts({ host: checkHost(own) })
    t.equal(evaluate([host], put('v1/hosts/web-1/x', { [key]: 'web-1' })), 'allowed')
    t.equal(evaluate([host], put('v1/index/dt=2026-11-30/web-1/x', { [key]: 'web-1' })), 'allowed')
    t.equal(evaluate([host], put('v1/hosts/web-1/x', { [key]: 'web-2' })), 'unallowed')
    t.equal(evaluate([host], put('v1/hosts/web-1/x', { [key]: '*' })), 'unallowed')
    t.equal(evaluate([host], put('v1/hosts/web-1/x')), 'unallowed')
  }
})

t.test('hosts are named by what can be an identity', async (t) => {
  for (const good of ['web-1', 'i-0b22a22eec53b9321', 'web-*', '*', '??', variable('aws:SourceIdentity')])
    t.equal(checkHost(good), good)
  for (const bad of [
    '',
    'web/1',
    '../x',
    'a b',
    `${variable('aws:username')}`.slice(0, -1),
    `${variable('aws:username')}/x`,
    variable('aws:CurrentTime'),
    'é',
  ])
    t.throws(() => checkHost(bad), /cannot name hosts by/, bad)
  for (const instance of [variable('aws:userid'), variable('ec2:SourceInstanceARN')])
    t.throws(() => checkHost(instance), /":" in it, which no identity has; see POLICY\.md/)
})

t.test('a prefix that a policy would read as a pattern is refused', async (t) => {
  for (const prefix of ['a*/', 'a?/', `${variable('x')}/`, 'a%{b}/', '&{x}/', 'a\n/'])
    t.throws(() => placeOf({ bucket: 'gasps', prefix }, undefined), /cannot write a policy for the prefix/, prefix)
  const { host } = partsOf({
    place: placeOf({ bucket: 'gasps', prefix: '' }, undefined),
    ...{ host: 'web-1', key: undefined, retention: { keep: undefined, unfinished: 7, lock: undefined } },
  })
  t.equal(host.Statement[0]?.Resource[0], 'arn:aws:s3:::gasps/v1/hosts/web-1/*')
})

t.test('ARNs are those of the region’s partition', async (t) => {
  for (const [region, partition] of [
    ['cn-north-1', 'aws-cn'],
    ['us-gov-west-1', 'aws-us-gov'],
    ['eu-central-1', 'aws'],
    [undefined, 'aws'],
  ] as const) {
    const there = placeOf({ bucket: 'gasps', prefix: '' }, region)
    const { bucket, host, operator, salvager } = parts({ place: there })
    const resources = [bucket, host, operator, salvager].flatMap(({ Statement }) =>
      Statement.flatMap((s) => s.Resource),
    )
    for (const resource of resources) t.ok(resource.startsWith(`arn:${partition}:s3:::gasps`), resource)
  }
})

t.test('a key comes with a default for the bucket, and its use by way of S3 alone', async (t) => {
  const plain = JSON.stringify(parts())
  t.notMatch(plain, 'kms')
  const { encryption, ...policies } = parts({ key: KEY })
  t.equal(encryption?.Rules[0].ApplyServerSideEncryptionByDefault.KMSMasterKeyID, KEY.arn)
  const actions = { host: ['kms:GenerateDataKey', 'kms:Decrypt'], operator: ['kms:Decrypt'] }
  for (const [role, Action] of Object.entries({ ...actions, salvager: actions.host })) {
    const own = policies[role as 'host'].Statement.find(({ Resource }) => Resource.includes(KEY.arn))
    t.strictSame(own?.Action, Action, role)
    t.strictSame(own?.Condition, { StringEquals: { 'kms:ViaService': ['s3.eu-central-1.amazonaws.com'] } })
  }
  t.throws(() => parseKmsKey('alias/gasps'), /expected arn:aws:kms:/)
  t.throws(() => parseKmsKey('arn:aws:kms:eu-central-1:123456789012:alias/gasps'), /no alias/)
})

t.test('what the lifecycle deletes, and when', async (t) => {
  const rules = (keep: number | undefined, lock?: number) => {
    const locked = lock === undefined ? undefined : ({ days: lock, mode: 'COMPLIANCE' } as const)
    return parts({ retention: { keep, unfinished: 9, lock: locked } })
  }
  const uploads = {
    ...{ ID: 'lastgasp-unfinished-uploads', Status: 'Enabled', Filter: { Prefix: 'prod/v1/' } },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 9 },
  }
  t.strictSame(rules(undefined).lifecycle.Rules, [uploads], 'no bundle, unless somebody says so')
  t.match(rules(90).lifecycle.Rules, [uploads, { Expiration: { Days: 90 } }])
  t.notMatch(rules(90).lifecycle.Rules, [{}, { NoncurrentVersionExpiration: {} }])
  const { lock, lifecycle } = rules(90, 30)
  t.strictSame(lock?.Rule.DefaultRetention, { Mode: 'COMPLIANCE', Days: 30 })
  t.match(lifecycle.Rules, [
    uploads,
    { Expiration: { Days: 90 }, NoncurrentVersionExpiration: { NoncurrentDays: 1 } },
    { Expiration: { ExpiredObjectDeleteMarker: true } },
  ])
  t.throws(() => checkRetention({ keep: undefined, unfinished: 6, lock: undefined }), /at least 7d/)
  t.throws(
    () => checkRetention({ keep: 29, unfinished: 7, lock: { days: 30, mode: 'GOVERNANCE' } }),
    /Object Lock keeps them for 30d/,
  )
  checkRetention({ keep: 30, unfinished: 7, lock: { days: 30, mode: 'GOVERNANCE' } })
})

t.test('names of statements are plain and unique, and IAM takes the sizes', async (t) => {
  const { bucket, host, operator, salvager } = parts({ key: KEY, host: 'x'.repeat(128) })
  for (const policy of [bucket, host, operator, salvager]) {
    const names = policy.Statement.map(({ Sid }) => Sid)
    t.equal(new Set(names).size, names.length)
    for (const name of names) t.match(name, /^[A-Za-z0-9]+$/)
    // IAM's least limit is that of a user's inline policies, without white space (IAM User Guide, "IAM and AWS STS quotas").
    t.ok(JSON.stringify(policy).length < 2048, 'fits into 2048 characters')
  }
})

t.test('laid out for 80 columns, it is the same document', async (t) => {
  const document = parts({ key: KEY })
  const text = layout(document)
  t.strictSame(JSON.parse(text), JSON.parse(JSON.stringify(document)))
  // A long text stands alone on its line, behind its key where it has one.
  const long = text.split('\n').filter((line) => line.length > 80 && /[[{,] *\S/.test(line.trim()))
  t.strictSame(long, [])
  for (const value of [[], {}, '', null, { a: [] }, ['a\n b', '  ']]) t.strictSame(JSON.parse(layout(value, 4)), value)
})
