import {
  againKey,
  answered,
  type Draining,
  found,
  isAgain,
  keptAs,
  nextAct,
  recorded,
  renamed,
  turn,
} from '../../agent/spool/states.ts'

/**
 * Host, drain and salvager around one store, as a small world: `next` gives every world that the next instant may bring. What the host
 * does next comes from agent/spool/states.ts, as in the code; the store creates and never replaces; requests arrive late, twice or never.
 */
export interface World {
  readonly plan: readonly Thing[]
  readonly bounds: Bounds
  /** What lies in the store, by key. */
  store: Record<string, string>
  /** Uploads in parts that nobody has completed. */
  uploads: Upload[]
  /** Requests on their way. `answer`: what the first copy that arrived came to. */
  flying: { id: number; key: string; content: string; upload?: number; answer?: 'created' | 'exists' | 'gone' }[]
  /** What lies on the disk, by key. `gone`: removed, but a power cut may bring it back; `fresh`: a power cut may take it. */
  files: Record<string, { content: string; gone?: true; fresh?: true }>
  record: string[]
  host: Host
  salvager: 'waits' | { lists: { upload: number; parts: number }; told: boolean } | 'looked' | 'told' | 'done'
  /** What the host was told is kept or stored: from then on it must not be lost. */
  promised: string[]
  ids: number
}

/** An object of the bundle, in the order in which they are written. */
export interface Thing {
  readonly key: string
  readonly inParts: boolean
}

/** How much may go wrong. */
export interface Bounds {
  readonly lost: number
  readonly crashes: number
  readonly twice: number
}

interface Upload {
  id: number
  key: string
  content: string
  parts: number
}

/** Where a write of the capture stands. */
type Writing =
  | { at: 'start' }
  | { at: 'asked'; id: number }
  | { at: 'part'; upload: number; number: 1 | 2 }
  | { at: 'record' | 'file'; key: string; content: string; sent: boolean }

type Host =
  | { is: 'capture'; thing: number; take: number; away: boolean; writing: Writing }
  | { is: 'drain'; left: string[]; object?: Draining; at?: { asked: number } | { upload: number; number: 1 | 2 } }
  | { is: 'rests'; left: string[] }
  | { is: 'off' }

export const PARTS = 2
const PREFIX = 'v1/hosts/h/b/'
export const keyOf = (name: string) => `${PREFIX}${name}`
const SALVAGE = keyOf('salvage.json')
const SALVAGED = 'v1/index/dt=d/h/b.salvaged.unknown.json'

export function begin(plan: readonly Thing[], bounds: Bounds, store: Record<string, string> = {}): World {
  const host: Host = { is: 'capture', thing: 0, take: 1, away: false, writing: { at: 'start' } }
  const nothing = { uploads: [], flying: [], files: {}, record: [], promised: [], ids: 0 }
  return { plan, bounds, store, ...nothing, host, salvager: 'waits' }
}

/** Every world that may come next. */
export function next(world: World): World[] {
  return [...ofNetwork(world), ...ofHost(world), ...ofPower(world), ...ofSalvager(world)]
}

function changed(world: World, change: (copy: World) => void): World {
  // Some 20 times faster than structuredClone; `host` is never changed in place.
  const copy: World = {
    ...world,
    bounds: { ...world.bounds },
    store: { ...world.store },
    uploads: world.uploads.map((upload) => ({ ...upload })),
    flying: world.flying.map((request) => ({ ...request })),
    files: Object.fromEntries(Object.entries(world.files).map(([key, file]) => [key, { ...file }])),
    record: [...world.record],
    promised: [...world.promised],
  }
  change(copy)
  return copy
}

function spend(world: World, bound: keyof Bounds): void {
  ;(world.bounds as { -readonly [B in keyof Bounds]: number })[bound] -= 1
}

// The network and the store

function ofNetwork(world: World): World[] {
  return world.flying.flatMap(({ id, answer }) => {
    const isAwaited = waitsFor(world.host) === id
    const deliver = (stays: boolean) =>
      changed(world, (copy) => {
        const at = copy.flying.findIndex((one) => one.id === id)
        const request = copy.flying[at] as World['flying'][number]
        request.answer ??= arrive(copy, request)
        if (!stays && !isAwaited) copy.flying.splice(at, 1)
      })
    const lose = changed(world, (copy) => {
      copy.flying = copy.flying.filter((one) => one.id !== id)
    })
    const once = answer === undefined ? [deliver(false)] : []
    const twice = world.bounds.twice > 0 && !isAwaited ? [changed(deliver(true), (copy) => spend(copy, 'twice'))] : []
    return [...once, ...twice, ...(isAwaited ? [] : [lose])]
  })
}

function arrive(world: World, { key, content, upload }: World['flying'][number]): 'created' | 'exists' | 'gone' {
  if (upload !== undefined && !world.uploads.some(({ id }) => id === upload)) return 'gone'
  if (key in world.store) return 'exists'
  world.store[key] = content
  world.uploads = world.uploads.filter(({ id }) => id !== upload)
  return 'created'
}

function ask(world: World, key: string, content: string, upload?: number): number {
  world.ids += 1
  world.flying.push({ id: world.ids, key, content, ...(upload !== undefined && { upload }) })
  return world.ids
}

function beginUpload(world: World, key: string, content: string): number {
  world.ids += 1
  world.uploads.push({ id: world.ids, key, content, parts: 0 })
  return world.ids
}

function waitsFor(host: Host): number | undefined {
  if (host.is === 'capture' && host.writing.at === 'asked') return host.writing.id
  if (host.is === 'drain' && host.at !== undefined && 'asked' in host.at) return host.at.asked
  return undefined
}

/** What the host has heard of a request, which is then no longer on its way. */
function heard(world: World, id: number): 'created' | 'exists' | 'gone' | undefined {
  const answer = world.flying.find((one) => one.id === id)?.answer
  if (answer !== undefined) world.flying = world.flying.filter((one) => one.id !== id)
  return answer
}

// The host

function ofHost(world: World): World[] {
  const { host } = world
  if (host.is === 'capture') return ofCapture(world, host)
  if (host.is === 'drain') return ofDrain(world, host)
  return []
}

function ofCapture(world: World, host: Extract<Host, { is: 'capture' }>): World[] {
  const thing = world.plan[host.thing]
  if (thing === undefined) return [changed(world, (copy) => powerOff(copy))]
  const { key, inParts } = thing
  const content = `${key} ${host.take}`
  const { writing } = host
  const to = (copy: World, change: Partial<typeof host>) => {
    copy.host = { ...host, ...change }
  }
  const done = (copy: World, kept: string) => {
    copy.promised.push(kept)
    to(copy, { thing: host.thing + 1, take: 1, writing: { at: 'start' }, away: (copy.host as typeof host).away })
  }
  const keep = (copy: World, before: Parameters<typeof keptAs>[2], take: number) => {
    const kept = keptAs(key, inParts, before)
    const at = kept.sent ? 'record' : 'file'
    to(copy, { take, away: true, writing: { at, ...kept, content: `${key} ${take}` } })
  }
  const loses = (change: (copy: World) => void): World[] =>
    world.bounds.lost === 0
      ? []
      : [
          changed(world, (copy) => {
            spend(copy, 'lost')
            change(copy)
          }),
        ]
  const none = { begun: false, same: false, other: false }
  switch (writing.at) {
    case 'start':
      if (host.away) return [changed(world, (copy) => keep(copy, none, host.take))]
      if (!inParts)
        return [changed(world, (copy) => to(copy, { writing: { at: 'asked', id: ask(copy, key, content) } }))]
      return [
        changed(world, (copy) =>
          to(copy, { writing: { at: 'part', upload: beginUpload(copy, key, content), number: 1 } }),
        ),
        ...loses((copy) => keep(copy, none, host.take)),
      ]
    case 'part': {
      const { upload, number } = writing
      const lands = (copy: World) => {
        const found = copy.uploads.find(({ id }) => id === upload)
        if (found !== undefined) found.parts = number
      }
      // Of the first part the host has all bytes still; later it takes the thing anew.
      const lost = (copy: World) => keep(copy, { ...none, begun: true }, number === 1 ? host.take : host.take + 1)
      return [
        changed(world, (copy) => {
          lands(copy)
          if (number === 1) to(copy, { writing: { at: 'part', upload, number: 2 } })
          else to(copy, { writing: { at: 'asked', id: ask(copy, key, content, upload) } })
        }),
        ...loses(lost),
        ...loses((copy) => {
          lands(copy)
          lost(copy)
        }),
      ]
    }
    case 'asked': {
      const known = world.flying.find(({ id }) => id === writing.id)?.answer
      const told = changed(world, (copy) => {
        const answer = heard(copy, writing.id)
        if (answer === 'created') done(copy, content)
        // Somebody else has the key: a receipt says so.
        else to(copy, { thing: host.thing + 1, writing: { at: 'start' } })
      })
      const lost = loses((copy) => {
        if (inParts) keep(copy, { ...none, begun: true }, host.take + 1)
        else keep(copy, { ...none, same: true }, host.take)
      })
      return [...(known === undefined ? [] : [told]), ...lost]
    }
    case 'record':
      return [
        changed(world, (copy) => {
          copy.record.push(writing.key)
          to(copy, { writing: { ...writing, at: 'file' } })
        }),
      ]
    case 'file':
      return [
        changed(world, (copy) => {
          copy.files[writing.key] = { content: writing.content }
          done(copy, writing.content)
        }),
      ]
  }
}

function ofDrain(world: World, host: Extract<Host, { is: 'drain' }>): World[] {
  const { object, at } = host
  const waiting = Object.keys(world.files).filter((key) => !world.files[key]?.gone && !host.left.includes(key))
  if (object === undefined) {
    const next = waiting.length > 0 ? turn(waiting, host.left) : []
    if (next.length > 0)
      return next.map((key) =>
        changed(world, (copy) => {
          copy.host = { ...host, object: found(key, copy.record.includes(key)) }
        }),
      )
    return [
      changed(world, (copy) => {
        if (Object.keys(copy.files).length === 0) copy.record = []
        copy.host = { is: 'rests', left: [...host.left, ...waiting] }
      }),
    ]
  }
  const to = (copy: World, change: Partial<typeof host>) => {
    const { at: _, ...rest } = host
    copy.host = { ...rest, ...change }
  }
  const lost = (): World[] =>
    world.bounds.lost === 0
      ? []
      : [
          changed(world, (copy) => {
            spend(copy, 'lost')
            to(copy, { object: answered(object, 'lost') })
          }),
        ]
  const content = world.files[object.key]?.content ?? ''
  if (at !== undefined && 'asked' in at) {
    const known = world.flying.find(({ id }) => id === at.asked)?.answer
    const told = changed(world, (copy) => {
      const answer = heard(copy, at.asked)
      to(copy, { object: answered(object, answer === 'gone' ? 'refused' : (answer ?? 'lost')) })
    })
    return [...(known === undefined ? [] : [told]), ...lost()]
  }
  if (at !== undefined) {
    const lands = changed(world, (copy) => {
      const upload = copy.uploads.find(({ id }) => id === at.upload)
      if (upload !== undefined) upload.parts = at.number
      if (at.number === 1) to(copy, { at: { upload: at.upload, number: 2 } })
      else to(copy, { at: { asked: ask(copy, object.key, content, at.upload) } })
    })
    return [lands, ...lost()]
  }
  return [
    changed(world, (copy) => {
      switch (nextAct(object)) {
        case 'record':
          copy.record.push(object.key)
          to(copy, { object: recorded(object) })
          break
        case 'send':
          if (isInParts(world, object.key))
            to(copy, { at: { upload: beginUpload(copy, object.key, content), number: 1 } })
          else to(copy, { at: { asked: ask(copy, object.key, content) } })
          break
        case 'rename': {
          const key = againKey(object.key)
          if (copy.files[key] === undefined) copy.files[key] = { content, fresh: true }
          const file = copy.files[object.key]
          if (file?.gone) {
            delete copy.files[object.key]
            copy.files[key] = { content }
            to(copy, { object: renamed(object, copy.record.includes(key)) })
          } else if (file !== undefined) file.gone = true
          break
        }
        case 'remove': {
          const file = copy.files[object.key]
          if (file !== undefined && !file.gone) file.gone = true
          else {
            delete copy.files[object.key]
            copy.host = { is: 'drain', left: host.left }
          }
          break
        }
        case 'leave':
          copy.host = { is: 'drain', left: [...host.left, object.key] }
          break
        case 'wait':
          copy.host = { is: 'drain', left: [] }
      }
    }),
  ]
}

const isInParts = ({ plan }: World, key: string) => plan.some((thing) => thing.inParts && againKey(thing.key) === key)

// Power

function ofPower(world: World): World[] {
  if (world.host.is === 'off')
    return [
      changed(world, (copy) => {
        copy.host = { is: 'drain', left: [] }
      }),
    ]
  if (world.bounds.crashes === 0) return []
  // What was not synced may have come to pass or not, each for itself in the order of a journal.
  const cut = (hasHappened: boolean) =>
    changed(world, (copy) => {
      spend(copy, 'crashes')
      for (const [key, file] of Object.entries(copy.files)) {
        if ((file.gone && hasHappened) || (file.fresh && !hasHappened)) delete copy.files[key]
        else copy.files[key] = { content: file.content }
      }
      powerOff(copy)
    })
  return [cut(true), cut(false)]
}

function powerOff(world: World): void {
  world.host = { is: 'off' }
}

// The salvager: comes when the capture must have ended, whether its host has closed it or not; says what it is about to do before it completes
// anything, and leaves what belongs to the drain alone

function ofSalvager(world: World): World[] {
  if (world.host.is === 'capture') return []
  const { salvager } = world
  if (salvager === 'waits') {
    const lists = world.uploads
      .filter(({ key, parts }) => parts > 0 && !isAgain(key) && !(key in world.store))
      .map(({ id, parts }) =>
        changed(world, (copy) => {
          copy.salvager = { lists: { upload: id, parts }, told: SALVAGE in copy.store }
        }),
      )
    return [
      ...lists,
      changed(world, (copy) => {
        copy.salvager = 'looked'
      }),
    ]
  }
  if (salvager === 'done') return []
  return [
    changed(world, (copy) => {
      if (typeof salvager === 'object' && !salvager.told) {
        copy.store[SALVAGE] = 'salvager'
        copy.salvager = { ...salvager, told: true }
      } else if (typeof salvager === 'object') {
        const upload = copy.uploads.find(({ id }) => id === salvager.lists.upload)
        if (upload !== undefined) {
          const { key, content, id } = upload
          const { parts } = salvager.lists
          arrive(copy, { id: 0, key, content: parts < PARTS ? `${content} cut` : content, upload: id })
        }
        copy.salvager = 'waits'
      } else if (salvager === 'looked') {
        copy.store[SALVAGE] = 'salvager'
        copy.salvager = 'told'
      } else {
        if (!(keyOf('manifest.json') in copy.store)) copy.store[SALVAGED] = 'salvager'
        copy.salvager = 'done'
      }
    }),
  ]
}
