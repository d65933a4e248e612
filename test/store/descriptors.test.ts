import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { answering, STORED } from './answering.ts'

const PROGRAM = join(import.meta.dirname, 'without-descriptors.ts')
/** More than Node opens by itself, its modules included. */
const LIMIT = '64:64'
const skip = spawnSync('prlimit', ['--version']).status !== 0 && 'prlimit is not installed'

/** What a process says that puts with all descriptors in use but `reserve`. The server keeps no connection. */
async function said(t: Test, reserve: number, name: string, ...how: readonly string[]) {
  const { endpoint } = await answering(t, () => ({ ...STORED, headers: { ...STORED.headers, connection: 'close' } }))
  const { port } = new URL(endpoint)
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', PROGRAM]
  const program = [`--nofile=${LIMIT}`, ...node, `http://${name}:${port}`, String(reserve), ...how]
  return (await promisify(execFile)('prlimit', program)).stdout
}

t.test('where no descriptor is left, connections are made by those in reserve', { skip }, async (t) => {
  t.match(await said(t, 0, '127.0.0.1'), /no descriptor is left to this process/)
  t.equal(await said(t, 1, '127.0.0.1'), 'stored, and 1 are in reserve again\n', 'what was closed serves again')
})

t.test('and names are resolved, which takes files and sockets', { skip }, async (t) => {
  t.match(await said(t, 0, 'localhost'), /cannot be resolved|no descriptor is left|cannot be reached/)
  t.equal(await said(t, 3, 'localhost'), 'stored, and 3 are in reserve again\n')
})

t.test('also where others take what was freed while a name is resolved', { skip }, async (t) => {
  t.equal(await said(t, 3, 'localhost', 'greedy'), 'stored\n')
})
