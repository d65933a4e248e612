import { execFile } from 'node:child_process'
import type { Dirent, Stats } from 'node:fs'
import { lstat, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Read } from './reader.ts'

const run = promisify(execFile)

/** MiB: the whole process, Node's own 90 included. */
const MOST_MEMORY = 256
/** ms of processor for one command. */
const MOST_CPU = 10_000
/** Where people are pointed: documents, evidence, the host's own places, what we wrote, and all the rest. */
const LANDINGS =
  /^(opening|plan|manifest)\.json$|^salvage\.json(\.\d{3})?$|^(facts|stacks|traces|live|memory|cores|journal|executables|files|root|open|other|sealed)$|^\.lastgasp-bundle$/
const ESC = '\x1b'
/** The styles of our own (ECMA-48, SGR), and line ends: all that may steer a terminal. The progress also goes back in its own lines. */
const OURS = new RegExp(`${ESC}\\[(?:1|2|22|31|32|33|39)m|${ESC}\\[\\d+F${ESC}\\[J|\\n`, 'g')
const STEERS = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
/** What people are told to type and is tried here. The others would install packages, or are not installed. */
const TRIED = /^(?:DEBUGINFOD_URLS=\S+ +)?(?:gdb|zstd|lz4|xz|less|journalctl|coredumpctl)\b/
/** s: a debugger that waits for what a bundle names has been caught. */
const PATIENCE = 20

/** What is wrong with how a command ended, one sentence each. */
export function faultsOfOutput({ args, exit, cpu, peakMiB, stdout, stderr }: Read): string[] {
  const what = `${args[0]}${args.includes('json') ? ' -o json' : ''}`
  const steering = [stdout, stderr].flatMap((text) => STEERS.exec(text.replace(OURS, '')) ?? [])
  return [
    ...(peakMiB > MOST_MEMORY ? [`${what} had ${Math.round(peakMiB)} MiB in memory`] : []),
    ...(cpu > MOST_CPU ? [`${what} took ${Math.round(cpu)} ms of processor`] : []),
    ...(stdout.length > 64 * 1024 ** 2 ? [`${what} printed ${stdout.length} characters`] : []),
    ...steering.map((found) => `${what} printed U+${found.codePointAt(0)?.toString(16)}`),
    ...(/Maximum call stack|is not a function|Invalid time value|Cannot read prop|heap out of/.test(stderr + stdout)
      ? [`${what} broke: ${stderr.slice(0, 300)}`]
      : []),
    ...([0, 1, 3, 4].includes(exit) ? [] : [`${what} ended with ${exit}: ${stderr.slice(0, 300)}`]),
    ...(args.includes('json') && exit !== 1 && exit !== 3 ? notJson(what, stdout) : []),
  ]
}

function notJson(what: string, stdout: string): string[] {
  try {
    JSON.parse(stdout)
    return []
  } catch (error) {
    return [`${what} printed no JSON: ${(error as Error).message}`]
  }
}

/** What is wrong with what lies in the target of a fetch. `most`: bytes of disk. */
export async function faultsOfTarget(target: string, most: number): Promise<string[]> {
  const entries = await readdir(target, { recursive: true, withFileTypes: true }).catch((): Dirent[] => [])
  const faults: string[] = []
  let bytes = 0
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const stats = await lstat(path)
    bytes += stats.blocks * 512
    faults.push(...faultsOfEntry(path.slice(target.length + 1), stats))
  }
  for (const name of await readdir(target).catch(() => []))
    if (!LANDINGS.test(name)) faults.push(`"${name}" lies where people are pointed`)
  if (bytes > most) faults.push(`${bytes} bytes of disk, and at most ${most} may be`)
  for (const folder of ['', 'root', 'facts', 'other']) faults.push(...(await faultsOfGit(join(target, folder))))
  return faults.slice(0, 10)
}

function faultsOfEntry(name: string, stats: Stats): string[] {
  const mode = stats.mode & 0o777
  return [
    ...(stats.isFile() || stats.isDirectory() ? [] : [`"${name}" is no file`]),
    ...(mode === (stats.isDirectory() ? 0o700 : 0o600) ? [] : [`"${name}" has mode ${mode.toString(8)}`]),
    ...(/(^|\/)\./.test(name) && name !== '.lastgasp-bundle' ? [`"${name}" begins with a dot`] : []),
  ]
}

/** Whether git takes a directory for a repository, and so obeys its configuration. */
async function faultsOfGit(directory: string): Promise<string[]> {
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CEILING_DIRECTORIES: join(directory, '..') }
  const found = await run('git', ['-C', directory, 'status'], { env }).catch((error: { stderr?: string }) => error)
  return /not a git repository|cannot change to/.test(String(found.stderr))
    ? []
    : [`${directory} is a repository of git`]
}

/** Does what `fetch` tells people to do next, in the target. */
export async function faultsOfSteps(
  target: string,
  steps: readonly { command: string }[],
  home: string,
): Promise<string[]> {
  const faults: string[] = []
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    TERM: 'dumb',
    DEBUGINFOD_URLS: 'http://127.0.0.1:1/',
    LC_ALL: 'C.UTF-8',
  }
  for (const { command } of steps.filter(({ command }) => TRIED.test(command))) {
    const bounded = ['-s', 'KILL', `${PATIENCE}`, 'bash', '-c', `exec </dev/null; ${command}`]
    await run('timeout', bounded, { cwd: target, env, maxBuffer: 64 * 1024 ** 2 }).catch(
      (error: { killed?: boolean; code?: number; signal?: string }) => {
        if (error.signal === 'SIGKILL' || error.code === 137) faults.push(`it hangs: ${command}`)
      },
    )
  }
  for (const script of await scripts(target)) {
    // Without drgn it fails at its first line of code. What Python takes for code in its comments has run by then.
    await run('python3', ['-I', script], { cwd: target, env, timeout: PATIENCE * 1000 }).catch(() => {})
  }
  return faults
}

/** The scripts of ours that drgn would run. */
async function scripts(target: string): Promise<string[]> {
  const open = join(target, 'open')
  return (await readdir(open).catch(() => []))
    .filter((name) => /\.(drgn|py)$/.test(name))
    .map((name) => join(open, name))
}

/** Everything below a directory but the target, by path, size and time: nothing of it may change. */
export async function surroundings(directory: string, target: string): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const kept = entries
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => path !== target && !path.startsWith(`${target}/`))
  const told = await Promise.all(kept.sort().map(async (path) => `${path} ${(await lstat(path)).size}`))
  return told.join('\n')
}

/** The value in a file of JSON, which goes with it. */
export async function taken<T>(path: string): Promise<T> {
  const text = await readFile(path, 'utf8')
  await rm(path)
  return JSON.parse(text) as T
}
