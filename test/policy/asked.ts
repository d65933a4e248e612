import type { Asked } from './evaluate.ts'
import type { Recorded } from './recording-proxy.ts'

/** Whether a request makes an object. Beginning an upload and sending its parts do not. */
interface Meant {
  readonly action: string
  readonly creates?: boolean
}

/** Headers of a request that are condition keys of `s3:` under their own name (Service Authorization Reference, Amazon S3). */
const KEYS = [
  ...['if-none-match', 'x-amz-acl', 'x-amz-copy-source', 'x-amz-server-side-encryption'],
  ...['x-amz-server-side-encryption-aws-kms-key-id', 'x-amz-server-side-encryption-customer-algorithm'],
]

/**
 * What a recorded request (with the bucket in its path) asks for: action, resource and condition keys, by S3's API
 * reference. `who` are the keys that tell who asks. It came by TLS.
 */
export function askedBy({ method, url, headers }: Recorded, who: Readonly<Record<string, string>> = {}): Asked {
  const { pathname, searchParams: query } = new URL(url, 'http://server')
  const [bucket = '', ...names] = pathname.slice(1).split('/').map(decodeURIComponent)
  const key = names.join('/')
  const { action, creates } = key === '' ? ofBucket(method, query) : ofObject(method, query)
  const context: Record<string, string> = { 'aws:SecureTransport': 'true', ...who }
  if (creates !== undefined) context['s3:ObjectCreationOperation'] = String(creates)
  const prefix = query.get('prefix')
  if (prefix !== null) context['s3:prefix'] = prefix
  for (const name of KEYS) if (headers[name] !== undefined) context[`s3:${name}`] = String(headers[name])
  return { action, resource: `arn:aws:s3:::${bucket}${key === '' ? '' : `/${key}`}`, context }
}

function ofBucket(method: string, query: URLSearchParams): Meant {
  if (method === 'HEAD') return { action: 's3:ListBucket' }
  if (method === 'GET' && query.has('uploads')) return { action: 's3:ListBucketMultipartUploads' }
  if (method === 'GET' && query.has('lifecycle')) return { action: 's3:GetLifecycleConfiguration' }
  if (method === 'GET' && query.has('versions')) return { action: 's3:ListBucketVersions' }
  if (method === 'GET' && query.has('list-type')) return { action: 's3:ListBucket' }
  throw unknown(method, query)
}

function ofObject(method: string, query: URLSearchParams): Meant {
  const sub = ['acl', 'tagging', 'retention', 'legal-hold'].find((name) => query.has(name))
  if (sub !== undefined) return { action: SUBRESOURCES[`${method} ${sub}`] ?? fail(method, query) }
  const upload = query.has('uploadId')
  switch (method) {
    case 'GET':
      return { action: upload ? 's3:ListMultipartUploadParts' : 's3:GetObject' }
    case 'HEAD':
      return { action: 's3:GetObject' }
    case 'PUT':
      return { action: 's3:PutObject', creates: !upload }
    case 'POST':
      return { action: 's3:PutObject', creates: upload }
    case 'DELETE':
      if (upload) return { action: 's3:AbortMultipartUpload' }
      return { action: query.has('versionId') ? 's3:DeleteObjectVersion' : 's3:DeleteObject' }
    default:
      return fail(method, query)
  }
}

const SUBRESOURCES: Readonly<Record<string, string>> = {
  'GET acl': 's3:GetObjectAcl',
  'PUT acl': 's3:PutObjectAcl',
  'GET tagging': 's3:GetObjectTagging',
  'PUT tagging': 's3:PutObjectTagging',
  'DELETE tagging': 's3:DeleteObjectTagging',
  'PUT retention': 's3:PutObjectRetention',
  'PUT legal-hold': 's3:PutObjectLegalHold',
}

function fail(method: string, query: URLSearchParams): never {
  throw unknown(method, query)
}

function unknown(method: string, query: URLSearchParams): Error {
  return new Error(`cannot tell what ${method} with ${[...query.keys()].join(', ') || 'no query'} asks for`)
}
