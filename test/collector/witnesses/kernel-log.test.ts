import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { HostReads } from '../../../agent/collector/host/host-reads.ts'
import { ledger } from '../../../agent/collector/host/ledger.ts'
import { kernelTestimony } from '../../../agent/collector/witnesses/kernel-log.ts'

const KILLED =
  '3,901,7300000001,-;Out of memory: Killed process 300 (shop) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB'

function host(test: Test, kmsg: string | Buffer): string {
  const root = test.testdir({ proc: { uptime: '7400.00 1.00\n' } })
  mkdirSync(join(root, 'dev'))
  writeFileSync(join(root, 'dev/kmsg'), kmsg)
  return root
}

async function told(root: string, signal: AbortSignal) {
  using reads = new HostReads(root, ledger(), signal)
  return await kernelTestimony(reads)
}

const LATE = [{ place: 'the kernel’s log', why: 'did not answer in time' }]

t.test('who was killed, and what was not read', async (t) => {
  const signal = AbortSignal.timeout(60_000)
  const root = host(t, `${KILLED}\n`)
  t.match(await told(root, signal), { deaths: [{ kind: 'oom', subject: { pid: 300 } }], unseen: [] })
  t.match(await told(join(root, 'none'), signal), { deaths: [], unseen: [{ why: 'is not there' }] })
  t.match(await told(root, AbortSignal.abort(new DOMException('enough', 'TimeoutError'))), { unseen: LATE })
})

t.test('a log that is cut by the time is not taken for all of it', async (t) => {
  // A thousand records of the longest kind, after which others get a turn.
  const root = host(t, Buffer.alloc(1_100 * 16 * 1024, 'x'))
  const stop = new AbortController()
  const telling = told(root, stop.signal)
  stop.abort(new DOMException('enough', 'TimeoutError'))
  t.match(await telling, { deaths: [], unseen: LATE })
})
