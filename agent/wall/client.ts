import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Finding } from '../bundle/schema.ts'
import type { DescriptorReserve } from '../streams/reserve.ts'
import { cannot, sentence } from '../words/cannot.ts'
import { abandonable } from '../words/deadline.ts'
import type { InventoryGap, ListedItem } from '../words/evidence.ts'
import type { Listing, Taken } from './answers.ts'
import { type Collector, CollectorError, type Taking, type Watching } from './collector.ts'
import { connectTo } from './connection.ts'
import { readFailure, readGap, readHealth, readListedItem, readTaken, readWhy, unreadable } from './read-answers.ts'
import { readFinding } from './read-finding.ts'
import { type Message, message, messages, WALL_VERSION } from './wire.ts'

/** A request of PROTOCOL.md. */
interface Asked {
  readonly do: string
  readonly within?: number
}

interface Address {
  readonly path: string
  readonly reserve?: DescriptorReserve
}

/** More items than any host has: 10,000 journal files of 16 MiB are 160 GiB. What floods beyond is cut off. */
const MAX_ITEMS = 20_000

/** A collector that listens at `path`. Where no descriptor is left, connections are made by those of the `reserve`. */
export function collectorAt(path: string, reserve?: DescriptorReserve): Collector {
  const at: Address = { path, ...(reserve && { reserve }) }
  const call = async (what: string, signal: AbortSignal) => {
    for await (const answer of request(at, { do: what }, signal)) if (answer.kind === 'end') return answer.json
    throw broken('it hung up without an answer')
  }
  return {
    open: async (_, within, signal) => ({
      listing: await list(at, { do: 'inventory', within }, signal),
      take: (id, limit, signal) => take(at, { do: 'take', id, limit }, signal),
      watch: (signal) => watch(at, signal),
      findings: (within, signal) => findings(at, within, signal),
    }),
    release: async (signal) => void (await call('release', signal)),
    attend: async (signal) => {
      for await (const _ of request(at, { do: 'attend' }, signal));
      signal.throwIfAborted()
      throw broken('it hung up')
    },
    why: async (signal) => readWhy(await call('why', signal)),
    reload: async (signal) => void (await call('reload', signal)),
    health: async (signal) => believed(readHealth, await call('health', signal)),
  }
}

function broken(reason: unknown): CollectorError {
  return new CollectorError('collector', `the collector failed: ${sentence(reason)}`, { cause: reason })
}

/** One request and what is answered to it, `end` included. A `fail` is thrown. */
async function* request(
  { path, reserve }: Address,
  json: object,
  signal: AbortSignal,
  onSocket?: (socket: Socket) => void,
): AsyncGenerator<Message, void, void> {
  signal.throwIfAborted()
  const { socket, pieces } = connectTo(path, reserve)
  const cut = () => socket.destroy()
  signal.addEventListener('abort', cut, { once: true })
  try {
    await once(socket, 'connect', { signal })
    onSocket?.(socket)
    socket.write(message('request', { v: WALL_VERSION, ...json }))
    let ended = false
    for await (const answer of messages(pieces, 'collector')) {
      if (ended) throw cannot('trust the collector', `"${answer.kind}" came after its end`)
      if (answer.kind === 'fail') {
        const { reason, because } = readFailure(answer.json)
        throw new CollectorError(because, reason)
      }
      ended = answer.kind === 'end'
      yield answer
      if (ended) return
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof CollectorError ? error : broken(error)
  } finally {
    signal.removeEventListener('abort', cut)
    socket.destroy()
  }
}

async function list(at: Address, asked: Asked, signal: AbortSignal): Promise<Listing> {
  const items: ListedItem[] = []
  const gaps: InventoryGap[] = []
  for await (const answer of request(at, asked, signal)) {
    if (answer.kind === 'end') return { items, gaps }
    if (answer.kind !== 'item') throw broken(`"${answer.kind}" is no answer to "${asked.do}"`)
    if (items.length + gaps.length >= MAX_ITEMS) throw broken(`it lists more than ${MAX_ITEMS} items`)
    const { gap, item } = answer.json
    try {
      if (gap !== undefined) gaps.push(readGap(gap))
      else items.push(readListedItem(item))
    } catch (error) {
      gaps.push(unreadable(gap ?? item, error))
    }
  }
  throw broken('it hung up within its list')
}

function watch(at: Address, signal: AbortSignal): Watching {
  const { promise: stopped, resolve } = Promise.withResolvers<void>()
  async function* comesUp(): AsyncGenerator<Listing, void, void> {
    await abandonable(stopped, signal)
    yield await list(at, { do: 'last-words' }, signal)
  }
  return { comesUp: comesUp(), stop: resolve }
}

/** What a collector says of deaths is told one by one up to a limit of its own: findings/findings.ts. */
const MOST_FINDINGS = 256

async function findings(at: Address, within: number, signal: AbortSignal): Promise<readonly Finding[]> {
  const all: Finding[] = []
  for await (const answer of request(at, { do: 'findings', within }, signal)) {
    if (answer.kind === 'end') return all
    if (answer.kind !== 'item') throw broken(`"${answer.kind}" is no answer to "findings"`)
    if (all.length >= MOST_FINDINGS) throw broken(`it tells of more than ${MOST_FINDINGS} findings`)
    all.push(believed(readFinding, answer.json.finding))
  }
  throw broken('it hung up within its findings')
}

function believed<Value, Json>(read: (json: Json) => Value, json: Json): Value {
  try {
    return read(json)
  } catch (error) {
    throw broken(error)
  }
}

function take(at: Address, json: object, signal: AbortSignal): Taking {
  const { promise: taken, resolve, reject } = Promise.withResolvers<Taken>()
  taken.catch(() => {})
  let socket: Socket | undefined
  async function* data() {
    try {
      for await (const answer of request(at, json, signal, (connected) => (socket = connected))) {
        if (answer.kind === 'data') yield answer.bytes
        else if (answer.kind === 'end') return resolve(believed(readTaken, answer.json))
        else throw broken(`"${answer.kind}" is no answer to "take"`)
      }
      throw broken('it hung up before the end')
    } catch (error) {
      reject(error)
      throw error
    } finally {
      reject(broken('nobody read to the end'))
    }
  }
  return { stored: data(), taken, stop: () => socket?.write(message('stop')) }
}
