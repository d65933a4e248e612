import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { type Drawn, draw, ROOT } from './draw.ts'
import { type Reach, reachOf } from './reach.ts'
import { tried } from './trial.ts'
import { digest, Verdicts } from './verdicts.ts'

/**
 * `npm run test:mutants`: small faults of a mechanical kind, drawn by a seed in each of some folders of agent/; each has to be noticed by the
 * tests of its own folder. `--folder capture --draw 50 --seed 7`. Two folders are tried at a time. What was judged, and has not changed since,
 * is not judged again. Fails when fewer than nine of ten are noticed in a folder, or when SURVIVORS.md does not name a survivor.
 */
const { values } = parseArgs({
  options: {
    folder: { type: 'string', multiple: true, default: ['store', 'daemon', 'capture', 'plan'] },
    draw: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
  },
})
const AT_A_TIME = 2
/** The share that has to be noticed. */
const WANTED = 0.9
/**
 * ms, and times what a test takes without the fault: one that takes longer hangs, where it still takes no longer than it did
 * when it is tried again without.
 */
const [PATIENCE, TIMES] = [15_000, 4]

/** What became of a mutant: by which test it was noticed, if by any, and a digest of all by which this was found out. */
interface Verdict {
  readonly killer: string | undefined
  readonly digest: string
}

const verdicts = new Verdicts(join(ROOT, '.cache/mutants.jsonl'))
const named = readFileSync(join(import.meta.dirname, 'SURVIVORS.md'), 'utf8')
const waiting = [...values.folder]
await Promise.all(Array.from({ length: AT_A_TIME }, work))

async function work(): Promise<void> {
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) await judgeAll(folder)
}

async function judgeAll(folder: string): Promise<void> {
  const reaches: Reach[] = []
  for (const test of globSync(`test/${folder}/**/*.test.ts`, { cwd: ROOT }).sort())
    reaches.push(await reachOf(test, folder, verdicts))
  const { drawn, of } = draw(folder, Number(values.draw), values.seed)
  let noticed = 0
  for (const each of drawn) {
    const { killer } = await judged(each, reaches)
    const line = each.source.slice(0, each.mutant.at).split('\n').length
    const what = `${each.file}:${line} ${each.mutant.operator}: ${each.line}`
    const isNamed = named.includes(`\`${each.line}\``)
    if (killer !== undefined) noticed++
    else if (!isNamed) process.exitCode = 1
    console.log(
      `${killer !== undefined ? 'killed  ' : isNamed ? 'named   ' : 'SURVIVES'} ${what}${killer ? ` (${killer})` : ''}`,
    )
  }
  if (noticed < WANTED * drawn.length) process.exitCode = 1
  console.log(`== ${folder}: ${noticed} of ${drawn.length} were noticed, drawn from ${of} by seed ${values.seed}`)
}

/** Tries the tests that come to the place, the quick ones first; before them the one that noticed it the last time. */
async function judged(each: Drawn, reaches: readonly Reach[]): Promise<Verdict> {
  const key = digest(`${each.file}\n${each.mutated}`)
  const known = verdicts.get<Verdict>(key)
  const cost = ({ test, ms }: Reach) => (test === known?.killer ? 0 : ms)
  const able = reaches
    .filter(({ places }) => places[each.file]?.includes(each.mutant.at))
    .sort((a, b) => cost(a) - cost(b))
  const all = digest(
    able
      .map((reach) => reach.digest)
      .sort()
      .join('\n'),
  )
  const killerNow = able.find(({ test }) => test === known?.killer)
  if (known !== undefined && known.digest === (killerNow?.digest ?? all)) return known
  const env = { MUTANT_URL: pathToFileURL(join(ROOT, each.file)).href, MUTANT_SOURCE: each.mutated }
  for (const reach of able)
    if (await notices(reach, env)) return settled(key, { killer: reach.test, digest: reach.digest })
  return settled(key, { killer: undefined, digest: all })
}

function settled(key: string, verdict: Verdict): Verdict {
  verdicts.set(key, verdict)
  return verdict
}

async function notices({ test, ms }: Reach, env: Readonly<Record<string, string>>): Promise<boolean> {
  for (let usual = ms; ; ) {
    const limit = PATIENCE + TIMES * usual
    const { outcome } = await tried(test, env, limit)
    if (outcome !== 'endless') return outcome === 'failed'
    const without = await tried(test, {}, limit)
    if (without.outcome === 'passed' && without.ms < limit / 2) return true
    usual = Math.max(2 * usual, without.ms)
  }
}
