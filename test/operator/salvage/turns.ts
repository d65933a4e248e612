import type { Archive, ObjectEntry } from '../../../agent/store/store.ts'
import { StoreError } from '../../../agent/store/store.ts'
import type { Arrived, Completed, Filler, Unfinished, Uploads } from '../../../agent/store/uploads.ts'

/** Who acts on the store: each request waits for its turn, and one who is stopped makes no more. */
export interface Actor {
  turn(): Promise<void>
}

/** What a part holds: which one of its host's it is, or filler. */
type Part = { readonly bytes: number; readonly holds: 'host' | 'filler' }
interface Upload extends Unfinished {
  readonly parts: Map<number, Part>
}

/** A store in memory of which every request can be made to wait. Parts are what they hold, and no bytes. */
export class TurningStore {
  readonly objects = new Map<
    string,
    { readonly body: Buffer; readonly bytes: number; readonly parts: readonly Part[] }
  >()
  readonly uploads = new Map<string, Upload>()
  /** As Ceph's gateway has it: all parts have to be named, and completing replaces. Else as S3 has it. */
  readonly #isCeph: boolean

  constructor(isCeph: boolean) {
    this.#isCeph = isCeph
  }

  put(key: string, body: Buffer): 'created' | 'exists' {
    if (this.objects.has(key)) return 'exists'
    this.objects.set(key, { body, bytes: body.length, parts: [] })
    return 'created'
  }

  /** Makes an object of these parts of an upload. */
  complete(id: string, named: ReadonlyMap<number, Part>): Completed {
    const upload = this.uploads.get(id)
    if (upload === undefined) return 'gone'
    if (this.objects.has(upload.key) && !this.#isCeph) return 'exists'
    const isAll = named.size === upload.parts.size || !this.#isCeph
    if (!isAll || [...named].some(([number, part]) => upload.parts.get(number)?.holds !== part.holds)) return 'changed'
    const parts = [...named].sort(([a], [b]) => a - b).map(([, part]) => part)
    this.objects.set(upload.key, {
      body: Buffer.alloc(0),
      bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
      parts,
    })
    this.uploads.delete(id)
    return 'completed'
  }

  placeOf(actor: Actor, now: number): { readonly archive: Archive; readonly uploads: Uploads } {
    const { objects, uploads } = this
    const rest = { url: 'memory:', [Symbol.asyncDispose]: async () => {} }
    const list = async function* (prefix: string): AsyncGenerator<ObjectEntry> {
      await actor.turn()
      const all = [...objects].sort(([a], [b]) => (a < b ? -1 : 1))
      for (const [key, { bytes }] of all) if (key.startsWith(prefix)) yield { key, bytes, modified: 1 }
    }
    const complete = async (upload: Unfinished, arrived: readonly Arrived[], filler: Filler): Promise<Completed> => {
      const seen = uploads.get(upload.id)?.parts
      const named = new Map<number, Part>(
        arrived.map(({ number, bytes, etag }) => [number, { bytes, holds: etag as Part['holds'] }]),
      )
      for (const number of filler.numbers) {
        await actor.turn()
        if (!uploads.has(upload.id)) return 'gone'
        const part = { bytes: filler.bytes, holds: 'filler' } as const
        seen?.set(number, part)
        named.set(number, part)
      }
      await actor.turn()
      return this.complete(upload.id, named)
    }
    return {
      archive: {
        ...{ ...rest, list },
        folders: async function* () {},
        read: async (key) => {
          await actor.turn()
          const found = objects.get(key)
          if (found === undefined) throw new StoreError('missing', `there is no ${key}`)
          return (async function* () {
            yield found.body
          })()
        },
      },
      uploads: {
        ...rest,
        now: async () => now,
        list: async function* (prefix) {
          await actor.turn()
          for (const upload of [...uploads.values()]) if (upload.key.startsWith(prefix)) yield upload
        },
        parts: async ({ id }) => {
          await actor.turn()
          const parts = [...(uploads.get(id)?.parts ?? [])].map(([number, { bytes, holds }]) => ({
            number,
            bytes,
            etag: holds,
          }))
          return parts.sort((a, b) => a.number - b.number)
        },
        complete,
        put: async (key, body) => {
          await actor.turn()
          return this.put(key, body)
        },
        expiry: async () => undefined,
      },
    }
  }
}

/** Lets actors act one at a time, in an order that is drawn; any may be stopped for good. */
export class Turns {
  readonly #random: () => number
  readonly #waiting: (() => void)[] = []
  #acting = 0

  constructor(random: () => number) {
    this.#random = random
  }

  /** Does the work of one who is stopped before his n-th turn, if at all. Resolves when all have come to rest. */
  async all(
    works: readonly { readonly work: (actor: Actor) => Promise<unknown>; readonly stopsAt: number }[],
  ): Promise<void> {
    const errors: unknown[] = []
    this.#acting = works.length
    for (const { work, stopsAt } of works) {
      let turns = 0
      const turn = async () => {
        turns += 1
        this.#acting -= 1
        // One who is stopped waits for ever.
        if (turns < stopsAt) await new Promise<void>((resolve) => this.#waiting.push(resolve))
        else await new Promise<void>(() => {})
      }
      void work({ turn })
        .catch((error: unknown) => errors.push(error))
        .finally(() => {
          this.#acting -= 1
        })
    }
    for (;;) {
      // What nobody waits for any more has come to rest after a few turns of the loop.
      for (let idle = 0; idle < 3; idle += 1) await new Promise<void>((resolve) => setImmediate(resolve))
      if (this.#acting > 0) continue
      if (errors.length > 0) throw errors[0]
      const next = this.#waiting.splice(Math.floor(this.#random() * this.#waiting.length), 1)[0]
      if (next === undefined) return
      this.#acting += 1
      next()
    }
  }
}
