import { execFile, execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { bundlePrefix, newBundle } from '../../agent/bundle/keys.ts'
import { generateIdentity, recipientOf, secretText } from '../../agent/seal/keys.ts'
import { buildBundle } from '../operator/bundle/bundle.ts'
import type { Attack, Target } from './attack.ts'
import { bombs } from './bombs.ts'
import { commands } from './commands.ts'
import { believed, documents } from './documents.ts'
import { faultsOfOutput, faultsOfSteps, faultsOfTarget, surroundings, taken } from './judge.ts'
import { places } from './places.ts'
import type { Read } from './reader.ts'
import { salvages } from './salvages.ts'
import { terminal } from './terminal.ts'
import { faultsOnTerminal } from './terminal-emulator.ts'

const run = promisify(execFile)
const READER = join(import.meta.dirname, 'reader.ts')
/** Bytes: what all of a bundle may become for who did not say --max-size (512 MiB), and some documents. */
const MOST_DISK = 600 * 1024 ** 2
/** Bundles that are looked at at once. */
const WORKERS = 2
/** ms: a bundle is made, read by seven commands, and opened by gdb. */
const LIMIT = 120_000

t.setTimeout(30 * 60_000)

const missing = ['gcc', 'gdb', 'git', 'python3', 'tmux', 'zstd'].filter((program) => !isThere(program))
if (missing.length > 0) t.pass(`no judges`, { skip: `not installed: ${missing.join(', ')}` })
else await hostileBundles()

async function hostileBundles(): Promise<void> {
  const only = process.argv[2]
  const attacks = [...commands, ...places, ...bombs, ...documents, ...terminal, ...believed, ...salvages]
  // Each of them once, sealed and not in turns; or, with a name or LASTGASP_FULL=1, both ways.
  const both = only !== undefined || process.env.LASTGASP_FULL === '1'
  const trials = attacks
    .flatMap((attack, n) =>
      [false, true].filter((sealed) => both || sealed === (n % 2 === 1)).map((sealed) => ({ attack, sealed })),
    )
    .filter(({ attack }) => only === undefined || attack.name.includes(only))
  t.ok(only !== undefined || trials.length >= 60, `${trials.length} hostile bundles`)
  await Promise.all(
    Array.from({ length: WORKERS }, async (_, worker) => {
      const scratch = await mkdtemp(join(tmpdir(), `hostile-${worker}-`))
      try {
        for (let next = trials.shift(); next !== undefined; next = trials.shift()) {
          const { attack, sealed } = next
          const name = `${attack.name}${sealed ? ', sealed' : ''}`
          const broken = (error: Error) => ({ faults: [`it could not be tried: ${error.stack}`], told: '' })
          const { faults, told } = await tried(attack, sealed, scratch).catch(broken)
          t.strictSame(faults, [], `${name} (${told})`)
        }
      } finally {
        await rm(scratch, { recursive: true, force: true })
      }
    }),
  )
}

/** Stores one bundle, reads it by every command, follows what they say, and judges what came of it. */
async function tried(attack: Attack, sealed: boolean, scratch: string): Promise<{ faults: string[]; told: string }> {
  const directory = await mkdtemp(join(scratch, 'bundle-'))
  const [home, store, canary] = ['home', 'store', 'canary'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  // Where a program was, so that what is compiled is compiled once.
  const operators = join(scratch, 'operators')
  for (const path of [home, store, operators]) await mkdir(path, { recursive: true })
  const victim = join(scratch, 'canary')
  const identity = generateIdentity()
  const key = join(home, 'key.txt')
  await writeFile(key, `${secretText(identity)}\n`, { mode: 0o600 })
  const name = newBundle('web-7', Date.now() - 3_600_000)
  const target: Target = { name, command: `touch ${victim}`, operators }
  const { objects = {}, keys = {}, ...plan } = await attack.make(target)
  await buildBundle({ store, name, recipients: sealed ? [recipientOf(identity).text] : [], ...plan })
  for (const [at, content] of [
    ...Object.entries(objects).map(([at, content]) => [bundlePrefix(name) + at, content] as const),
    ...Object.entries(keys),
  ]) {
    await mkdir(dirname(join(store, at)), { recursive: true })
    await writeFile(join(store, at), content)
  }

  const to = join(directory, 'to')
  const before = await surroundings(directory, to)
  const from = ['--store', pathToFileURL(store).href, ...(sealed ? ['--identity', key] : [])]
  const about = `web-7/${name.bundle}`
  // As text and as JSON: a process for each command, as an operator has it.
  const lines = [
    ['list', '--since', '3650d', ...from.slice(0, 2)],
    ['show', about, ...from],
    ['verify', about, ...from],
    ['fetch', about, '--to', to, ...from],
    ['salvage', about, '--dry-run', ...from],
  ]
  try {
    const reads: Read[] = []
    for (const line of lines) {
      reads.push(await readBy(line, home, scratch), await readBy([...line, '-o', 'json'], home, scratch))
    }
    const fetched = reads.find(({ args }) => args[0] === 'fetch' && args.includes('json'))
    const steps = fetched?.stdout.startsWith('{') ? JSON.parse(fetched.stdout).steps : []
    const faults = [
      ...reads.flatMap(faultsOfOutput),
      ...(await faultsOfTarget(to, MOST_DISK)),
      ...((await surroundings(directory, to)) === before ? [] : ['something outside of the target has changed']),
      ...(await faultsOfSteps(to, steps, home)),
      ...(terminal.includes(attack) ? await faultsOnTerminal(screenOf(reads), scratch) : []),
    ]
    for (const path of [victim, canary])
      if (await stat(path).catch(() => undefined)) faults.push('A COMMAND OF THE BUNDLE RAN')
    await rm(victim, { force: true })
    const cpu = Math.max(...reads.map((one) => one.cpu))
    const peakMiB = Math.max(...reads.map((one) => one.peakMiB))
    return {
      faults,
      told: `exits ${reads.map(({ exit }) => exit).join(' ')}, ${Math.round(cpu)} ms, ${Math.round(peakMiB)} MiB`,
    }
  } catch (error) {
    const { message, stderr = '' } = error as Error & { stderr?: string }
    return { faults: [`the reader broke: ${message.slice(0, 300)} ${stderr.slice(-2000)}`], told: '' }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** What a command cost and said in a process of its own, which stands in `home`. */
async function readBy(line: readonly string[], home: string, scratch: string): Promise<Read> {
  const report = join(scratch, 'report')
  const args = ['--disable-warning=ExperimentalWarning', READER, report, ...line]
  await run(process.execPath, args, { cwd: home, timeout: LIMIT, maxBuffer: 1024 ** 2 })
  return await taken<Read>(report)
}

/** All that was printed for a person. */
function screenOf(reads: readonly Read[]): string {
  return reads
    .filter(({ args }) => !args.includes('json'))
    .map(({ stdout, stderr }) => stdout + stderr)
    .join('')
}

function isThere(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
