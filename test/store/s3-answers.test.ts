import t, { type Test } from 'tap'
import { openArchive, openStore } from '../../agent/store/open.ts'
import type { S3Settings } from '../../agent/store/s3/client.ts'
import type { StoreFailure } from '../../agent/store/store.ts'
import { failing } from '../contract/failing.ts'
import { type Answer, answering, s3Error } from './answering.ts'

Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'INVENTED', AWS_SECRET_ACCESS_KEY: 'invented' })
const signal = AbortSignal.timeout(120_000)
/** Time for an answer, on a machine that does much else. */
const soon = () => AbortSignal.timeout(3_000)
const SETTINGS: S3Settings = {
  region: 'eu-west-9',
  endpoint: undefined,
  addressing: 'path',
  owner: undefined,
  checksums: 'supported',
}

async function put(t: Test, answer: Answer, change: Partial<S3Settings> = {}, end = signal) {
  const server = await answering(t, () => answer)
  await using store = await openStore('s3://bucket', { ...SETTINGS, endpoint: server.endpoint, ...change }, end)
  const failed = await store.put('x', Buffer.from('x'), end).catch((error: unknown) => error)
  return { failed, seen: server.seen }
}

const KMS = 'User: u is not authorized to perform: kms:GenerateDataKey on resource: k'
const ANSWERS: readonly (readonly [what: string, answer: Answer, failure: StoreFailure, message: RegExp])[] = [
  [
    'a store without conditional writes',
    s3Error(501, 'NotImplemented', 'no', '<Header>If-None-Match</Header>'),
    'permanent',
    /cannot create without overwriting .* \(501 NotImplemented: no\)$/,
  ],
  [
    'a store without checksums',
    s3Error(501, 'NotImplemented', 'x-amz-checksum-crc32'),
    'permanent',
    /set s3.checksums = "required" \(501 /,
  ],
  [
    'a store that lacks something',
    s3Error(501, 'NotImplemented', 'a header'),
    'permanent',
    /s3\.checksums.*If-None-Match.*\(501 NotImplemented: a header\)/,
  ],
  ['501 without a body', { status: 501 }, 'permanent', /s3\.checksums.*\(501\)$/],
  [
    'a checksum taken for wrong',
    s3Error(400, 'XAmzContentChecksumMismatch', 'm'),
    'permanent',
    /s3\.checksums.*\(400 XAmz/,
  ],
  [
    'a method that is not for this address',
    s3Error(405, 'MethodNotAllowed', 'm'),
    'permanent',
    /s3\.addressing.*\(405 MethodNotAllowed: m\)/,
  ],
  ['a quota (Ceph)', s3Error(403, 'QuotaExceeded'), 'permanent', /quota of bucket is used up.*\(403 QuotaExceeded\)$/],
  ['a quota (MinIO)', s3Error(400, 'XMinioAdminBucketQuotaExceeded', 'm'), 'permanent', /quota.*\(400 XMinio/],
  ['a full disk', s3Error(507, 'XMinioStorageFull', 'm'), 'permanent', /are full \(507 XMinioStorageFull: m\)/],
  ['too large', s3Error(400, 'EntityTooLarge', 'm'), 'permanent', /no object that large.*\(400 EntityTooLarge: m\)/],
  [
    'no right',
    s3Error(403, 'AccessDenied', 'm'),
    'denied',
    /may not s3:PutObject there: check the role's and the bucket's policy \(403 AccessDenied: m\)$/,
  ],
  ['no right, without a word', { status: 403 }, 'denied', /may not s3:PutObject there.*\(403\)$/],
  [
    'no right to the key',
    s3Error(403, 'AccessDenied', KMS),
    'denied',
    /SSE-KMS\), which takes kms:GenerateDataKey: check.*\(403 /,
  ],
  [
    'a key that is off',
    s3Error(400, 'KMS.DisabledException', 'm'),
    'permanent',
    /SSE-KMS\) cannot be used: check its state.*\(400 KMS\.Disabled/,
  ],
  [
    'an owner that is no account',
    s3Error(400, 'InvalidBucketOwnerAWSAccountID', 'm'),
    'permanent',
    /s3\.owner .*12 digits.*\(400 InvalidBucketOwner/,
  ],
  [
    'a 403 that is about something else',
    s3Error(403, 'UserSuspended', 'm'),
    'denied',
    /: the store says 403 UserSuspended: m$/,
  ],
  [
    'an unknown key',
    s3Error(403, 'InvalidAccessKeyId', 'm'),
    'denied',
    /does not know the access key.*\(403 InvalidAccessKeyId: m\)/,
  ],
  ['no such bucket', s3Error(404, 'NoSuchBucket', 'm'), 'permanent', /no bucket bucket at .*\(404 NoSuchBucket: m\)/],
  [
    'another region',
    s3Error(400, 'AuthorizationHeaderMalformed', 'm', '<Region>eu-central-1</Region>'),
    'permanent',
    /in region eu-central-1, not in eu-west-9.*\(400 /,
  ],
  ['something new', s3Error(418, 'Novel', 'm'), 'permanent', /: the store says 418 Novel: m$/],
]
for (const [what, answer, failure, message] of ANSWERS) {
  t.test(`${what} is told, with the store's status and code`, async (t) => {
    const { failed, seen } = await put(t, answer)
    t.match(failed, failing(failure, message))
    t.equal(seen.length, 1, 'and is not asked again')
  })
}

t.test('a store that is busy until the end has answered', async (t) => {
  for (const [answer, message] of [
    [s3Error(503, 'SlowDown', 'm'), /asks to slow down \(503 SlowDown: m\)$/],
    [s3Error(500, 'InternalError', 'm'), /the store says 500 InternalError: m$/],
    [{ status: 503 }, /the store says 503$/],
  ] as const) {
    t.match((await put(t, answer, {}, soon())).failed, failing('transient', message))
  }
})

t.test('the owner is named where another account may own the bucket', async (t) => {
  const { failed } = await put(t, s3Error(403, 'AccessDenied', 'm'), { owner: '123456789012' })
  t.match(failed, failing('denied', /account 123456789012 \(s3.owner\) owns bucket \(403 AccessDenied: m\)/))
})

t.test('who reads is told what helps at a machine of his own', async (t) => {
  for (const [answer, message] of [
    [
      s3Error(403, 'AccessDenied', 'm'),
      /may not s3:ListBucket there: check the policies of your profile's role \(AWS_PROFILE\)/,
    ],
    [s3Error(400, 'ExpiredToken', 'm'), /have expired: check your profile .*aws sso login.*\(400 ExpiredToken: m\)/],
    [s3Error(403, 'SignatureDoesNotMatch', 'm'), /secret key does not fit.*aws sso login/],
  ] as const) {
    const { endpoint } = await answering(t, () => answer)
    await using archive = await openArchive('s3://bucket', { ...SETTINGS, endpoint }, signal)
    await t.rejects(Array.fromAsync(archive.list('', signal)), failing('denied', message))
  }
})

t.test('a request that cannot be made is refused at once, with the settings that make it up', async (t) => {
  // A name of S3 Express that lacks its zone: the SDK makes no URL of it.
  await using store = await openStore('s3://bucket--x-s3', SETTINGS, signal)
  const message = /check s3\.endpoint, s3\.region, s3\.addressing and the bucket$/
  await t.rejects(store.put('x', Buffer.from('x'), signal), failing('permanent', message))
  const noRegion = openStore('s3://bucket', { ...SETTINGS, region: 'no region' }, signal)
  await t.rejects(noRegion, failing('permanent', /"no region" is not a valid.*: check s3\.region or AWS_REGION$/))
})

t.test('at an address, a bucket is in the path', async (t) => {
  const { seen } = await put(t, s3Error(403, 'AccessDenied'), { addressing: 'virtual' })
  t.match(seen, [/^PUT \/bucket\/x/])
})
