import { execFileSync } from 'node:child_process'
import t from 'tap'
import { tarWriter } from '../../../agent/collector/tar/tar-writer.ts'

t.test('each entry comes with its own call, also the only one', async (t) => {
  const tar = tarWriter(0)
  const first = await tar.add({ name: 'a', content: Buffer.from('x') })
  t.equal(first.length, 1024)
  t.equal(execFileSync('tar', ['-tf', '-'], { input: Buffer.concat([first, tar.end()]) }).toString(), 'a\n')
})

t.test('a file of the host keeps its owners, mode and time, whatever they are', async (t) => {
  const tar = tarWriter(0)
  const kept = (uid: number, mode: number, mtimeMs: number) => ({ uid, gid: uid + 1, mode, mtimeMs })
  const content = Buffer.from('x')
  const pieces = [
    await tar.add({ name: 'log', content, kept: kept(101, 0o640, Date.UTC(2026, 10, 30, 14, 5, 59, 900)) }),
    await tar.add({ name: 'of a directory service', content, kept: kept(1_878_000_001, 0o4755, 1e30) }),
    await tar.add({ name: 'before all time', content, kept: kept(262_144, 0o600, -5) }),
    await tar.add({ name: `${'long/'.repeat(60)}größe`, content, kept: kept(7, 0o600, 0) }),
  ]
  const options = ['-tvf', '-', '--numeric-owner', '--full-time', '--utc']
  const input = Buffer.concat([...pieces, tar.end()])
  const listed = execFileSync('tar', options, { input, env: { LC_ALL: 'C.UTF-8', PATH: process.env.PATH } }).toString()
  const lines = listed
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ +/g, ' '))
  t.strictSame(lines, [
    '-rw-r----- 101/102 1 2026-11-30 14:05:59 log',
    '-rwxr-xr-x 1878000001/1878000002 1 2038-01-19 03:14:07 of a directory service',
    '-rw------- 262144/262145 1 1970-01-01 00:00:00 before all time',
    `-rw------- 7/8 1 1970-01-01 00:00:00 ${'long/'.repeat(60)}größe`,
  ])
})
