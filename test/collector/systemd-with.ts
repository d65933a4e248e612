import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

export type Job = readonly [unit: string, type: string, state: string]

/** A text as D-Bus has it, at a multiple of 4. */
function text(value: string): Buffer {
  const bytes = Buffer.alloc(Math.ceil((4 + value.length + 1) / 4) * 4)
  bytes.writeUInt32LE(value.length)
  bytes.write(value, 4)
  return bytes
}

/** An answer of ListJobs, a(usssoo), and of a reply to the call `serial`. */
export function bodyOf(jobs: readonly Job[]): Buffer {
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
export function hostWith(test: Test, jobs: readonly Job[]): Promise<string> {
  return hostThat(test, (socket) =>
    socket.once('data', () => {
      socket.write('OK 0123\r\n')
      socket.once('data', () => socket.write(reply(bodyOf(jobs), 1)))
    }),
  )
}

/** A host whose systemd takes the call, and says nothing. */
export function muteHost(test: Test): Promise<string> {
  return hostThat(test, (socket) => socket.once('data', () => socket.write('OK 0123\r\n')))
}

async function hostThat(test: Test, answer: (socket: Socket) => void): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'lastgasp-test-'))
  await mkdir(join(root, 'run/systemd'), { recursive: true })
  const server = createServer((socket) => {
    socket.on('error', () => {})
    answer(socket)
  })
  await new Promise<void>((resolve) => server.listen(join(root, 'run/systemd/private'), resolve))
  test.teardown(async () => {
    server.close()
    await rm(root, { recursive: true })
  })
  return root
}
