import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { cannot } from '../../words/cannot.ts'
import { checkKey } from '../key.ts'
import { pauseAfter } from '../retry.ts'
import { StoreError } from '../store.ts'
import type { Bucket } from './client.ts'
import { endedError, S3Error, s3Error } from './failure.ts'
import { place } from './put.ts'
import { type Ask, type Send, send, task } from './request.ts'

const ask = (key: string): Ask => ({ verb: 'read', key, permission: 's3:GetObject' })

/** Content from byte `from` on. The first request is answered when this resolves; a broken stream is taken up again. */
export async function read(
  bucket: Bucket,
  key: string,
  from: number,
  signal: AbortSignal,
): Promise<AsyncIterable<Buffer>> {
  checkKey(key)
  return resuming(bucket, key, from, await open(bucket, key, from, undefined, signal), signal)
}

interface Answer {
  readonly body: AsyncIterable<Buffer>
  readonly etag: string | undefined
}

async function* resuming(
  bucket: Bucket,
  key: string,
  from: number,
  first: Answer,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let answer = first
  let at = from
  for (let fruitless = 1; ; fruitless++) {
    try {
      for await (const chunk of answer.body) {
        at += chunk.length
        fruitless = 0
        yield chunk
      }
      return
    } catch (thrown) {
      if (signal.aborted) throw endedError(task(bucket, ask(key)), signal.reason)
      const error = s3Error(task(bucket, ask(key)), thrown)
      if (error.failure !== 'transient' || fruitless >= bucket.patience.tries) throw error
      await sleep(pauseAfter(fruitless + 1, Math.random()), undefined, { signal }).catch(() => {
        throw error
      })
    }
    answer = await open(bucket, key, at, first.etag, signal)
  }
}

/** Asks for the rest from `from` on: of that same object, when its ETag is given. Past the end there is nothing. */
async function open(
  bucket: Bucket,
  key: string,
  from: number,
  etag: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const input = { ...place(bucket, key), ...(from > 0 && { Range: `bytes=${from}-` }), ...(etag && { IfMatch: etag }) }
  try {
    const command: Send<GetObjectCommandOutput> = (client, options) => client.send(new GetObjectCommand(input), options)
    const { Body, ETag } = await send(bucket, ask(key), command, signal)
    return { body: Body as Readable, etag: ETag }
  } catch (thrown) {
    if (!(thrown instanceof S3Error)) throw thrown
    if (thrown.code === 'InvalidRange') return { body: empty(), etag }
    if (thrown.failure === 'exists') throw replaced(bucket, key, thrown)
    throw thrown
  }
}

function replaced(bucket: Bucket, key: string, cause: S3Error): StoreError {
  const { message } = cannot(`read on in ${bucket.url}/${key}`, 'another object has taken its place')
  return new StoreError('permanent', message, { cause })
}

async function* empty(): AsyncGenerator<Buffer> {}
