import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { indexRow } from '../../agent/bundle/closing.ts'
import { bundleOf, bundlePrefix, parseIndexKey } from '../../agent/bundle/keys.ts'
import { type Manifest, manifestSchema, openingSchema, type Receipt, rowSchema } from '../../agent/bundle/schema.ts'
import { COURSES, GENEROUS_MS } from '../../agent/capture/courses.ts'
import { CANCELLED_WITHIN } from '../../agent/plan/budget.ts'
import { againKey, isArtifact } from '../../agent/spool/states.ts'
import { isBeginningOf } from './contents.ts'
import { ANOTHERS } from './faulty-store.ts'
import type { Drawn } from './items.ts'
import type { Played } from './play.ts'

type Objects = ReadonlyMap<string, Buffer>

/** ms by which a capture may pass its deadline: what is left to say, on a clock that stands still meanwhile. */
const MARGIN_MS = 20
const margin = ({ late }: Played['plot']) => MARGIN_MS + 3 * late
/** daemon/gasp.ts */
const FORCED_MS = 1_950

/** What is wrong with a run: nothing, if all that was promised is kept. */
export function wrongWith(played: Played): readonly string[] {
  const { inStore, store } = played
  return [
    ...inTime(played),
    ...openFor(played),
    ...fair(played),
    ...lettingGo(played),
    ...claims(inStore, 'at the end'),
    ...claims(store.objects, 'after the next boot'),
    ...lost(played),
    ...told(played),
    ...manifests(played).flatMap((manifest) => honest(manifest, played)),
    ...played.open.map((what) => `nobody has ended ${what}`),
  ]
}

function inTime({ plot, ended }: Played): string[] {
  const { due, deadline, certain, forced, cancelled } = plot
  const whole = COURSES[due.trigger].time === 'generous' ? GENEROUS_MS : deadline
  const counted = certain === undefined ? whole + (due.announced ?? 0) : certain + whole
  const ends = [
    due.until ?? counted,
    ...(forced === undefined ? [] : [forced + FORCED_MS]),
    ...(cancelled === undefined ? [] : [cancelled + CANCELLED_WITHIN.end]),
  ]
  const late = ended - Math.min(...ends)
  return late > margin(plot) ? [`it ended ${late} ms after its deadline`] : []
}

/** Who waits as long as the mark says does not meet the host. */
function openFor({ plot, inStore, store, ended }: Played): string[] {
  return [...inStore.keys()].flatMap((key) => {
    const { mark } = parseIndexKey(key) ?? {}
    const at = store.at.get(key)
    if (mark?.kind !== 'open' || at === undefined || ended - at <= mark.seconds * 1000 + plot.late) return []
    return [`${key} was there ${ended - at} ms before the end`]
  })
}

/** Where nothing was amiss and time was ample, all is whole but what may come up in the last moment. */
function fair({ plot, weather, store, host, captured }: Played): string[] {
  const { deadline, forced, cancelled, limit } = plot
  if (
    store.met.length > 0 ||
    weather.rate < FAST ||
    deadline < AMPLE_MS ||
    forced !== undefined ||
    cancelled !== undefined
  )
    return []
  if (limit !== undefined || host.deaths.length > 0 || host.troubles.length > 0) return []
  if ([...host.items.values()].some(({ conduct }) => conduct.is !== 'whole' && conduct.is !== 'empty')) return []
  if (captured === undefined) return ['nothing was captured, and nothing was amiss']
  const short = captured.manifest.receipts.filter(
    ({ artifact, status, because }) =>
      status !== 'complete' && because !== 'limit' && because !== 'seal' && !artifact.startsWith('late/'),
  )
  return short.map(({ artifact, status, reason }) => `${artifact} is ${status} (${reason}), and nothing was amiss`)
}

/** Bytes a second, and ms, in which all that a host has here is sent. */
const FAST = 20_000_000
const AMPLE_MS = 60_000

/** Applications that wait are let go when their time has come, whatever else happens. */
function lettingGo({ plot, host, ended }: Played): string[] {
  const { due, hold, certain = 0, cancelled, forced } = plot
  if (!COURSES[due.trigger].hold || cancelled !== undefined || forced !== undefined || host.deaths.length > 0) return []
  if (due.announced !== undefined && plot.certain === undefined) return []
  const at = host.scripted.when('release')
  if (at === undefined) return ['applications were not let go']
  return at - Math.min(certain, ended) > hold + READING_MS + margin(plot)
    ? [`applications were let go after ${at} ms`]
    : []
}

/** Settings are read again at the trigger. */
const READING_MS = 250

/** No document names what the store does not have. */
export function claims(objects: Objects, when: string): string[] {
  const wrong: string[] = []
  for (const [key, content] of objects) {
    if (content === ANOTHERS) continue
    const say = (what: string) => wrong.push(`${when}, ${key} ${what}`)
    if (key.endsWith('/manifest.json')) {
      const manifest = manifestSchema.parse(JSON.parse(String(content)))
      const prefix = bundlePrefix(manifest)
      if (!objects.has(`${prefix}opening.json`)) say('has no opening')
      for (const { artifact, objects: named } of manifest.receipts)
        for (const { name, bytes, sha256 } of named) {
          const found = [prefix + name, againKey(prefix + name)].map((key) => objects.get(key))
          if (!found.some((one) => one?.length === bytes && sumOf(one) === sha256))
            say(`claims ${bytes} bytes of ${artifact} as ${name}; the store has ${found.map((one) => one?.length)}`)
        }
    }
    const entry = parseIndexKey(key)
    if (entry?.mark.kind === 'open') {
      const opening = objects.get(`${bundlePrefix(entry)}opening.json`)
      if (opening === undefined) say('has no opening')
      else openingSchema.parse(JSON.parse(String(opening)))
    }
    if (entry?.mark.kind === 'row') {
      const manifest = objects.get(`${bundlePrefix(entry)}manifest.json`)
      if (manifest === undefined || manifest === ANOTHERS) say('has no manifest')
      else {
        const row = rowSchema.parse(JSON.parse(String(content)))
        const due = indexRow(manifestSchema.parse(JSON.parse(String(manifest))), entry)
        if (!isDeepStrictEqual(row, due)) say('is not what its manifest says')
        if (row.status !== entry.mark.status || row.why !== entry.mark.why) say('is not what its key says')
      }
    }
  }
  return wrong
}

/** What had reached the disk is in the store when that has become well; or its place is another's, and it lies there. */
export function lost({
  onDisk,
  left,
  store,
}: Pick<Played, 'onDisk' | 'left'> & { readonly store: { readonly objects: Objects } }): string[] {
  return [...onDisk].flatMap(([key, content]) => {
    const places = [key, againKey(key)]
    if (places.some((place) => store.objects.get(place)?.equals(content)))
      return left.has(key) ? [`${key} stays on the disk`] : []
    const isTaken =
      store.objects.get(key) === ANOTHERS && (!isArtifact(key) || store.objects.get(againKey(key)) === ANOTHERS)
    if (!places.some((place) => left.get(place)?.equals(content))) return [`${key} had reached the disk, and is lost`]
    return isTaken ? [] : [`${key} stays on the disk`]
  })
}

/** What the console says, and what the daemon remembers. */
export function told({
  captured,
  line,
  inStore,
  onDisk,
}: Pick<Played, 'captured' | 'line' | 'inStore' | 'onDisk'>): string[] {
  const isSaidComplete = !line.includes('NO COMPLETE BUNDLE')
  if (captured === undefined) return isSaidComplete ? [`nothing was captured, and the console says: ${line}`] : []
  const key = `${bundlePrefix(captured.name)}manifest.json`
  const document = inStore.get(key) ?? onDisk.get(key)
  const same =
    document !== undefined &&
    isDeepStrictEqual(JSON.parse(String(document)), JSON.parse(JSON.stringify(captured.manifest)))
  const hasRow = [...inStore.keys()].some(
    (one) => one.endsWith('.json') && parseIndexKey(one)?.bundle === captured.name.bundle,
  )
  const isWhole =
    inStore.has(key) && hasRow && ![...onDisk.keys()].some((one) => bundleOf(one)?.bundle === captured.name.bundle)
  return [
    ...(same ? [] : ['the manifest is not where it was said to be']),
    ...(isWhole === isSaidComplete ? [] : [`the console says: ${line}`]),
  ]
}

function manifests({ captured, inStore, onDisk }: Played): readonly Manifest[] {
  if (captured !== undefined) return [captured.manifest]
  const documents = [...inStore, ...onDisk].filter(
    ([key, content]) => key.endsWith('/manifest.json') && content !== ANOTHERS,
  )
  return documents.map(([, content]) => manifestSchema.parse(JSON.parse(String(content))))
}

/** Whether a manifest says what has happened. */
function honest(manifest: Manifest, played: Played): string[] {
  const { host, captured } = played
  const wrong: string[] = []
  const names = manifest.receipts.map(({ artifact }) => artifact).filter((name) => host.items.has(name))
  for (const name of names.filter((name, n) => names.indexOf(name) !== n)) wrong.push(`${name} has two receipts`)
  for (const { what } of host.scripted.asked) {
    const [, name] = /^take (.+)$/.exec(what) ?? []
    if (name !== undefined && !names.includes(name)) wrong.push(`${name} was taken and has no receipt`)
  }
  for (const receipt of manifest.receipts) wrong.push(...ofReceipt(receipt, manifest, played))
  const isFine = manifest.receipts.every(
    ({ status, because }) => ['complete', 'absent'].includes(status) || because === 'limit',
  )
  if (isFine !== (manifest.status === 'complete')) wrong.push(`the bundle is ${manifest.status}`)
  for (const mark of captured?.stored ?? []) {
    const item = [...host.items.values()].find((item) => item.mark === mark)
    const { status, because } = manifest.receipts.find(({ artifact }) => artifact === item?.name) ?? {}
    const isDone = status === 'complete' || (status === 'truncated' && because === 'host')
    if (!isDone && COURSES[manifest.trigger].time !== 'generous')
      wrong.push(`${item?.name} is remembered as stored, and is ${status}`)
  }
  return wrong
}

function ofReceipt(receipt: Receipt, { receipts: _, ...manifest }: Manifest, played: Played): string[] {
  const { artifact, status, because, reason, objects, bytesStored } = receipt
  const item = played.host.items.get(artifact)
  const wrong: string[] = []
  const say = (what: string) => wrong.push(`${artifact} is ${status} (${because}: ${reason}), ${what}`)
  const isShort = status === 'truncated' || status === 'skipped' || status === 'failed'
  if (isShort !== (because !== undefined && reason !== undefined && reason !== '')) say('and does not say why')
  if ((status === 'skipped' || status === 'failed') && objects.length > 0) say('and has objects')
  if (bytesStored !== objects.reduce((sum, { bytes }) => sum + bytes, 0))
    say(`and its ${bytesStored} bytes are not those of its objects`)
  if (because !== undefined && !isPlausible(because, item, receipt, played)) say('which nobody has done')
  if (item === undefined || objects.length === 0) return wrong
  const prefix = bundlePrefix(manifest)
  const content = Buffer.concat(objects.map(({ name }) => found(prefix + name, played) ?? Buffer.alloc(0)))
  if (!isBeginningOf(content, item.holds)) say('and what is stored is not what it holds')
  if (status === 'complete' && content.length !== item.holds.bytes)
    say(`with ${content.length} of ${item.holds.bytes} bytes`)
  return wrong
}

/** Its own object, in the store or on the disk. */
function found(key: string, { inStore, onDisk, store }: Played): Buffer | undefined {
  const places = [
    onDisk.get(againKey(key)),
    onDisk.get(key),
    inStore.get(key),
    inStore.get(againKey(key)),
    store.objects.get(key),
  ]
  return places.find((one) => one !== undefined && one !== ANOTHERS)
}

/** Bytes a second at which a part takes longer than a store may be silent. */
const SLOW = 3_000_000

/** Whether there was somebody to be blamed. */
function isPlausible(because: string, item: Drawn | undefined, receipt: Receipt, played: Played): boolean {
  const { host, plot, store, onDisk, weather } = played
  const { forced, cancelled, limit, due } = plot
  switch (because) {
    case 'seal':
      return item?.closed !== undefined
    case 'limit':
      if (limit !== undefined || item?.when === 'trouble') return true
      return item === undefined || !COURSES[due.trigger].phases.includes(item.phase)
    case 'store':
      return store.met.length > 0 || onDisk.size > 0 || weather.rate < SLOW || /cannot keep/.test(receipt.reason ?? '')
    case 'collector':
      return host.deaths.length > 0 || host.troubles.length > 0
    case 'host':
      if (forced !== undefined || cancelled !== undefined) return true
      return item === undefined ? host.troubles.includes('gap') : !['whole', 'empty'].includes(item.conduct.is)
    default:
      return receipt.status !== 'complete'
  }
}

function sumOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
