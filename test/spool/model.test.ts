import t from 'tap'
import { type Bounds, begin, keyOf, next, type Thing, type World } from './world.ts'

const opening: Thing = { key: keyOf('opening.json'), inParts: false }
const small: Thing = { key: keyOf('facts.tar.zst'), inParts: false }
const large: Thing = { key: keyOf('cores/a.core.zst'), inParts: true }
const manifest: Thing = { key: keyOf('manifest.json'), inParts: false }
const row: Thing = { key: 'v1/index/dt=d/h/b.complete.healthy.json', inParts: false }

/** Walks through every world that there can be, and gives how many there were, and what was wrong with the first that was. */
function explore(from: World): { readonly worlds: number; readonly wrong?: string } {
  const seen = new Set<string>()
  const open: World[] = [from]
  for (let world = open.pop(); world !== undefined; world = open.pop()) {
    const key = keyFor(world)
    if (seen.has(key)) continue
    seen.add(key)
    const worlds = next(world)
    const wrong =
      lost(world) ?? outOfOrder(world) ?? unsaid(world) ?? (worlds.length === 0 ? unfinished(world) : undefined)
    if (wrong !== undefined) return { worlds: seen.size, wrong: `${wrong}: ${JSON.stringify(world)}` }
    open.push(...worlds)
  }
  return { worlds: seen.size }
}

/** Worlds that differ in the numbers of their requests alone are the same. */
function keyFor({ plan: _, ids: __, ...world }: World): string {
  const names = new Map<number, number>()
  const named = (id: unknown) => {
    if (typeof id !== 'number') return id
    if (!names.has(id)) names.set(id, names.size)
    return names.get(id)
  }
  return JSON.stringify(world, (field, value) => (['id', 'upload', 'asked'].includes(field) ? named(value) : value))
}

const places = ({ store }: World, content: string) => Object.values(store).filter((one) => one === content).length

/** Something that the host was told is safe is neither on the disk nor in the store. */
function lost(world: World): string | undefined {
  const onDisk = Object.values(world.files).map(({ content }) => content)
  const gone = world.promised.find((content) => places(world, content) === 0 && !onDisk.includes(content))
  return gone && `${gone} is lost`
}

/** The manifest is in the store, and something is not that it tells of. */
function outOfOrder(world: World): string | undefined {
  const told = world.store[manifest.key]
  if (world.store[row.key] !== undefined && told === undefined) return 'a row without a manifest'
  if (told === 'salvager') return 'a manifest that is not the host’s'
  if (told === undefined || !world.promised.includes(told)) return undefined
  const late = world.promised.find(
    (content) => !content.startsWith(row.key) && places(world, content) === 0 && content !== told,
  )
  return late && `the manifest came before ${late}`
}

/** Something was completed of what had arrived, and no salvager has said so. */
function unsaid({ store }: World): string | undefined {
  const isCut = Object.values(store).some((content) => content.endsWith(' cut'))
  return isCut && !(keyOf('salvage.json') in store) ? 'a cut object of which nobody tells' : undefined
}

/** Nothing more can happen: then everything is in the store, once, and nothing on the disk. */
function unfinished(world: World): string | undefined {
  if (world.host.is !== 'rests') return 'the host does not come to rest'
  const left = Object.keys(world.files).filter((key) => !(world.host as { left: string[] }).left.includes(key))
  if (left.length > 0) return `${left} lies on the disk`
  const doubled = world.promised.find((content) => places(world, content) > 1)
  return doubled && `${doubled} is there twice`
}

const cases: readonly [string, readonly Thing[], Bounds][] = [
  ['a small object, and much goes wrong', [small], { lost: 2, crashes: 2, twice: 1 }],
  ['documents and a small object', [opening, small, manifest, row], { lost: 1, crashes: 1, twice: 0 }],
  ['an object in parts', [large], { lost: 2, crashes: 1, twice: 0 }],
  ['an object in parts, and its manifest', [large, manifest], { lost: 1, crashes: 1, twice: 0 }],
]
for (const [name, plan, bounds] of cases)
  t.test(`no schedule loses or doubles anything: ${name}`, async (t) => {
    const { worlds, wrong } = explore(begin(plan, bounds))
    t.comment(`${worlds} worlds`)
    t.equal(wrong, undefined)
    t.ok(worlds > 1_000)
  })

t.test('what another has put there is no answer to the host', async (t) => {
  const bounds = { lost: 0, crashes: 0, twice: 0 }
  // It is kept, for the store was out of reach from the start; its key is taken by then.
  const world = begin([small, manifest], bounds, { [small.key]: 'another' })
  world.host = { is: 'capture', thing: 0, take: 1, away: true, writing: { at: 'start' } }
  t.equal(explore(world).wrong, undefined)
})
