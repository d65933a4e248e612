import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, symlinkSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { LOCK_EX, LOCK_NB, openSystem } from '../../../agent/collector/host/ffi.ts'

const system = openSystem()
if (system.kind !== 'ready') throw new Error(system.reason)

t.test('flock', async (t) => {
  const path = join(t.testdir({ lock: '' }), 'lock')
  const [one, two] = [openSync(path, 'r'), openSync(path, 'r')]
  t.equal(system.flock(one, LOCK_EX | LOCK_NB), 0)
  t.equal(system.flock(two, LOCK_EX | LOCK_NB), 11, 'EAGAIN')
  closeSync(one)
  t.equal(system.flock(two, LOCK_EX | LOCK_NB), 0)
  closeSync(two)
  t.equal(system.flock(-1, LOCK_EX | LOCK_NB), 9, 'EBADF')
})

t.test('getxattr', async (t) => {
  // Not below the project: its file system may have no attributes of users.
  const directory = mkdtempSync(join(tmpdir(), 'lastgasp-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'core')
  writeFileSync(path, '')
  const set = 'import os, sys; os.setxattr(sys.argv[1], "user.coredump.exe", "/usr/bin/naïve".encode())'
  try {
    execFileSync('python3', ['-c', set, path], { stdio: 'pipe' })
  } catch (error) {
    t.pass('getxattr', { skip: `cannot set an attribute here: ${String(error).split('\n').at(-2)}` })
    return
  }
  t.equal(system.getxattr(path, 'user.coredump.exe')?.toString(), '/usr/bin/naïve')
  t.equal(system.getxattr(path, 'user.coredump.signal'), undefined)
  t.equal(system.getxattr(join(directory, 'none'), 'user.coredump.exe'), undefined)
  symlinkSync(path, join(directory, 'link'))
  t.equal(system.getxattr(join(directory, 'link'), 'user.coredump.exe'), undefined, 'links are not followed')
})

t.test('seekData', async (t) => {
  const path = join(t.testdir({ sparse: '' }), 'sparse')
  truncateSync(path, 64 * 1024 ** 2)
  const file = openSync(path, 'r+')
  t.equal(system.seekData(file, 0), Infinity, 'nothing but a hole')
  writeSync(file, 'data', 32 * 1024 ** 2)
  const at = system.seekData(file, 4096) ?? 0
  t.ok(at > 31 * 1024 ** 2 && at <= 32 * 1024 ** 2, `${at}`)
  t.equal(system.seekData(file, at), at)
  t.equal(system.seekData(file, 33 * 1024 ** 2), Infinity)
  closeSync(file)
  t.equal(system.seekData(-1, 0), undefined)
})

t.test('a Node without FFI', async (t) => {
  const module = new URL('../../../agent/collector/host/ffi.ts', import.meta.url).href
  const script = `import { openSystem } from ${JSON.stringify(module)}; console.log(JSON.stringify(openSystem()))`
  const args = ['--no-experimental-ffi', '--input-type=module', '-e', script]
  const answer = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
  t.match(answer, { kind: 'missing', reason: /^Node v\d+.* has no node:ffi$/ })
})
