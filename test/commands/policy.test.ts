import t from 'tap'
import { lastgasp } from './lastgasp.ts'

// Longer than a runner allows by itself, for machines that do much else.
t.setTimeout(180_000)

const STORE = ['--store', 's3://gasps/prod']
const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/00000000-invented'

const policy = (...args: string[]) => lastgasp(['policy', ...args])

t.test('all parts, each under what it is for and the command that applies it', async (t) => {
  const { code, stdout, stderr } = await policy(...STORE)
  t.strictSame({ code, stderr }, { code: 0, stderr: '' })
  const parts = [...stdout.matchAll(/^# (\w+): (.*)\n# {3}(aws .*)\n(\{[\s\S]*?^\})$/gm)]
  t.strictSame(
    parts.map(([, name, , apply]) => [name, apply]),
    [
      ['bucket', 'aws s3api put-bucket-policy --bucket gasps --policy file://bucket.json'],
      ...['host', 'operator', 'salvager'].map((role) => [
        role,
        `aws iam put-role-policy --role-name ROLE --policy-name lastgasp-${role} --policy-document file://${role}.json`,
      ]),
      [
        'lifecycle',
        'aws s3api put-bucket-lifecycle-configuration --bucket gasps --lifecycle-configuration file://lifecycle.json',
      ],
    ],
  )
  const json = await policy(...STORE, '-o', 'json')
  const documents = parts.map(([, name = '', , , text = '']) => [name, JSON.parse(text)])
  t.strictSame(JSON.parse(json.stdout), Object.fromEntries(documents))
  t.match(parts[1]?.[2], /also under the names of the others/)
})

t.test('one part is a bare document, for a file', async (t) => {
  const { stdout } = await policy(...STORE, '--for', 'host', '--host', 'web-1')
  t.strictSame(JSON.parse(stdout).Statement[0].Resource, [
    'arn:aws:s3:::gasps/prod/v1/hosts/web-1/*',
    'arn:aws:s3:::gasps/prod/v1/index/dt=????-??-??/web-1/*',
  ])
  const two = await policy(...STORE, '--for', 'host', '--for', 'bucket', '-o', 'json')
  t.strictSame(Object.keys(JSON.parse(two.stdout)), ['host', 'bucket'])
})

t.test('a key and a lock bring parts of their own, before the bucket has bundles', async (t) => {
  const options = ['--kms-key', KEY, '--lock', '30d', '--lock-mode', 'compliance', '--keep', '90d']
  const { stdout } = await policy(...STORE, ...options, '-o', 'json')
  const { encryption, lock, lifecycle, bucket } = JSON.parse(stdout)
  t.equal(encryption.Rules[0].ApplyServerSideEncryptionByDefault.KMSMasterKeyID, KEY)
  t.strictSame(lock.Rule.DefaultRetention, { Mode: 'COMPLIANCE', Days: 30 })
  t.equal(lifecycle.Rules[1].Expiration.Days, 90)
  t.equal(bucket.Statement.length, 4)
})

t.test('the settings name store and region', async (t) => {
  const set = ['--set', 'store="s3://china/x"', '--set', 's3.region=cn-north-1']
  t.match(await policy(...set, '--for', 'operator'), { code: 0, stdout: /"arn:aws-cn:s3:::china\/x\/v1\/hosts\/\*"/ })
  const plain = await policy(...STORE, '--set', 's3.endpoint=http://store.invalid:9000')
  t.match(plain, { code: 0, stderr: /refuses whoever comes without TLS, and s3\.endpoint is http:\/\// })
})

t.test('what cannot be is said, and how it can', async (t) => {
  const calls: readonly (readonly [RegExp, ...string[]])[] = [
    [/cannot write policies: no store is named/],
    [/only a bucket has them/, '--store', 'file:///srv/bundles'],
    [/cannot name hosts by "web\/1"/, ...STORE, '--host', 'web/1'],
    [/cannot use --keep 36h: S3 counts whole days/, ...STORE, '--keep', '36h'],
    [/Object Lock keeps them for 30d/, ...STORE, '--keep', '7d', '--lock', '30d'],
    [/the part lock: it comes with --lock 30d/, ...STORE, '--for', 'lock'],
    [/--output "yaml": it is one of "text", "json", "terraform"/, ...STORE, '-o', 'yaml'],
  ]
  for (const [stderr, ...args] of calls) {
    t.match(await policy(...args), { code: 2, stdout: '', stderr }, args.join(' '))
  }
})
