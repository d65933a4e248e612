import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'

/** What the tree promises: a folder imports only from those that stand before it here. */
const FLOORS = [
  'words',
  'streams',
  'frames',
  'seal',
  'settings',
  'bundle',
  'plan',
  'findings',
  'store',
  'spool',
  'wall',
  'collector/elf',
  'collector/masking',
  'collector/tar',
  'collector/host',
  'collector/unwind',
  'collector/clearance.ts',
  'collector/witnesses',
  'collector/crashed-cores',
  'collector/processes',
  'collector/machine-memory',
  'collector/live-core',
  'collector/recorder',
  'collector/kept-stacks',
  'collector/sources',
  'collector',
  'capture',
  'daemon/standing',

  'daemon',
  'check',
  'policy',
  'operator/terminal',
  'operator',
  'commands',
  '',
]

const AGENT = join(import.meta.dirname, '../agent')
const FILES = readdirSync(AGENT, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))

/** Every import in the tree, as paths below agent/. */
const IMPORTS = FILES.flatMap((from) =>
  [...readFileSync(join(AGENT, from), 'utf8').matchAll(/(?:from|import|import\() ?'(\.[^']+)'/g)].map(([, path]) => ({
    from,
    to: normalize(join(dirname(from), path ?? '')),
  })),
)

function floorOf(path: string): number {
  const mine = FLOORS.map((floor, height) => ({ floor, height }))
    .filter(({ floor }) => floor === '' || path === floor || path.startsWith(`${floor}/`))
    .sort((a, b) => b.floor.length - a.floor.length)
  return mine[0]?.height ?? Number.NaN
}

const told = ({ from, to }: { from: string; to: string }) => `${from} imports ${to}`
const inside = (folder: string) => (path: string) => path.startsWith(`${folder}/`)

t.test('imports are found at all', async (t) => {
  t.ok(IMPORTS.length > 1_000, `${IMPORTS.length}`)
  t.ok(IMPORTS.every(({ to }) => to.endsWith('package.json') || FILES.includes(to)))
})

t.test('imports go downwards only', async (t) => {
  t.same(IMPORTS.filter(({ from, to }) => floorOf(to) > floorOf(from)).map(told), [])
})

t.test('settings read words and the keys of the seal, nothing else', async (t) => {
  const allowed = (to: string) => inside('settings')(to) || inside('words')(to) || to === 'seal/keys.ts'
  t.same(IMPORTS.filter(({ from, to }) => inside('settings')(from) && !allowed(to)).map(told), [])
})

t.test('the wall holds in the code', async (t) => {
  const network = ['store', 'spool', 'capture', 'daemon'].map(inside)
  const reading = inside('collector')
  t.same(IMPORTS.filter(({ from, to }) => reading(from) && network.some((has) => has(to))).map(told), [])
  const talking = ['capture', 'daemon'].map(inside)
  t.same(IMPORTS.filter(({ from, to }) => talking.some((has) => has(from)) && reading(to)).map(told), [])
})

t.test('sources do not import each other', async (t) => {
  const sourceOf = (path: string) => /^collector\/sources\/([^/]+)\//.exec(path)?.[1]
  const crossing = IMPORTS.filter(({ from, to }) => {
    const [mine, other] = [sourceOf(from), sourceOf(to)]
    return mine !== undefined && other !== undefined && mine !== other
  })
  t.same(crossing.map(told), [])
})
