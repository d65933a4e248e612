import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutObjectAclCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3'

/** What a stolen key might be tried on; each gives the status of the answer. */
export type Trespass = readonly [what: string, attempt: () => Promise<number>]

interface Named {
  readonly Bucket: string
  readonly Key: string
}

/** On an object that is there. */
export function onObject(client: S3Client, object: Named): Trespass[] {
  const tags = { TagSet: [{ Key: 'a', Value: 'b' }] }
  return [
    ['read', () => status(client.send(new GetObjectCommand(object)))],
    ['head', () => status(client.send(new HeadObjectCommand(object)))],
    [
      'learn whether it is there',
      () => status(client.send(new GetObjectCommand({ ...object, Key: `${object.Key}-` }))),
    ],
    ['read its rights', () => status(client.send(new GetObjectAclCommand(object)))],
    ['read its tags', () => status(client.send(new GetObjectTaggingCommand(object)))],
    ['delete', () => status(client.send(new DeleteObjectCommand(object)))],
    ['publish', () => status(client.send(new PutObjectAclCommand({ ...object, ACL: 'public-read' })))],
    ['tag', () => status(client.send(new PutObjectTaggingCommand({ ...object, Tagging: tags })))],
  ]
}

/** On an unfinished upload. */
export function onUpload(client: S3Client, upload: Named & { readonly UploadId: string | undefined }): Trespass[] {
  return [
    ['list its parts', () => status(client.send(new ListPartsCommand(upload)))],
    ['abort', () => status(client.send(new AbortMultipartUploadCommand(upload)))],
  ]
}

/** On the bucket. */
export function onBucket(client: S3Client, Bucket: string, Prefix: string): Trespass[] {
  return [
    ['list all', () => status(client.send(new ListObjectsV2Command({ Bucket })))],
    ['list its own', () => status(client.send(new ListObjectsV2Command({ Bucket, Prefix })))],
    ['list versions', () => status(client.send(new ListObjectVersionsCommand({ Bucket })))],
    ['list uploads', () => status(client.send(new ListMultipartUploadsCommand({ Bucket })))],
  ]
}

/** The status of an answer, a refusal's too. */
export async function status(answer: Promise<{ readonly $metadata: { readonly httpStatusCode?: number } }>) {
  const { $metadata } = await answer.catch((error: Awaited<typeof answer>) => error)
  return $metadata.httpStatusCode ?? 0
}
