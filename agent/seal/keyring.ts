import { checkHeader, STANZA_TYPE, unwrapFileKey, type WrappedKey, wrappedKeys } from './file-key.ts'
import type { Header } from './header.ts'
import type { Identity } from './keys.ts'
import { SealError } from './seal-error.ts'

/**
 * How often a keyring tries an identity on a stanza, for all that it opens: two seconds of a slow processor. A capture seals
 * all of a bundle to at most 32 recipients in one order, so that only its first object takes more than one try.
 */
const TRIES_MOST = 20_000

/** The identities that open a bundle, and what was learnt of it: which one fits which stanza. */
export class Keyring {
  readonly #identities: readonly Identity[]
  #fits: { readonly stanza: number; readonly identity: Identity } | undefined
  #triesLeft = TRIES_MOST

  constructor(identities: readonly Identity[]) {
    this.#identities = identities
  }

  /**
   * The file key, by the first identity that a stanza was made for, with the header's MAC checked.
   * Throws SealError: `no-identity` where none fits, `malformed` or `damaged` for a header that was tampered with.
   */
  open(header: Header): Buffer {
    const stanzas = wrappedKeys(header)
    const fileKey = this.#usual(stanzas) ?? this.#any(stanzas)
    if (fileKey === undefined)
      throw new SealError('no-identity', `cannot open what is sealed: ${noneFits(header, this.#identities)}`)
    checkHeader(header, fileKey)
    return fileKey
  }

  #usual(stanzas: readonly WrappedKey[]): Buffer | undefined {
    const stanza = stanzas[this.#fits?.stanza ?? -1]
    return stanza === undefined || this.#fits === undefined ? undefined : unwrapFileKey(stanza, this.#fits.identity)
  }

  #any(stanzas: readonly WrappedKey[]): Buffer | undefined {
    for (const [index, stanza] of stanzas.entries()) {
      for (const identity of this.#identities) {
        if (this.#triesLeft === 0) {
          const why = `it names too many recipients: none of yours fits after ${TRIES_MOST} tries; give only the identity that opens it`
          throw new SealError('no-identity', `cannot open what is sealed: ${why}`)
        }
        this.#triesLeft -= 1
        const fileKey = unwrapFileKey(stanza, identity)
        if (fileKey === undefined) continue
        this.#fits = { stanza: index, identity }
        return fileKey
      }
    }
    return undefined
  }
}

function noneFits(header: Header, identities: readonly Identity[]): string {
  const sealedTo = [...new Set(header.stanzas.map(({ type }) => type))].slice(0, 5).join(', ')
  const count = header.stanzas.length
  const to = `it is sealed to ${count} ${count === 1 ? 'recipient' : 'recipients'} (${sealedTo})`
  if (!header.stanzas.some(({ type }) => type === STANZA_TYPE)) return `${to}, none of them X25519; try \`age -d\``
  if (identities.length === 0) return `${to} and no identity was given; name the key file with --identity`
  const tried = identities.map(({ recipient }) => recipient.text).slice(0, 5)
  return `${to} and to none of yours (${tried.join(', ')}); name another key file with --identity`
}
