import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import type { SourceContext } from '../../../../agent/collector/sources/source.ts'
import type { Settings } from '../../../../agent/settings/schema.ts'
import { contextOf } from '../../looking.ts'

export const FIXTURES = fileURLToPath(new URL('../../../fixtures/journal', import.meta.url))
export const MACHINE = '0123456789abcdef0123456789abcdef'
export const BOOTS = ['1', '2', '3'].map((d) => `${d.repeat(12)}4${d.repeat(3)}8${d.repeat(15)}`)
export const FILES = readdirSync(FIXTURES).filter((name) => name.endsWith('.zst'))

/** A directory with a short name (a socket's path has at most 107 bytes), removed after the test. */
export function shortDirectory(t: { teardown(then: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'lastgasp-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Lays the fixtures out as the persistent journal of a host below `root`, in its third boot. */
export function layOut(root: string): string {
  const directory = join(root, 'var/log/journal', MACHINE)
  mkdirSync(directory, { recursive: true })
  mkdirSync(join(root, 'run/systemd/journal'), { recursive: true })
  mkdirSync(join(root, 'proc/sys/kernel/random'), { recursive: true })
  writeFileSync(join(root, 'proc/sys/kernel/random/boot_id'), '33333333-3333-4333-8333-333333333333\n')
  for (const name of FILES) {
    writeFileSync(join(directory, name.slice(0, -'.zst'.length)), fixture(name))
  }
  return directory
}

export function fixture(name: string): Buffer {
  return zstdDecompressSync(readFileSync(join(FIXTURES, name)))
}

export function context(
  root: string,
  journal: Partial<Settings['journal']> = {},
  seal: Partial<Settings['seal']> = {},
): SourceContext {
  const closed = { recipients: [], unsealed: 'deny', broken: undefined }
  const settings = { journal: { limit: 2 ** 40, boots: 1, ...journal }, seal: { ...closed, ...seal } } as Settings
  return contextOf(root, settings)
}

/** What journalctl prints of a tree or a directory. */
export function journalctl(...args: string[]): string {
  return execFileSync('journalctl', ['--no-pager', '-o', 'cat', ...args], { encoding: 'utf8', stdio: 'pipe' })
}

/** A varlink server where journald's is: `answer` gives the reply to a method, or undefined to never reply. */
export async function varlinkServer(
  t: { teardown(then: () => unknown): void },
  root: string,
  answer: (method: string) => string | undefined,
): Promise<string[]> {
  const asked: string[] = []
  const server = createServer((socket) => {
    let text = ''
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      text += chunk
      for (let end = text.indexOf('\0'); end >= 0; end = text.indexOf('\0')) {
        const { method } = JSON.parse(text.slice(0, end))
        text = text.slice(end + 1)
        asked.push(method)
        const reply = answer(method)
        if (reply !== undefined) socket.write(reply)
      }
    })
    t.teardown(() => socket.destroy())
  })
  server.listen(join(root, 'run/systemd/journal/io.systemd.journal'))
  await once(server, 'listening')
  t.teardown(() => server.close())
  return asked
}

/** Why a real journald cannot be run here; false where it can. */
export const noJournald: string | false =
  process.getuid?.() !== 0
    ? 'needs root: a journald in a mount namespace of its own'
    : !existsSync('/lib/systemd/systemd-journald')
      ? 'needs systemd-journald'
      : false

const CONF = '[Journal]\nStorage=persistent\nReadKMsg=no\nAudit=no\nSystemMaxFileSize=1M\n'

/** Runs the real systemd-journald on the directories below `root`, with its socket there; ended with the test. */
export async function startJournald(t: { teardown(then: () => unknown): void }, root: string): Promise<ChildProcess> {
  for (const directory of ['run/systemd/journal', 'run/log/journal', 'var/log/journal']) {
    mkdirSync(join(root, directory), { recursive: true })
  }
  writeFileSync(join(root, 'run/systemd/journal/flushed'), '')
  writeFileSync(join(root, 'machine-id'), `${MACHINE}\n`)
  writeFileSync(join(root, 'journald.conf'), CONF)
  const script = `cd "$0"; mount --make-rprivate /
    mount --bind run /run; mount --bind var/log /var/log
    mount --bind journald.conf /etc/systemd/journald.conf; mount --bind machine-id /etc/machine-id
    exec /lib/systemd/systemd-journald`
  const journald = spawn('unshare', ['--mount', '--net', 'bash', '-ec', script, root], { stdio: 'ignore' })
  const ended = once(journald, 'exit')
  t.teardown(async () => {
    journald.kill('SIGKILL')
    await ended
  })
  while (!existsSync(join(root, 'run/systemd/journal/io.systemd.journal'))) {
    if (journald.exitCode !== null) throw new Error(`journald ended with ${journald.exitCode}`)
    await sleep(20)
  }
  return journald
}

/** Logs a line as an application does. */
export function say(root: string, line: string): void {
  execFileSync('logger', ['--socket', join(root, 'run/systemd/journal/dev-log'), '--tag', 'app', line])
}
