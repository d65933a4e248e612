import t from 'tap'
import type { Receipt } from '../../../agent/bundle/schema.ts'
import { memoryTold } from '../../../agent/operator/verdict/memory-told.ts'
import { setUp } from '../../commands/set-up.ts'
import { bareReceipt, type Piece } from '../bundle/bundle.ts'

const artifact = 'memory/vmcore.zst'
const objects = [{ name: artifact, bytes: 1, sha256: '5a'.repeat(32) }]
type Memory = Extract<NonNullable<Receipt['details']>, { source: 'memory' }>
const told = (status: 'complete' | 'truncated', details: Omit<Memory, 'source'>, torn = 0) =>
  memoryTold([
    bareReceipt('memory', status, { artifact, objects, item: { torn }, details: { source: 'memory', ...details } }),
  ])[0]

const LOG = "the kernel's log"
const OBJECTS = 'tasks, mounts and open files'
const STACKS = "tasks' stacks in the kernel"

t.test('what can be seen in a snapshot, by the classes that are whole', (t) => {
  t.equal(
    told('complete', { whole: ['kernel data', 'objects', 'kernel'] }, 81),
    `to be seen: ${LOG}, ${OBJECTS}, ${STACKS}; 81 pages changed while it was read`,
  )
  t.equal(
    told('complete', { scope: 'all', whole: ['kernel data', 'objects', 'kernel', 'shmem', 'user', 'cache', 'free'] }),
    `to be seen: ${LOG}, ${OBJECTS}, ${STACKS}, tmpfs and shared memory, memory of processes, files in memory`,
  )
  t.equal(
    told('complete', { scope: 'kernel+unit:shop.service', whole: ['kernel data', 'objects', 'kernel', 'user'] }, 1),
    `to be seen: ${LOG}, ${OBJECTS}, ${STACKS}, memory of processes of shop.service; 1 page changed while it was read`,
  )
  t.end()
})

t.test('what cannot, where it was cut', (t) => {
  t.equal(
    told('truncated', { whole: ['kernel data', 'objects'] }),
    `to be seen: ${LOG}, ${OBJECTS}; not, or not all: ${STACKS}; it was cut`,
  )
  t.equal(
    told('truncated', { whole: ['kernel data', 'tasks'] }),
    `to be seen: ${LOG}, tasks; not, or not all: mounts and open files, ${STACKS}; it was cut`,
  )
  t.equal(
    told('truncated', { whole: [] }),
    `nothing is whole; not, or not all: ${LOG}, ${OBJECTS}, ${STACKS}; it was cut`,
  )
  t.strictSame(memoryTold([bareReceipt('memory', 'skipped', { artifact })]), [], 'nothing is stored')
  t.end()
})

t.test('show tells it', async (t) => {
  const details = { source: 'memory', scope: '\u001b[31m', whole: ['kernel data', 'objects', 'kernel'] } as const
  const piece: Piece = {
    ...{ artifact, source: 'memory', content: Buffer.from('x'), encoding: 'frames' },
    ...{ item: { torn: 3 }, details },
  }
  const { run } = await setUp(t, { sealed: false, pieces: [piece] })
  const { stdout } = await run('show')
  t.match(stdout, `\nmemory   to be seen: ${LOG}, ${OBJECTS}, ${STACKS}; 3 pages changed while it was read\n`)
})
