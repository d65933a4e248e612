import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { canGcore, openGcore } from '../../../agent/collector/live-core/gcore.ts'
import { allTaken } from '../../streams/poisoned.ts'
import { compile, never, type Patient, start, status, traced, without } from './patients.ts'
import { scratch } from './scratch.ts'

const skip = traced.skip || without('gdb', 'gcc')
const LIMIT = 2 ** 40
const SECRET = 'planted-in-the-environment'

async function read(target: Patient['target'], limit = LIMIT) {
  await using reading = await openGcore(target, 30_000, limit, never)
  const content = Buffer.concat(await Array.fromAsync(allTaken(reading.chunks)))
  return { content, outcome: reading.outcome() }
}

/** A root whose /proc knows this process, with a gdb of its own. */
function root(t: Parameters<typeof scratch>[0], pid: number, gdb: string, files: Record<string, string> = {}): string {
  const directory = scratch(t)
  for (const folder of ['usr/bin', 'proc/self', 'cgroup/shop']) mkdirSync(join(directory, folder), { recursive: true })
  symlinkSync(`/proc/${pid}`, join(directory, `proc/${pid}`))
  if (gdb.startsWith('#!')) writeFileSync(join(directory, 'usr/bin/gdb'), gdb, { mode: 0o755 })
  else symlinkSync(gdb, join(directory, 'usr/bin/gdb'))
  const all = { 'proc/meminfo': 'MemAvailable:  4000000 kB\n', ...files }
  for (const [name, text] of Object.entries(all)) writeFileSync(join(directory, name), text)
  return directory
}

t.test('a core by gdb: its threads, no environment, nothing on disk, and the process runs on', { skip }, async (t) => {
  const directory = scratch(t)
  const program = compile(directory, 'deadlock', ['-O1', '-g'])
  const { target } = await start(t, directory, [program], { ...process.env, PLANTED: SECRET })
  const before = readdirSync('/dev/shm')
  const { content, outcome } = await read(target)
  t.match(outcome, { truncated: undefined, identity: { freezeMs: Number } })
  t.ok(readFileSync(`/proc/${target.pid}/environ`).includes(SECRET))
  t.notOk(content.includes(SECRET))
  t.match(status(target.pid, 'State'), /^S/)
  t.equal(status(target.pid, 'TracerPid'), '0')
  t.strictSame(readdirSync('/dev/shm'), before)
  writeFileSync(join(directory, 'core'), content)
  const args = ['-nx', '-batch', program, join(directory, 'core'), '-ex', 'thread apply all bt']
  const said = execFileSync('gdb', args, { encoding: 'utf8', stdio: 'pipe' })
  t.equal(said.match(/^Thread \d+ /gm)?.length, 2)
  t.match(said, / main \(/)
  t.match((await read(target, 10_000)).outcome.truncated, /only the first/)
})

t.test('what is larger than there is room for in memory is let go', { skip }, async (t) => {
  const directory = scratch(t)
  const { target } = await start(t, directory, [compile(directory, 'deadlock')])
  const small = root(t, target.pid, '/usr/bin/gdb', { 'proc/meminfo': 'MemAvailable:      400 kB\n' })
  await t.rejects(openGcore({ ...target, root: small }, 30_000, LIMIT, never), {
    name: 'Untouchable',
    message: 'its core by gdb is larger than 100KiB',
  })
  t.equal(status(target.pid, 'TracerPid'), '0')
  t.match(status(target.pid, 'State'), /^S/)
})

t.test('never in a frozen cgroup, and never longer than the bound', { skip }, async (t) => {
  const directory = scratch(t)
  const { target } = await start(t, directory, [compile(directory, 'deadlock')])
  const group = /^0::(\/.*)$/m.exec(readFileSync(`/proc/${target.pid}/cgroup`, 'utf8'))?.[1] ?? '/'
  const hangs = root(t, target.pid, `#!/bin/sh\ntrap '' TERM\nexec sleep 600\n`, {
    'proc/self/mountinfo': '1 0 0:1 / /cgroup rw - cgroup2 cgroup2 rw\n',
  })
  const open = () => openGcore({ ...target, root: hangs }, 300, LIMIT, never)
  await t.rejects(open(), { name: 'Untouchable', message: 'gdb was not done with it in time (live.standstill)' })
  mkdirSync(join(hangs, 'cgroup', group), { recursive: true })
  writeFileSync(join(hangs, 'cgroup', group, 'cgroup.events'), 'populated 1\nfrozen 1\n')
  await t.rejects(open(), { name: 'Untouchable', message: /frozen cgroup/ })
})

t.test('a gdb that fails is told of in its own words', { skip }, async (t) => {
  const directory = scratch(t)
  const { target } = await start(t, directory, [compile(directory, 'deadlock')])
  const fails = root(t, target.pid, `#!/bin/sh\necho 'ptrace: Operation not permitted.' >&2\nexit 0\n`)
  await t.rejects(openGcore({ ...target, root: fails }, 30_000, LIMIT, never), {
    message: 'gdb took no core of it: ptrace: Operation not permitted.',
  })
})

t.test('without gdb, and where nobody may trace', (t) => {
  const bare = t.testdir({})
  t.strictSame(canGcore(bare), { ok: false, reason: 'live.with is "gcore", and gdb is not installed' })
  const yama = { ptrace_scope: '3\n' }
  const closed = t.testdir({ usr: { bin: { gdb: '' } }, proc: { sys: { kernel: { yama } } } })
  t.match(canGcore(closed), { ok: false, reason: /ptrace_scope is 3/ })
  t.end()
})
