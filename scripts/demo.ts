import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * The main job in one go, without root and without systemd: a process crashes, the host is captured into a directory, and
 * the bundle is read back with the tools that everybody has. Every command is shown before it runs.
 */
const scratch = mkdtempSync(join(tmpdir(), 'lastgasp-demo-'))
const place = {
  crash: join(scratch, 'crash'),
  key: join(scratch, 'key.txt'),
  store: pathToFileURL(join(scratch, 'bucket')).href,
  fetched: join(scratch, 'fetched'),
}
/** What a process that ended by SIGABRT leaves as its exit status in a shell. */
const ABORTED = 134

function chapter(title: string): void {
  process.stdout.write(`\n\x1b[1m${title}\x1b[0m\n`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Runs the program as a user would, and gives its standard output. `fine` are the exit codes that may be. */
function lastgasp(args: readonly string[], fine: readonly number[] = [0]): string {
  say(`$ lastgasp ${args.map((arg) => (/[\s["]/.test(arg) ? `'${arg}'` : arg)).join(' ')}`)
  const node = [...process.execArgv, join(import.meta.dirname, '../agent/main.ts')]
  const { status, stdout } = spawnSync(process.execPath, [...node, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  })
  process.stdout.write(stdout)
  if (!fine.includes(status ?? -1)) throw new Error(`lastgasp ${args[0]} ended with ${status}`)
  return stdout
}

/** Runs a tool, shown as its command line, with at most `lines` of what it says; false where it is not installed. */
function tool(program: string, args: readonly string[], lines: number, worth = /./): boolean {
  const { error, stdout } = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  if (error !== undefined) return false
  say(`$ ${[program, ...args].join(' ')}`)
  const all = stdout.split('\n').filter((line) => worth.test(line))
  for (const line of all.slice(0, lines)) say(`  ${line}`)
  if (all.length > lines) say(`  … ${all.length - lines} more lines`)
  return true
}

chapter('1. A process crashes')
mkdirSync(place.crash)
const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim()
const crash = `ulimit -c unlimited; exec ${process.execPath} -e 'process.title = "patient"; process.abort()'`
say(`$ sh -c "ulimit -c unlimited; exec node -e 'process.abort()'"`)
const crashed = spawnSync('sh', ['-c', crash], { cwd: place.crash, stdio: 'ignore' })
say(crashed.signal ?? (crashed.status === ABORTED ? 'SIGABRT' : `it ended with ${crashed.status}`))
const core = readdirSync(place.crash)[0]
if (core !== undefined) say(`Its core is ${join(place.crash, core)}.`)
else
  say(
    `No core here: this host hands cores to "${pattern}", or allows none. What the host keeps of it is looked for below.`,
  )

chapter('2. A key: what leaves the host is sealed to it')
const recipient = /age1[0-9a-z]{58}/.exec(lastgasp(['keygen', '--out', place.key]))?.[0] ?? ''

chapter('3. The host is captured (at a real shutdown, systemd does this)')
const directories = JSON.stringify([place.crash, '/var/lib/systemd/coredump', '/var/crash'])
const set = [`seal.recipients=["${recipient}"]`, `cores.directories=${directories}`, 'journal.limit="64MiB"']
// Nobody else's process stands still for a demonstration, nor is the memory read of a machine that somebody works at.
set.push('stacks.processes=[]', 'live.cores=[]', 'memory.scope="off"')
lastgasp(['capture', '--store', place.store, ...set.flatMap((one) => ['--set', one])], [0, 4])

chapter('4. The operator, with a bucket and a key')
const reading = ['--store', place.store]
lastgasp(['list', ...reading])
lastgasp(['show', 'latest', ...reading], [0, 4])
lastgasp(['fetch', 'latest', ...reading, '--identity', place.key, '--to', place.fetched], [0, 4])
lastgasp(['verify', 'latest', ...reading, '--identity', place.key], [0, 4])

chapter('5. The core')
const found = coresBelow(join(place.fetched, 'root'))[0]
if (found === undefined) say('Absent: the host kept no core of it (see 1).')
else if (!tool('gdb', ['-batch', '-nx', '-ex', 'bt 8', process.execPath, found], 9, /^(#|Program)/)) {
  say(`gdb is not installed here; it would be: gdb ${process.execPath} ${found}`)
  const magic = readFileSync(found).subarray(0, 4).toString('latin1')
  if (magic !== '\x7fELF') throw new Error(`${found} is no ELF file`)
  say('It is an ELF core file.')
}

chapter('6. The facts')
if (!tool('head', ['-n', '40', join(place.fetched, 'facts/summary.txt')], 40)) throw new Error('there are no facts')

chapter('7. The journal')
const journals = ['run', 'var'].some((top) => existsSync(join(place.fetched, 'root', top, 'log/journal')))
if (!journals) say('Absent: no journald runs on this host.')
else if (!tool('journalctl', ['--root', join(place.fetched, 'root'), '-n', '5', '--no-pager'], 5))
  say('journalctl is not installed here.')

say(`\nAll of it is in ${scratch}.`)

function coresBelow(root: string): string[] {
  if (!existsSync(root)) return []
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return files.map((entry) => join(entry.parentPath, entry.name)).filter((path) => path.includes(place.crash.slice(1)))
}
