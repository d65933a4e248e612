import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long a name that is known already waits for fresh addresses, in ms: resolvers on the same host answer in one. */
const FRESH_WAIT = 1_000

/** Gives every address of a host name; rejects when there is none. */
export type Resolve = (host: string) => Promise<LookupAddress[]>

const everyAddress: Resolve = (host) => lookup(host, { all: true })

/**
 * A `lookup` for sockets that asks the resolver each time, and goes on with the last known addresses when it does not
 * answer or fails: the resolver is often dead before the network is.
 */
export function rememberingLookup(resolve: Resolve = everyAddress, wait: number = FRESH_WAIT): LookupFunction {
  const known = new Map<string, LookupAddress[]>()
  const asking = new Map<string, Promise<LookupAddress[]>>()

  // One question per name at a time: a hanging getaddrinfo(3) keeps one of the pool's few threads.
  function ask(host: string): Promise<LookupAddress[]> {
    const asked = asking.get(host)
    if (asked !== undefined) return asked
    const answer = resolve(host)
      .then((addresses) => {
        known.set(host, addresses)
        return addresses
      })
      .finally(() => asking.delete(host))
    asking.set(host, answer)
    return answer
  }

  async function addressesOf(host: string): Promise<LookupAddress[]> {
    const last = known.get(host)
    const fresh = ask(host)
    if (last === undefined) return await fresh
    const enough = new AbortController()
    const late = sleep(wait, last, { signal: enough.signal }).catch(() => last)
    try {
      return await Promise.race([fresh.catch(() => last), late])
    } finally {
      enough.abort()
    }
  }

  return (host, options, callback) => {
    addressesOf(host).then(
      (all) => {
        const family = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : options.family
        const fitting = all.filter((address) => !family || address.family === family)
        const [first] = fitting
        if (first === undefined) callback(noAddress(host), '')
        else if (options.all) callback(null, fitting)
        else callback(null, first.address, first.family)
      },
      (thrown) => callback(thrown, ''),
    )
  }
}

function noAddress(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${host} has no address of the kind asked for`), { code: 'ENOTFOUND', hostname: host })
}
