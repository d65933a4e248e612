import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { confine } from '../../agent/collector/confine.ts'

const noPython = spawnSync('python3', ['--version']).status !== 0 && 'needs python3'

/** What came of it in a process that confined itself so; undefined: not at all. */
function tried(tracing: 'reading' | 'any' | undefined) {
  const program = join(import.meta.dirname, 'confined.ts')
  const args = [...(tracing === undefined ? [] : [tracing])]
  return JSON.parse(
    execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], { encoding: 'utf8' }),
  )
}

const [EPERM, EIO] = [1, 5]

t.test(
  'ptrace reads and does not write, ioctl asks and does not do, younger calls are not there',
  { skip: noPython },
  (t) => {
    const { registers, filters, ...told } = tried('reading')
    t.match(told, { ioctl: 'ENOTTY', younger: 'ENOSYS', seizeToKill: EPERM, poke: EPERM })
    t.match(told, { seize: 0, interrupt: 0, letGo: 0 })
    t.equal(told.why, undefined)
    t.ok(registers > 0, 'what a capture needs still works')
    t.ok(filters.length > 1 && filters.every((mode: number) => mode === 2), 'on every thread')
    t.end()
  },
)

t.test('the same without it: nothing of that is closed', { skip: noPython }, (t) => {
  const told = tried(undefined)
  // Address 0 is not there; what counts is that the kernel looked.
  t.match(told, { ioctl: 'done', seizeToKill: 0, poke: EIO, letGo: 0 })
  t.end()
})

t.test('where gdb traces, its requests are its own, and the rest is closed', { skip: noPython }, (t) => {
  t.match(tried('any'), { ioctl: 'ENOTTY', younger: 'ENOSYS', seizeToKill: 0, poke: EIO })
  t.end()
})

t.test('without FFI it says why', (t) => {
  t.equal(confine({ kind: 'missing', reason: 'no node:ffi' }, 'reading'), 'no node:ffi')
  t.end()
})
