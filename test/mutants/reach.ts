import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { placesOf, ROOT } from './draw.ts'
import { mutantsOf } from './operators.ts'
import { tried } from './trial.ts'
import { digest, type Verdicts } from './verdicts.ts'

/** ms: some ten times what the slowest file takes. */
const LIMIT = 300_000

/** What a test file does without any fault. */
export interface Reach {
  readonly test: string
  readonly ms: number
  /** Our files that it loads, itself among them, and a digest of their texts. */
  readonly loads: readonly string[]
  readonly digest: string
  /** Where the mutants begin that it comes to, by file. */
  readonly places: Readonly<Record<string, readonly number[]>>
}

interface Coverage {
  readonly result: readonly {
    readonly url: string
    readonly functions: readonly { readonly ranges: readonly Range[] }[]
  }[]
}

interface Range {
  readonly startOffset: number
  readonly endOffset: number
  readonly count: number
}

/** Runs a test file of a folder without any fault, or takes what is known of it when nothing that it loads has changed. */
export async function reachOf(test: string, folder: string, verdicts: Verdicts): Promise<Reach> {
  const known = verdicts.get<Reach>(test)
  if (known !== undefined && known.digest === digestOf(known.loads)) return known
  const directory = mkdtempSync(join(tmpdir(), 'lastgasp-reach-'))
  try {
    const logged = join(directory, 'loads')
    const { outcome, ms } = await tried(test, { MUTANT_LOADS: logged, NODE_V8_COVERAGE: directory }, LIMIT)
    if (outcome !== 'passed') throw new Error(`cannot try mutants of ${folder}: ${test} ${outcome} without any`)
    const lines = readFileSync(logged, 'utf8').trim().split('\n')
    const loaded = lines.map((line) => {
      const [pid = '', url = ''] = line.split(' ')
      return { pid, file: relative(ROOT, fileURLToPath(url)) }
    })
    const ours = loaded.filter(({ file }) => /^(?:agent|test)\//.test(file))
    const covered = coverageIn(directory)
    const places = Object.fromEntries(
      globSync(`agent/${folder}/**/*.ts`, { cwd: ROOT }).map((file) => {
        const pids = new Set(ours.filter((each) => each.file === file).map(({ pid }) => pid))
        const comes = (place: number) => [...pids].some((pid) => comesTo(covered.get(pid), file, place))
        const reached = mutantsOf(readFileSync(join(ROOT, file), 'utf8')).filter((mutant) =>
          placesOf(mutant).some(comes),
        )
        return [file, reached.map(({ at }) => at)]
      }),
    )
    const loads = [...new Set(ours.map(({ file }) => file))].sort()
    const reach: Reach = { test, ms, loads, digest: digestOf(loads), places }
    verdicts.set(test, reach)
    return reach
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Whether a process came to a place. Of one that was killed nobody knows: it may have. */
function comesTo(coverage: Coverage | undefined, file: string, place: number): boolean {
  if (coverage === undefined) return true
  const url = pathToFileURL(join(ROOT, file)).href
  const [innermost] = coverage.result
    .filter((script) => script.url === url)
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
    .filter(({ startOffset, endOffset }) => startOffset <= place && place < endOffset)
    .sort((a, b) => a.endOffset - a.startOffset - (b.endOffset - b.startOffset))
  return innermost === undefined || innermost.count > 0
}

/** Coverage by process, as Node writes it at a process's end. */
function coverageIn(directory: string): ReadonlyMap<string, Coverage> {
  const names = readdirSync(directory).flatMap((name) => /^coverage-(\d+)-.*\.json$/.exec(name) ?? [])
  const pairs: [string, Coverage][] = []
  for (let n = 0; n < names.length; n += 2)
    pairs.push([names[n + 1] ?? '', JSON.parse(readFileSync(join(directory, names[n] ?? ''), 'utf8'))])
  return new Map(pairs)
}

/** How mutants are made and tried belongs to it. */
function digestOf(files: readonly string[]): string {
  const all = [...files, ...globSync('test/mutants/{operators,hook,reach,trial}.ts', { cwd: ROOT })]
  return digest(all.map((file) => `${file} ${digest(read(file))}`).join('\n'))
}

function read(file: string): string {
  try {
    return readFileSync(join(ROOT, file), 'utf8')
  } catch {
    return ''
  }
}
