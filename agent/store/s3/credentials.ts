import { setTimeout as sleep } from 'node:timers/promises'
import type { CredentialSource, Keys } from './credential-sources.ts'
import { credentialsError, passesOn, SilentSource, type Vain } from './credentials-error.ts'

/** Keys that end within this many ms are renewed before they are needed: the SDK's own margin. */
const SOON_MS = 5 * 60_000
/** After this many ms a question counts as lost, and another one may be asked: all sources' patience together is shorter. */
const LOST_MS = 90_000

/**
 * The keys that requests are signed with. Kept until they end or `renew` is called, and longer than their source lives:
 * a host that dies may have lost it. Fails as a CredentialsError.
 */
export class Credentials {
  readonly #sources: () => readonly CredentialSource[]
  #known: Keys | undefined
  #question: { readonly keys: Promise<Keys>; readonly at: number } | undefined
  #asking: string | undefined

  constructor(sources: () => readonly CredentialSource[]) {
    this.#sources = sources
  }

  /** Who is being asked right now, while nothing can be signed without the answer. */
  get asking(): string | undefined {
    return this.#valid() === undefined ? this.#asking : undefined
  }

  /** The keys at hand; asks for them where there are none, or none that last. */
  async keys(): Promise<Keys> {
    const valid = this.#valid()
    if (valid === undefined) return await this.#ask()
    if (msLeft(valid) < SOON_MS) this.#ask().catch(() => {})
    return valid
  }

  /** Asks anew. Whether other keys came of it; on failure the old ones stay. */
  async renew(): Promise<boolean> {
    const before = this.#known
    const now = await this.#ask()
    return (
      now.accessKeyId !== before?.accessKeyId ||
      now.secretAccessKey !== before.secretAccessKey ||
      now.sessionToken !== before.sessionToken
    )
  }

  #valid(): Keys | undefined {
    return this.#known !== undefined && msLeft(this.#known) > 0 ? this.#known : undefined
  }

  /** One question at a time, but none behind one that is lost. */
  #ask(): Promise<Keys> {
    const { keys: asked, at } = this.#question ?? {}
    if (asked !== undefined && performance.now() - (at ?? 0) < LOST_MS) return asked
    const keys = this.#firstKeys().finally(() => {
      if (this.#question === question) this.#question = undefined
    })
    const question = { keys, at: performance.now() }
    this.#question = question
    return keys
  }

  async #firstKeys(): Promise<Keys> {
    const vain: Vain[] = []
    try {
      for (const source of this.#sources()) {
        this.#asking = source.name
        try {
          const keys = await patiently(source)
          if (keys === undefined) continue
          this.#known = keys
          return keys
        } catch (error) {
          vain.push({ source, error })
          if (!passesOn(error)) break
        }
      }
    } finally {
      this.#asking = undefined
    }
    throw await credentialsError(vain)
  }
}

function msLeft({ expiration }: Keys): number {
  return expiration === undefined ? Number.POSITIVE_INFINITY : expiration.getTime() - Date.now()
}

/** What a source answers within its patience. A question that hangs goes on alone. */
async function patiently(source: CredentialSource): Promise<Keys | undefined> {
  const answered = new AbortController()
  const late = sleep(source.patience, undefined, { signal: answered.signal, ref: false }).then(() => {
    throw new SilentSource(`no answer within ${source.patience} ms`)
  })
  late.catch(() => {})
  try {
    return await Promise.race([source.ask(), late])
  } finally {
    answered.abort()
  }
}
