import { readFile } from 'node:fs/promises'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import type { DescriptorReserve } from '../../streams/reserve.ts'
import { cannot } from '../../words/cannot.ts'
import { MOST_PARTS } from '../window.ts'
import { dialBy } from './dialing.ts'
import { rememberingLookup } from './lookup.ts'

/** How servers are reached from here: by which proxies, and whose certificates are trusted. */
export interface Roads {
  readonly httpAgent: HttpAgent
  readonly httpsAgent: HttpsAgent
  /** For a message: the proxy that is set for a protocol (`https:`), with its variable and without its password. */
  proxyFor(protocol: string): string | undefined
  /** Why the certificates of NODE_EXTRA_CA_CERTS are not in use, where they are not. */
  readonly distrust: string | undefined
}

/** More than any caller has requests in flight; a request that waits for a socket would count as one that cannot connect. */
const SOCKETS = 64
/** Kept open between requests: those of all parts under way, and of a small object beside them. */
const IDLE_SOCKETS = MOST_PARTS + 1
/**
 * ms for which a connection may rest. Gateways on the way forget those that rest for minutes, some after one, and tell nobody: what is sent on such a one
 * is never answered. A new one costs two round trips, and the silence of an old one the store.
 */
const REST_MS = 30_000

/**
 * Reads HTTP_PROXY, HTTPS_PROXY, NO_PROXY (or in small letters; Node's agents heed them) and NODE_EXTRA_CA_CERTS. The latter
 * by ourselves, since Node does it only when it starts, and the file may come later. Throws for a proxy that is no URL. Where no
 * descriptor is left, those of the `reserve` are for names and connections. What rests for `rest` ms is closed.
 */
export async function openRoads(env: NodeJS.ProcessEnv, reserve?: DescriptorReserve, rest = REST_MS): Promise<Roads> {
  const { secureContext, distrust } = await authorities(env.NODE_EXTRA_CA_CERTS)
  const lookup = rememberingLookup()
  const sockets = { keepAlive: true, timeout: rest, maxSockets: SOCKETS, maxFreeSockets: IDLE_SOCKETS }
  const agent = { ...sockets, lookup, proxyEnv: env }
  try {
    const httpAgent = new HttpAgent(agent)
    const httpsAgent = new HttpsAgent({ ...agent, ...(secureContext && { secureContext }) })
    return {
      httpAgent: reserve === undefined ? httpAgent : dialBy(reserve, httpAgent),
      httpsAgent: reserve === undefined ? httpsAgent : dialBy(reserve, httpsAgent),
      proxyFor: (protocol) => proxyFor(env, protocol === 'https:' ? 'https_proxy' : 'http_proxy'),
      distrust,
    }
  } catch (error) {
    throw cannot('use the proxy that HTTPS_PROXY or HTTP_PROXY names', error)
  }
}

/** Those that Node trusts and those in the file, where one is named. */
async function authorities(file: string | undefined): Promise<{ secureContext?: SecureContext; distrust?: string }> {
  if (!file) return {}
  try {
    const more = await readFile(file, 'utf8')
    return { secureContext: createSecureContext({ ca: [...getCACertificates('default'), more] }) }
  } catch (error) {
    return { distrust: cannot(`use NODE_EXTRA_CA_CERTS=${file}`, error).message }
  }
}

function proxyFor(env: NodeJS.ProcessEnv, small: 'http_proxy' | 'https_proxy'): string | undefined {
  const variable = [small, small.toUpperCase()].find((name) => env[name])
  if (variable === undefined) return undefined
  const url = URL.parse(env[variable] ?? '')
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return `the proxy ${url.host} (${variable})`
  return `no proxy, for ${variable} is not an http:// or https:// URL and is ignored`
}
