import { fileURLToPath } from 'node:url'
import { cannot } from './cannot.ts'

/** What a store URL names. `prefix` is empty or ends in a slash. */
export type Location =
  | { readonly scheme: 'file'; readonly path: string }
  | { readonly scheme: 's3'; readonly bucket: string; readonly prefix: string }

/** Bucket names as S3 allows them (User Guide, "Bucket naming rules"), and the `_` and capitals of older ones elsewhere. */
const S3_URL = /^s3:\/\/([A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9])(?:\/(.*))?$/s

/** Reads `s3://bucket/prefix` or `file:///path`. Throws an Error that says what is wrong with it. */
export function parseLocation(url: string): Location {
  if (url.startsWith('s3://')) return s3Location(url)
  if (url.startsWith('file://')) return fileLocation(url)
  throw bad(url, 'a store is s3://bucket/prefix or file:///path')
}

function s3Location(url: string): Location {
  const [, bucket, path = ''] = S3_URL.exec(url) ?? []
  if (bucket === undefined)
    throw bad(url, 'after s3:// comes a bucket name of 3 to 63 letters, digits, dots and hyphens')
  const names = path.split('/').filter((name) => name !== '')
  if (names.some((name) => name === '.' || name === '..')) throw bad(url, 'a prefix has no "." or ".." in it')
  return { scheme: 's3', bucket, prefix: names.map((name) => `${name}/`).join('') }
}

function fileLocation(url: string): Location {
  try {
    return { scheme: 'file', path: fileURLToPath(url) }
  } catch {
    throw bad(url, 'after file:// comes an absolute path: file:///srv/bundles')
  }
}

function bad(url: string, why: string): Error {
  return cannot(`open the store ${JSON.stringify(url)}`, why)
}
