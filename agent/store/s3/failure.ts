import { cannot, sentence } from '../../words/cannot.ts'
import { StoreError, type StoreFailure } from '../store.ts'
import { GIVE_CREDENTIALS } from './advice.ts'
import { answered } from './answers.ts'
import { CredentialsError } from './credentials-error.ts'
import { unanswered } from './network.ts'
import type { Task, Thrown, Verdict } from './verdict.ts'

/** A StoreError with the store's own word for it. */
export class S3Error extends StoreError {
  readonly code: string
  constructor(failure: StoreFailure, message: string, code: string, doubtful: boolean, options?: ErrorOptions) {
    super(failure, message, { ...options, doubtful })
    this.code = code
  }
}

/** With these, the request never left: whatever the store has, it is not ours. */
const UNSENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ERR_PROXY_TUNNEL',
  'SlowDown',
])

/** The S3Error for anything that the SDK or the network threw while `task` was under way. */
export function s3Error(task: Task, error: unknown): S3Error {
  if (error instanceof S3Error) return error
  const thrown: Thrown = error instanceof Error ? error : { message: String(error) }
  const status = thrown.$metadata?.httpStatusCode
  const [failure, because] = verdict(task, thrown, status)
  const refused = (status !== undefined && status >= 300 && status < 500) || neverSent(thrown)
  const doubtful = failure === 'transient' && !refused
  return new S3Error(failure, cannot(task.what, because).message, thrown.name ?? '', doubtful, { cause: error })
}

/** The S3Error for a task that the signal has ended: it may have been carried out. */
export function endedError(task: Task, reason: unknown): S3Error {
  const timeUp = reason instanceof Error && reason.name === 'TimeoutError'
  const why = timeUp ? 'its time was up' : `its time was up (${sentence(reason)})`
  const because = `${why}, and ${task.awaited} had not answered`
  return new S3Error('transient', cannot(task.what, because).message, '', true, { cause: reason })
}

function verdict(task: Task, thrown: Thrown, status: number | undefined): Verdict {
  if (thrown instanceof CredentialsError) return noCredentials(task, thrown)
  return status === undefined ? unanswered(task, thrown) : answered(task, thrown, status)
}

function noCredentials({ side }: Task, { message, transient }: CredentialsError): Verdict {
  if (transient) return ['transient', `there are no credentials just now: ${message}`]
  return ['denied', `no credentials found: ${message === '' ? '' : `${message}; `}${GIVE_CREDENTIALS[side]}`]
}

function neverSent(thrown: Thrown): boolean {
  return thrown instanceof CredentialsError || UNSENT.has(thrown.code ?? '') || UNSENT.has(thrown.name ?? '')
}
