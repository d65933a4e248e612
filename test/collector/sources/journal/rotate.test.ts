import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { rotateJournal } from '../../../../agent/collector/sources/journal/rotate.ts'
import { unhurried } from '../../reading.ts'
import { shortDirectory, varlinkServer } from './host.ts'

const OK = '{"parameters":{}}\0'
const SYNC = 'io.systemd.Journal.Synchronize'
const ROTATE = 'io.systemd.Journal.Rotate'

function host(t: Parameters<typeof shortDirectory>[0]) {
  const root = shortDirectory(t)
  mkdirSync(join(root, 'run/systemd/journal'), { recursive: true })
  return root
}

t.test('syncs, then rotates', async (t) => {
  const root = host(t)
  const asked = await varlinkServer(t, root, () => OK)
  t.same(await rotateJournal(root, '', [], undefined, unhurried()), { rotated: true })
  t.same(asked, [SYNC, ROTATE])
})

t.test('a journald that knows no Synchronize rotates all the same', async (t) => {
  const root = host(t)
  const none = '{"error":"org.varlink.service.MethodNotFound","parameters":{}}\0'
  await varlinkServer(t, root, (method) => (method === SYNC ? none : OK))
  t.same(await rotateJournal(root, '', [], undefined, unhurried()), { rotated: true })
})

t.test('answers that arrive in pieces or together', async (t) => {
  const root = host(t)
  await varlinkServer(t, root, (method) => (method === SYNC ? `${OK}{"para` : 'meters":{}}\0'))
  t.same(await rotateJournal(root, '', [], undefined, unhurried()), { rotated: true })
})

t.test('a full disk is not rotated on, but synced', async (t) => {
  const root = host(t)
  const asked = await varlinkServer(t, root, () => OK)
  // procfs has no free space; what `root` adds in front is taken out again.
  const rotation = await rotateJournal(root, '', ['../'.repeat(20).concat('proc')], undefined, unhurried())
  t.match(rotation, { rotated: false, reason: /^only 0B are free in .*proc$/ })
  t.same(asked, [SYNC])
})

const failures: [name: string, answer: (method: string) => string | undefined, reason: RegExp][] = [
  ['refuses', (m) => (m === ROTATE ? '{"error":"io.systemd.Busy"}\0' : OK), /^journald answered io\.systemd\.Busy$/],
  [
    'never answers',
    () => undefined,
    /^journald's \/run\/systemd\/journal\/io\.systemd\.journal: no answer within 2000 ms$/,
  ],
  ['never rotates', (m) => (m === ROTATE ? undefined : OK), /no answer within 2000 ms$/],
  ['answers nonsense', () => 'hello\0', /JSON/],
  ['never stops answering', () => 'x'.repeat(100_000), /longer than 65536 bytes/],
]
for (const [name, answer, reason] of failures) {
  t.test(`a journald that ${name}`, async (t) => {
    const root = host(t)
    await varlinkServer(t, root, answer)
    t.match(await rotateJournal(root, '', [], undefined, unhurried()), { rotated: false, reason })
  })
}

t.test('no journald', async (t) => {
  const root = host(t)
  t.match(await rotateJournal(root, '', [], undefined, unhurried()), { rotated: false, reason: /ENOENT/ })
  t.match(await rotateJournal(root, 'audit', [], undefined, unhurried()), {
    rotated: false,
    reason: /^journald's \/run\/systemd\/journal\.audit\/io\.systemd\.journal: /,
  })
})

t.test('ends with its signal', async (t) => {
  const root = host(t)
  await varlinkServer(t, root, () => undefined)
  const rotation = await rotateJournal(root, '', [], undefined, AbortSignal.abort(new Error('time is up')))
  t.match(rotation, { rotated: false, reason: /time is up/ })
})
