import { type BundleName, bundleOf } from '../bundle/keys.ts'
import { directoryStore } from '../store/directory/store.ts'
import { Pace } from '../store/pace.ts'
import { retrying } from '../store/retrying.ts'
import { type Store, StoreError, type Upload } from '../store/store.ts'
import { cannot, sentence } from '../words/cannot.ts'
import { abandonable } from '../words/deadline.ts'
import { formatBytes } from '../words/units.ts'
import { listed } from './listed.ts'
import { type Place, recordOf } from './place.ts'
import { addLine } from './record.ts'
import { roomIn } from './room.ts'
import { type Before, isArtifact, keptAs } from './states.ts'

/** Set apart for opening, plan, manifest, mark and row, which nothing else is worth much without: a receipt takes some 600 bytes. */
const DOCUMENTS_BYTES = 1024 * 1024
const DOCUMENTS_SHARE = 1 / 4
/** With less room than this, what is set apart does not take these five with forty receipts: 5 times FILE_BYTES, and 24 KiB. */
const LEAST_BYTES = 256 * 1024
/** What one part of an artifact may take of the room that is left: what comes later has some too. */
const PART_SHARE = 3 / 4
/** Descriptors that lack may come back within a second. */
const DISK_TRIES = 4
/** What a file takes beside its bytes: its inode, its names, the end of its last block. */
const FILE_BYTES = 8 * 1024

/** Keeps the objects of captures on the disk, as far as there is room, for a store that is out of reach. */
export class Keeper {
  /** How much it takes: by room, not by time. */
  readonly pace: Pace
  readonly #place: Place
  readonly #objects: Store
  readonly #url: string
  /** Bundles of which the record says where they began. */
  readonly #told = new Set<string>()
  #left: number
  /** Of these, what only documents may take. */
  #apart: number

  private constructor(place: Place, url: string, left: number) {
    this.#place = place
    this.#objects = retrying(directoryStore(place.objects), DISK_TRIES)
    this.#url = url
    this.#left = left
    this.#apart = Math.min(DOCUMENTS_BYTES, left * DOCUMENTS_SHARE)
    this.pace = new RoomPace(() => this.#roomFor(true))
  }

  /** For a store at `url`; `most` is what all that lies there may take. Throws a StoreError that says why nothing may be kept. */
  static async open(place: Place, url: string, most: number, signal: AbortSignal): Promise<Keeper> {
    try {
      return new Keeper(place, url, await spoolRoom(place, most, signal))
    } catch (error) {
      throw new StoreError('permanent', sentence(error), { cause: error })
    }
  }

  /** Keeps an object that came whole. Throws a StoreError: `permanent` where there is no room. */
  async put(key: string, body: Buffer, before: Before, signal: AbortSignal): Promise<number> {
    const { key: name, sent } = keptAs(key, false, before)
    await this.#describe(name, sent, signal)
    this.#take(name, body.length + FILE_BYTES)
    return (await this.#objects.put(name, body, signal)).bytes
  }

  /** Begins to keep one that comes in parts. */
  async begin(key: string, before: Before, signal: AbortSignal): Promise<Upload> {
    const { key: name } = keptAs(key, true, before)
    await this.#describe(name, false, signal)
    this.#take(name, FILE_BYTES)
    const upload = await this.#objects.begin(name, signal)
    return {
      ...upload,
      part: async (number, body, signal) => {
        this.#take(name, body.length)
        await upload.part(number, body, signal)
      },
    }
  }

  /** Writes down what has to be known of an object before it lies there. */
  async #describe(key: string, sent: boolean, signal: AbortSignal): Promise<void> {
    const record = recordOf(this.#place, bundleFor(key))
    if (!this.#told.has(record)) await addLine(record, { store: this.#url }, signal)
    this.#told.add(record)
    if (sent) await addLine(record, { sent: key }, signal)
  }

  #take(key: string, bytes: number): void {
    const room = this.#roomFor(isArtifact(key))
    if (bytes > room) throw noRoom(key, `it takes ${formatBytes(bytes)}, and there is room for ${formatBytes(room)}`)
    this.#left -= bytes
    if (!isArtifact(key)) this.#apart = Math.max(0, this.#apart - bytes)
  }

  #roomFor(isArtifact: boolean): number {
    return isArtifact ? Math.max(0, this.#left - this.#apart) : this.#left
  }
}

class RoomPace extends Pace {
  readonly #room: () => number

  constructor(room: () => number) {
    super()
    this.#room = room
  }

  override bytesWithin(): number {
    return Math.floor(this.#room() * PART_SHARE)
  }

  override shortfall(): Error {
    return noRoom('more of it', `there is room for ${formatBytes(this.#room())}`)
  }
}

function noRoom(what: string, why: string): StoreError {
  return new StoreError('permanent', cannot(`keep ${what} until the next boot`, why).message)
}

/** Bytes that can be kept, where all that lies there may take `most`. Throws why nothing can. */
export async function spoolRoom(place: Place, most: number, signal: AbortSignal): Promise<number> {
  if (most === 0) throw cannot(`keep anything in ${place.state}`, 'spool.max is 0B')
  const room = await abandonable(roomIn(place.state, most), signal)
  const left = Math.min(room, most - (await heldIn(place, signal)))
  if (left >= LEAST_BYTES) return left
  const some = `${formatBytes(Math.max(0, left))}, and a bundle takes ${formatBytes(LEAST_BYTES)} at least`
  throw cannot(`keep anything in ${place.state}`, `of spool.max, ${formatBytes(most)}, there is left ${some}`)
}

/** Bytes that lie in the spool. */
async function heldIn({ objects }: Place, signal: AbortSignal): Promise<number> {
  let bytes = 0
  for await (const entry of listed(objects, signal)) bytes += entry.bytes + FILE_BYTES
  return bytes
}

/** Throws a StoreError for a key that is none of a capture's. */
function bundleFor(key: string): BundleName {
  const bundle = bundleOf(key)
  if (bundle === undefined) throw noRoom(key, 'it belongs to no bundle')
  return bundle
}
