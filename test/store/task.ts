import type { Task } from '../../agent/store/s3/verdict.ts'

/** Something that was being done at a bucket, for what is said when it fails. */
export const taskOf = (over: Partial<Task> = {}): Task => ({
  what: 'store s3://bucket/key',
  permission: 's3:PutObject',
  bucket: 'bucket',
  host: 'bucket.s3.example',
  region: 'eu-west-9',
  owner: undefined,
  side: 'host',
  proxy: undefined,
  distrust: undefined,
  awaited: 'the store',
  ...over,
})
