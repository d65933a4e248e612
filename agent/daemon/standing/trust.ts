import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { sentence } from '../../cannot.ts'
import { readLayer } from '../../settings/files.ts'

/** Variables that Node reads once, when it starts (node(1)): what the environment file says of them, we have to heed ourselves. */
const EXTRA = 'NODE_EXTRA_CA_CERTS'
const SYSTEM = 'NODE_USE_SYSTEM_CA'

/** Which authorities are trusted beside those that Node was started with. */
export interface Trust {
  /** PEM blocks. */
  readonly extra: readonly string[]
  /** Those of the host's own store. */
  readonly system: boolean
}

export interface TrustReading {
  /** undefined: a file is named, and could not be read. */
  readonly trust: Trust | undefined
  readonly problems: readonly string[]
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** Reads the certificates that variables of the environment file name. Never rejects. */
export async function readTrust(variables: ReadonlyMap<string, string>, signal: AbortSignal): Promise<TrustReading> {
  const system = variables.get(SYSTEM) === '1'
  const file = variables.get(EXTRA)
  if (file === undefined || file === '') return { trust: { extra: [], system }, problems: [] }
  try {
    const extra = (await readLayer(file, signal)).match(PEM) ?? []
    if (extra.length === 0) throw new Error('it holds no certificate in PEM')
    return { trust: { extra, system }, problems: [] }
  } catch (error) {
    return { trust: undefined, problems: [`${file} (${EXTRA}) cannot be read: ${sentence(error)}`] }
  }
}

/** Makes new connections trust these authorities. Gives what is wrong where it cannot; then nothing has changed. */
export class TrustStore {
  #started: readonly string[] | undefined
  #set = JSON.stringify({ extra: [], system: false } satisfies Trust)

  set(trust: Trust): string | undefined {
    const wanted = JSON.stringify(trust)
    if (wanted === this.#set) return undefined
    this.#started ??= getCACertificates('default')
    try {
      setDefaultCACertificates([...this.#started, ...(trust.system ? getCACertificates('system') : []), ...trust.extra])
      this.#set = wanted
      return undefined
    } catch (error) {
      return `the certificates of ${EXTRA} cannot be used: ${sentence(error)}`
    }
  }
}
