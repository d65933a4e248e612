import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { HoldLock } from '../../agent/collector/hold-lock.ts'
import { openSystem, type System } from '../../agent/collector/host/ffi.ts'

const missing: System = { kind: 'missing', reason: 'as if this Node had no FFI' }
const noFlock = spawnSync('flock', ['--version']).status === 0 ? false : 'needs flock(1) of util-linux'

/** Whether lastgasp-hold.service would let the applications stop: its own command is the judge. */
function free(path: string): boolean {
  return spawnSync('flock', ['--wait', '0', path, 'true']).status === 0
}

for (const [how, system] of [
  ['by FFI', openSystem()],
  ['without FFI', missing],
] as const) {
  t.test(`held ${how}`, { skip: noFlock }, async (t) => {
    const path = join(t.testdir(), 'hold')
    const lock = new HoldLock(path, system)
    t.equal(lock.held, false)
    t.equal(lock.release(), false, 'nothing to release')
    t.equal(lock.acquire(), true)
    t.equal(lock.acquire(), true, 'twice is once')
    t.equal(lock.held, true)
    t.equal(free(path), false)
    t.equal(lock.release(), true)
    t.equal(lock.held, false)
    t.equal(free(path), true)
    t.equal(lock.acquire(), true, 'the next capture holds again')
    lock[Symbol.dispose]()
    t.equal(free(path), true)
  })

  t.test(`somebody else's, ${how}`, { skip: noFlock }, async (t) => {
    const path = join(t.testdir(), 'hold')
    using first = new HoldLock(path, openSystem())
    t.equal(first.acquire(), true)
    const second = new HoldLock(path, system)
    t.equal(second.acquire(), false)
    t.equal(second.held, false)
    t.match(second.problem, /^cannot hold applications by .*hold: /)
    first.release()
    t.equal(second.acquire(), true)
    t.equal(second.problem, undefined)
    second.release()
  })

  t.test(`the kernel frees it when its holder is killed, ${how}`, { skip: noFlock }, async (t) => {
    const path = join(t.testdir(), 'hold')
    const url = (name: string) => JSON.stringify(new URL(`../../agent/collector/${name}.ts`, import.meta.url).href)
    const script = `import { HoldLock } from ${url('hold-lock')}; import { openSystem } from ${url('host/ffi')}
      const system = ${system.kind === 'ready' ? 'openSystem()' : JSON.stringify(missing)}
      console.log(new HoldLock(${JSON.stringify(path)}, system).acquire()); setInterval(() => {}, 1e6)`
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    t.teardown(() => holder.kill('SIGKILL'))
    const [said] = await once(holder.stdout, 'data')
    t.equal(String(said).trim(), 'true')
    t.equal(free(path), false)
    // The hold unit's own wait ends as soon as the holder is gone, however it goes.
    const waiting = spawn('flock', ['--wait', '60', path, 'true'])
    holder.kill('SIGKILL')
    t.same(await once(waiting, 'exit'), [0, null])
  })
}

t.test('what cannot be a lock', async (t) => {
  const directory = t.testdir({ elsewhere: '' })
  symlinkSync(join(directory, 'elsewhere'), join(directory, 'hold'))
  for (const path of [join(directory, 'hold'), join(directory, 'no', 'hold')]) {
    const lock = new HoldLock(path, openSystem())
    t.equal(lock.acquire(), false)
    t.match(lock.problem, new RegExp(`^cannot hold applications by ${path}: (ELOOP|ENOENT)`))
  }
})
