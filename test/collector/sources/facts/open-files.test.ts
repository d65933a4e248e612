import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { HostReads } from '../../../../agent/collector/host/host-reads.ts'
import { ledger } from '../../../../agent/collector/host/ledger.ts'
import { parseMounts, safeMounts } from '../../../../agent/collector/host/mounts.ts'
import type { Process } from '../../../../agent/collector/host/processes.ts'
import { kindOfLink, readOpenFiles } from '../../../../agent/collector/sources/facts/open-files.ts'

t.test('a file this process has deleted and still holds is found with what it holds', async (t) => {
  const path = join(t.testdir({}), 'deleted\tlog')
  const fd = openSync(path, 'w')
  t.teardown(() => closeSync(fd))
  writeSync(fd, Buffer.alloc(1 << 20, 1))
  unlinkSync(path)

  using reads = new HostReads('/', ledger(), AbortSignal.timeout(60_000))
  const mounts = parseMounts((await reads.text('proc/self/mountinfo', { limit: 1 << 20 })) ?? '')
  const safe = [...safeMounts(mounts)].map(({ id }) => id)
  const me = [{ pid: process.pid, comm: 'me', fds: 10 } as Process]
  const escaped = path.replace('\t', '\\u{9}')
  const { deleted, kinds } = await readOpenFiles(reads, me, new Set(safe))
  const row = deleted.split('\n').find((line) => line.endsWith(escaped))
  t.match(row, new RegExp(`^${process.pid}\tme\t${fd}\t(-|\\d+)\t`))
  const held = row?.split('\t')[3]
  if (safe.length > 0 && held !== '-') t.ok(Number(held) >= 1 << 20 || Number(held) === 0, `${held} bytes`)
  t.match(kinds, /^\d+\tme\tdeleted\t1$/m)

  const unasked = await readOpenFiles(reads, me, new Set())
  t.match(unasked.deleted, `${fd}\t-\t${escaped}`, 'on a file system that is not safe its size is not asked')
})

t.test('kinds are told by the link', async (t) => {
  const kinds = [
    ['socket:[123]', 'socket'],
    ['pipe:[123]', 'pipe'],
    ['anon_inode:[eventpoll]', 'eventpoll'],
    ['anon_inode:inotify', 'inotify'],
    ['/memfd:buffer (deleted)', 'memfd'],
    ['/dev/null', 'device'],
    ['/dev/shm/x (deleted)', 'deleted'],
    ['/var/log/x (deleted)', 'deleted'],
    ['/var/log/x', 'file'],
    ['net:[4026531840]', 'net'],
  ] as const
  for (const [target, kind] of kinds) t.equal(kindOfLink(target), kind, target)
})
