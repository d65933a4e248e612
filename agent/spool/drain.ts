import { open, rm, rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type BundleName, bundleOf } from '../bundle/keys.ts'
import { publish, syncDirectory } from '../store/directory/durable.ts'
import { onDisk } from '../store/directory/failure.ts'
import { UPLOADS } from '../store/key.ts'
import { PART_BYTES } from '../store/part-bytes.ts'
import { type Store, StoreError } from '../store/store.ts'
import { free } from '../streams/free.ts'
import { sentence } from '../words/cannot.ts'
import { inParallel } from '../words/in-parallel.ts'
import { listed } from './listed.ts'
import { type Place, recordOf } from './place.ts'
import { addLine, readRecord } from './record.ts'
import { type Answer, answered, type Draining, found, isArtifact, nextAct, recorded, renamed, turn } from './states.ts'

/** Small objects on their way at a time, and parts of a large one: with a buffer of PART_BYTES each. */
const AT_ONCE = 3

/** What came of a run. */
export interface Drained {
  /** Objects that the store has by now, and that lie here no more. */
  readonly stored: number
  /** Those that stay: the store refuses them, or they are another store's. */
  readonly left: number
  /** Why, of the first of them. */
  readonly because: string | undefined
}

export interface DrainOptions {
  /** This bundle alone. */
  readonly only?: BundleName
  /** Is told of each object that the store has taken. */
  readonly onStored?: () => void
}

/** The store has not answered: there is no use in going on now. */
class Unanswered extends Error {
  constructor(cause: StoreError | undefined) {
    super(sentence(cause), { cause })
    this.name = 'Unanswered'
  }
}

/** The disk does not give back what it was given: another try would not read it either. */
class Unreadable extends StoreError {
  constructor(cause: StoreError) {
    super('permanent', cause.message, { cause })
  }
}

/** An object that lies in the spool. */
interface Kept {
  readonly key: string
  readonly bytes: number
}

/**
 * Brings to the store what lies in the spool, and removes each object once the store has it. May end at any instant, with the power or
 * the signal: the next run goes on from there. Throws where the store does not answer.
 */
export async function drain(place: Place, store: Store, options: DrainOptions, signal: AbortSignal): Promise<Drained> {
  const run = new Run(place, store, options.onStored ?? (() => {}), signal)
  for (const { bundle, kept } of await bundlesIn(place, signal)) {
    if (options.only === undefined || options.only.bundle === bundle.bundle) await run.bundle(bundle, kept)
  }
  return run.drained
}

/** Whether something lies in the spool. */
export async function isEmpty({ objects }: Place, signal: AbortSignal): Promise<boolean> {
  for await (const _ of listed(objects, signal)) return false
  return true
}

/** Removes what a capture had not finished to keep when its host lost its power. For when none is running. */
export async function tidy({ objects }: Place, signal: AbortSignal): Promise<void> {
  const path = join(objects, UPLOADS)
  await onDisk(`empty ${path}`, signal, () => rm(path, { recursive: true, force: true }))
}

/** What lies in the spool, by bundles, the oldest first. What is under no bundle's key is not ours, and stays. */
async function bundlesIn({ objects }: Place, signal: AbortSignal) {
  const bundles = new Map<string, { readonly bundle: BundleName; readonly kept: Kept[] }>()
  for await (const { key, bytes } of listed(objects, signal)) {
    const bundle = bundleOf(key)
    if (bundle === undefined) continue
    const known = bundles.get(bundle.bundle) ?? { bundle, kept: [] }
    bundles.set(bundle.bundle, known)
    known.kept.push({ key, bytes })
  }
  return [...bundles.values()].sort((a, b) => (a.bundle.bundle < b.bundle.bundle ? -1 : 1))
}

class Run {
  readonly #place: Place
  readonly #store: Store
  readonly #onStored: () => void
  readonly #signal: AbortSignal
  #stored = 0
  #left = 0
  #because: string | undefined

  constructor(place: Place, store: Store, onStored: () => void, signal: AbortSignal) {
    this.#place = place
    this.#store = store
    this.#onStored = onStored
    this.#signal = signal
  }

  get drained(): Drained {
    return { stored: this.#stored, left: this.#left, because: this.#because }
  }

  /** Brings one bundle as far as it comes. What is broken of it costs nothing but itself. */
  async bundle(bundle: BundleName, kept: readonly Kept[]): Promise<void> {
    try {
      await this.#bundle(bundle, kept)
    } catch (thrown) {
      if (thrown instanceof Unanswered || this.#signal.aborted) throw thrown
      this.#leave(1, sentence(thrown))
    }
  }

  async #bundle(bundle: BundleName, kept: readonly Kept[]): Promise<void> {
    const path = recordOf(this.#place, bundle)
    const record = await readRecord(path, this.#signal)
    if (record.store !== undefined && record.store !== this.#store.url) {
      this.#leave(kept.length, `they belong to ${record.store}`)
      return
    }
    const sent = new Set(record.sent)
    const waiting = new Map(kept.map((object) => [object.key, object]))
    const stays: string[] = []
    let isWhole = true
    while (waiting.size > 0) {
      const next = turn([...waiting.keys()], stays)
      if (next.length === 0) {
        this.#leave(waiting.size, '')
        return
      }
      const gone = await inParallel(next, AT_ONCE, (key) => this.#object(path, waiting.get(key) as Kept, sent))
      isWhole &&= gone.every((what) => what === 'stored')
      stays.push(...next.filter((_, n) => gone[n] === 'stays'))
      for (const key of next) waiting.delete(key)
    }
    // What it says is needed until nothing of the bundle lies here.
    if (!isWhole) return
    await this.#disk(`remove ${path}`, () => rm(path, { force: true }))
    await this.#prune(new Set(kept.map(({ key }) => dirname(key))))
  }

  /** Brings one object as far as it comes. `stored`: it is in the store, and here no more. `broken`: it will never be. */
  async #object(
    record: string,
    { key, bytes }: Kept,
    sent: ReadonlySet<string>,
  ): Promise<'stored' | 'stays' | 'broken'> {
    let object = found(key, sent.has(key))
    let error: StoreError | undefined
    for (;;) {
      switch (nextAct(object)) {
        case 'record':
          await addLine(record, { sent: object.key }, this.#signal)
          object = recorded(object)
          break
        case 'send':
          error = await this.#send(object, bytes)
          object = answered(object, answerOf(error))
          break
        case 'rename': {
          const from = object.key
          object = renamed(object, sent.has(renamed(object, false).key))
          await this.#rename(from, object.key)
          break
        }
        case 'remove':
          await this.#remove(object.key)
          this.#stored += 1
          this.#onStored()
          return 'stored'
        case 'leave':
          this.#leave(1, error?.message ?? '')
          return error instanceof Unreadable && isArtifact(object.key) ? 'broken' : 'stays'
        case 'wait':
          throw new Unanswered(error)
      }
    }
  }

  /** Why it is not known to be in the store. */
  async #send({ key }: Draining, bytes: number): Promise<StoreError | undefined> {
    try {
      if (bytes <= PART_BYTES) await this.#store.put(key, await this.#read(key, 0, bytes), this.#signal)
      else await this.#sendParts(key, bytes)
      return undefined
    } catch (thrown) {
      if (!(thrown instanceof StoreError) || this.#signal.aborted) throw thrown
      return thrown
    }
  }

  /** In an upload of its own, which is completed when all of it has arrived: what was begun before is left to the store's lifecycle. */
  async #sendParts(key: string, bytes: number): Promise<void> {
    const upload = await this.#store.begin(key, this.#signal)
    const parts = Array.from({ length: Math.ceil(bytes / PART_BYTES) }, (_, i) => i)
    await inParallel(parts, AT_ONCE, async (i) => {
      const body = await this.#read(key, i * PART_BYTES, Math.min(PART_BYTES, bytes - i * PART_BYTES))
      await upload.part(i + 1, body, this.#signal)
      free(body.buffer)
    })
    await upload.complete(this.#signal)
  }

  async #read(key: string, from: number, length: number): Promise<Buffer> {
    const path = join(this.#place.objects, key)
    const bytes = onDisk(`read ${path}`, this.#signal, async () => {
      const body = Buffer.allocUnsafeSlow(length)
      await using file = await open(path, 'r')
      for (let at = 0; at < length; ) {
        const { bytesRead } = await file.read(body, at, length - at, from + at)
        if (bytesRead === 0) throw new Error('it has become shorter')
        at += bytesRead
      }
      return body
    })
    return await bytes.catch((error: StoreError) => {
      throw new Unreadable(error)
    })
  }

  async #remove(key: string): Promise<void> {
    const path = join(this.#place.objects, key)
    await this.#disk(`remove ${path}`, async () => {
      await rm(path, { force: true })
      await syncDirectory(dirname(path))
    })
  }

  async #rename(from: string, to: string): Promise<void> {
    const [path, other] = [join(this.#place.objects, from), join(this.#place.objects, to)]
    await this.#disk(`rename ${path}`, async () => {
      // After a power cut both names may be there.
      await publish(path, other)
      await unlink(path)
      await syncDirectory(dirname(path))
    })
  }

  /** Removes directories in which nothing lies any more, and those above. */
  async #prune(folders: Iterable<string>): Promise<void> {
    for (const folder of folders) {
      for (let path = folder; path !== '.'; path = dirname(path)) {
        const isGone = await rmdir(join(this.#place.objects, path)).then(
          () => true,
          () => false,
        )
        if (!isGone) break
      }
    }
  }

  #leave(objects: number, because: string): void {
    this.#left += objects
    this.#because ??= because
  }

  async #disk<T>(what: string, work: () => Promise<T>): Promise<T> {
    return await onDisk(what, this.#signal, work)
  }
}

function answerOf(error: StoreError | undefined): Answer {
  if (error === undefined) return 'created'
  if (error.failure === 'exists') return 'exists'
  if (error.failure === 'transient') return error.doubtful ? 'lost' : 'unsent'
  return 'refused'
}
