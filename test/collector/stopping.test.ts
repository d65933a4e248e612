import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { jobList } from '../../agent/collector/host/dbus.ts'
import { askStopping } from '../../agent/collector/stopping.ts'

type Job = readonly [unit: string, type: string, state: string]

/** A text as D-Bus has it, at a multiple of 4. */
function text(value: string): Buffer {
  const bytes = Buffer.alloc(Math.ceil((4 + value.length + 1) / 4) * 4)
  bytes.writeUInt32LE(value.length)
  bytes.write(value, 4)
  return bytes
}

/** An answer of ListJobs, a(usssoo), and of a reply to the call `serial`. */
function bodyOf(jobs: readonly Job[]): Buffer {
  const structs = jobs.map(([unit, type, state], n) => {
    const id = Buffer.alloc(4)
    id.writeUInt32LE(n + 1)
    const fields = [id, ...[unit, type, state, `/org/freedesktop/systemd1/job/${n}`, '/org/u'].map(text)]
    const last = fields.pop()
    // What follows begins at a multiple of 8; nothing follows the last one.
    const all = Buffer.concat([...fields, (last as Buffer).subarray(0, 4 + '/org/u'.length + 1)])
    return Buffer.concat([all, Buffer.alloc(n === jobs.length - 1 ? 0 : (8 - (all.length % 8)) % 8)])
  })
  const content = Buffer.concat(structs)
  const head = Buffer.alloc(8)
  head.writeUInt32LE(content.length)
  return Buffer.concat([head, content])
}

function reply(body: Buffer, serial: number): Buffer {
  const head = Buffer.alloc(24)
  head.write('l')
  head.set([2, 1, 1], 1)
  head.writeUInt32LE(body.length, 4)
  head.writeUInt32LE(1, 8)
  // One field: REPLY_SERIAL, an unsigned number.
  head.writeUInt32LE(8, 12)
  head.set([5, 1, 'u'.charCodeAt(0), 0], 16)
  head.writeUInt32LE(serial, 20)
  return Buffer.concat([head, body])
}

/** A host whose systemd has these jobs. */
async function hostWith(test: Test, jobs: readonly Job[]): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'lastgasp-test-'))
  await mkdir(join(root, 'run/systemd'), { recursive: true })
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write('OK 0123\r\n')
      socket.once('data', () => socket.write(reply(bodyOf(jobs), 1)))
    })
  })
  await new Promise<void>((resolve) => server.listen(join(root, 'run/systemd/private'), resolve))
  test.teardown(async () => {
    server.close()
    await rm(root, { recursive: true })
  })
  return root
}

const soon = () => AbortSignal.timeout(20_000)

t.test('jobs are read field by field, and a list that is cut is none', async (t) => {
  const body = bodyOf([
    ['later.service', 'stop', 'running'],
    ['a.mount', 'stop', 'waiting'],
  ])
  t.strictSame(jobList(body), [
    { unit: 'later.service', type: 'stop', state: 'running' },
    { unit: 'a.mount', type: 'stop', state: 'waiting' },
  ])
  t.strictSame(jobList(bodyOf([])), [])
  t.throws(() => jobList(body.subarray(0, -1)), /list of jobs is cut/)
})

t.test('who counts: services and scopes that are being stopped now, but ours', async (t) => {
  const before: Job[] = [
    ['lastgasp.service', 'stop', 'running'],
    ['lastgasp-hold.service', 'stop', 'running'],
    ['later.service', 'stop', 'waiting'],
    ['poweroff.target', 'start', 'waiting'],
  ]
  t.strictSame(await askStopping(await hostWith(t, before), 0, soon()), { running: 0, held: true })
  const after: Job[] = [
    ['lastgasp.service', 'stop', 'running'],
    ['lastgasp-cores.service', 'stop', 'running'],
    ['later.service', 'stop', 'running'],
    ['session-1.scope', 'stop', 'running'],
    ['dbus.service', 'stop', 'waiting'],
    ['mnt-data.mount', 'stop', 'running'],
    ['final.service', 'start', 'running'],
  ]
  t.strictSame(await askStopping(await hostWith(t, after), 0, soon()), { running: 2, held: false })
})

t.test('where systemd does not answer, it says so', async (t) => {
  await t.rejects(askStopping('/nonexistent', 0, soon()), /cannot ask systemd at .* for its jobs.*ENOENT/)
})
