import { readFile } from 'node:fs/promises'
import type { CredentialSource } from './credential-sources.ts'

/** Why there are no keys to sign with. `transient`: a service that has some does not give them just now. */
export class CredentialsError extends Error {
  readonly transient: boolean
  constructor(message: string, transient: boolean, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CredentialsError'
    this.transient = transient
  }
}

/** A source that was asked in vain. */
export interface Vain {
  readonly source: CredentialSource
  readonly error: unknown
}

/** A source that did not answer within its patience. */
export class SilentSource extends Error {}

/** What the sources' errors carry, whichever of the SDK's packages threw. */
interface Thrown {
  readonly name?: string
  readonly message?: string
  readonly code?: string
  readonly tryNextLink?: boolean
  /** of the instance metadata service */
  readonly statusCode?: number
  /** of STS */
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** The error for sources that were all asked in vain; names each of them and its reason. */
export async function credentialsError(vain: readonly Vain[]): Promise<CredentialsError> {
  const ours = (await onEc2()) ? vain : vain.filter(({ source, error }) => source.named || !unreachable(error))
  const reasons = vain.map(({ source, error }) => `${source.name} ${reason(error)}`)
  const message = reasons.join('; ')
  const transient = ours.some(({ error }) => isTransient(error))
  return new CredentialsError(message, transient, { cause: vain.at(-1)?.error })
}

/** Whether the next source is asked after this error: the SDK's errors tell, and an unreadable file is none. */
export function passesOn(error: unknown): boolean {
  const { tryNextLink, code } = error as Thrown
  return tryNextLink === true || code === 'EACCES'
}

function reason(error: unknown): string {
  const { message = '', statusCode } = error as Thrown
  if (statusCode === 404) return 'has no role for this instance (404)'
  if (statusCode !== undefined) return `answers ${statusCode}`
  if (error instanceof SilentSource || isTimeout(error)) return 'does not answer'
  return `gives none: ${firstLine(message)}`
}

/** A helper may say a lot on its standard error. */
const REASON_LIMIT = 200

function firstLine(text: string): string {
  const line = text.trim().replace(/\s*\n\s*/g, ': ')
  return line.length > REASON_LIMIT ? `${line.slice(0, REASON_LIMIT)}…` : line
}

/**
 * 401 with the others: a metadata service that was too busy to give its token refuses what is asked without one. The last
 * two are messages, for the SDK gives neither the status of a container's service nor the exit of a helper otherwise.
 */
function isTransient(error: unknown): boolean {
  const { name = '', message = '', statusCode, $metadata } = error as Thrown
  const status = statusCode ?? $metadata?.httpStatusCode
  if (status !== undefined) return status >= 500 || [401, 408, 429].includes(status) || TRY_AGAIN.test(name)
  return (
    unreachable(error) || /^Server responded with status: (5|408|429)/.test(message) || /^Command failed/.test(message)
  )
}

/** Of STS: "IDPCommunicationError", and what it says when it is asked too often. */
const TRY_AGAIN = /^IDPCommunicationError|^Throttl|^RequestLimitExceeded|^TooManyRequests/

/** Nothing answered: errno(3) and getaddrinfo(3), of the network and not of a file. */
function unreachable(error: unknown): boolean {
  const { code = '', message = '' } = error as Thrown
  if (error instanceof SilentSource || isTimeout(error)) return true
  return NETWORK.test(code) || NETWORK_TOLD.test(message)
}

const NETWORK = /^(ECONN|ENET|EHOST|EAI_|ETIMEDOUT|ENOTFOUND|EPIPE|EADDRNOTAVAIL|ENOBUFS|EMFILE|ENFILE|EAGAIN)/
/** The SDK keeps of a container's service that cannot be reached only the text of the error. */
const NETWORK_TOLD = /^Error: .*\b(ECONN[A-Z]+|ENETUNREACH|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)\b/

function isTimeout(error: unknown): boolean {
  const { name, message = '' } = error as Thrown
  return name === 'TimeoutError' || /^TimeoutError\b/.test(message)
}

/**
 * Whether this machine is an EC2 instance, by what its firmware says (EC2 User Guide, "Detect whether a host is an EC2
 * instance"): only there a metadata service that does not answer is one that is down.
 */
async function onEc2(): Promise<boolean> {
  const [vendor, hypervisor] = await Promise.all(
    ['/sys/class/dmi/id/sys_vendor', '/sys/hypervisor/uuid'].map((path) => readFile(path, 'latin1').catch(() => '')),
  )
  return /^Amazon EC2/.test(vendor ?? '') || /^ec2/i.test(hypervisor ?? '')
}
