import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { openOwned } from '../../../agent/collector/host/owned-file.ts'
import { unhurried } from '../reading.ts'
import { leftOpen, openTo } from './open-descriptors.ts'

const timeIsUp = () => AbortSignal.abort(new Error('time is up'))

t.test('a read that hangs is left behind, and the close with it, until it ends', async (t) => {
  const path = join(t.testdir(), 'fifo')
  execFileSync('mkfifo', [path])
  // Who may write keeps it open: a read waits for what is written.
  const file = await openOwned(path, constants.O_RDWR, unhurried())
  const stop = new AbortController()
  const read = file.read(Buffer.alloc(8), null, stop.signal)
  stop.abort(new Error('time is up'))
  await t.rejects(read, { message: 'time is up' })
  let settled = false
  const settling = file.settled().then(() => {
    settled = true
  })
  t.equal(file[Symbol.dispose](), undefined, 'there is nothing to wait for')
  t.equal(openTo(path), 1, 'what still reads has its descriptor')
  await turn()
  t.equal(settled, false)
  writeSync(file.fd, 'x')
  await settling
  t.equal(await leftOpen(path), 0)
})

/** Why nothing more can be written to a pipe, once that is so. */
async function refused(end: number): Promise<unknown> {
  for (;;) {
    try {
      writeSync(end, 'x')
    } catch (error) {
      return (error as NodeJS.ErrnoException).code
    }
    await sleep(5)
  }
}

t.test('an open that hangs is left behind, and closed when it comes', async (t) => {
  const path = join(t.testdir(), 'fifo')
  execFileSync('mkfifo', [path])
  await t.rejects(openOwned(path, constants.O_RDONLY, AbortSignal.timeout(100)), { name: 'TimeoutError' })
  const end = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  t.teardown(() => closeSync(end))
  t.equal(await refused(end), 'EPIPE', 'nobody has it open any more')
})

t.test('what it reads', async (t) => {
  const path = join(t.testdir({ file: '0123456789' }), 'file')
  using file = await openOwned(path, constants.O_RDONLY, unhurried())
  t.equal((await file.bytesAt(2, 3, unhurried())).toString(), '234')
  t.equal((await file.bytesAt(8, 3, unhurried())).toString(), '89', 'it ends there')
  t.equal((await file.bytesAt(2 ** 60, 3, unhurried())).length, 0, 'no file has such a place')
  const into = Buffer.alloc(4)
  for (const part of ['0123', '4567', '89'])
    t.equal(into.toString('latin1', 0, await file.read(into, null, unhurried())), part)
  await t.rejects(file.stat(timeIsUp()), { message: 'time is up' })
  await t.rejects(openOwned(join(path, 'x'), constants.O_RDONLY, unhurried()), { code: 'ENOTDIR' })
})

t.test('nobody in the collector has a file that has to be waited for', async (t) => {
  const collector = join(import.meta.dirname, '../../../agent/collector')
  const files = readdirSync(collector, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
  t.ok(files.length > 100)
  const waits = /FileHandle|\bopen\b[^;]*from 'node:fs\/promises'|await [^\n]*\.close\(\)|await using (?!reading\b)/
  const waiting = files.filter((path) => waits.test(readFileSync(join(collector, path), 'utf8')))
  t.same(waiting, ['host/owned-file.ts'])
})
