import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { seeded } from '../random.ts'
import { type Mutant, mutantsOf, mutated } from './operators.ts'

/**
 * `npm run test:mutants`: small faults of a mechanical kind, drawn by a seed, in folders of agent/; each has to be noticed by the tests of its own
 * folder. Prints the survivors. `--folder capture --draw 50 --seed 7`.
 */
const { values } = parseArgs({
  options: {
    folder: { type: 'string', multiple: true, default: ['capture', 'plan', 'daemon', 'store'] },
    draw: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
  },
})

const ROOT = join(import.meta.dirname, '../..')
/** ms: some twenty times what the slowest file takes. Where a bound is gone, a test hangs: that is noticed too. */
const TEST_LIMIT = 120_000

/** ms that each test file took. */
const took = new Map<string, number>()

interface Drawn {
  readonly folder: string
  readonly file: string
  readonly source: string
  readonly mutant: Mutant
}

const all = values.folder.flatMap((folder) =>
  globSync(`agent/${folder}/**/*.ts`, { cwd: ROOT })
    .sort()
    .flatMap((file) => {
      const source = readFileSync(join(ROOT, file), 'utf8')
      return mutantsOf(source).map((mutant): Drawn => ({ folder, file, source, mutant }))
    }),
)
const random = seeded(Number(values.seed))
const drawn = all
  .map((each) => ({ each, order: random() }))
  .sort((a, b) => a.order - b.order)
  .slice(0, Number(values.draw))
  .map(({ each }) => each)

console.log(`${drawn.length} of ${all.length} mutants, seed ${values.seed}`)
for (const folder of new Set(drawn.map(({ folder }) => folder))) {
  const broken = await failing(folder, {})
  if (broken !== undefined) throw new Error(`cannot try mutants of ${folder}: ${broken} fails without any`)
}
let survivors = 0
for (const { folder, file, source, mutant } of drawn) {
  const env = { MUTANT_URL: pathToFileURL(join(ROOT, file)).href, MUTANT_SOURCE: mutated(source, mutant) }
  const killer = await failing(folder, env)
  const line = source.slice(0, mutant.at).split('\n').length
  const what = `${file}:${line} ${mutant.operator}: ${mutant.from.trim()} -> ${mutant.to.trim()}`
  if (killer === undefined) survivors++
  console.log(killer === undefined ? `SURVIVES ${what}` : `killed   ${what} (${killer})`)
}
console.log(`${drawn.length - survivors} of ${drawn.length} were noticed`)

/** The first test file of a folder that fails, and undefined where all pass. What is quick goes first. */
async function failing(folder: string, env: Readonly<Record<string, string>>): Promise<string | undefined> {
  const files = globSync(`test/${folder}/**/*.test.ts`, { cwd: ROOT })
  const sized = files.map((file) => ({ file, took: took.get(file) ?? 0 })).sort((a, b) => a.took - b.took)
  for (const { file } of sized) {
    const started = performance.now()
    if (!(await passes(file, env))) return file
    took.set(file, performance.now() - started)
  }
  return undefined
}

async function passes(file: string, env: Readonly<Record<string, string>>): Promise<boolean> {
  const options = `--disable-warning=ExperimentalWarning --import=${pathToFileURL(join(import.meta.dirname, 'hook.ts'))}`
  const child = spawn(process.execPath, [file], {
    cwd: ROOT,
    env: { ...process.env, ...env, NODE_OPTIONS: options, TAP_BAIL: '1', TAP_TIMEOUT: String(TEST_LIMIT / 1000) },
    stdio: 'ignore',
    detached: true,
  })
  const limit = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), TEST_LIMIT)
  try {
    return await new Promise((resolve) => child.once('exit', (code) => resolve(code === 0)))
  } finally {
    clearTimeout(limit)
  }
}
