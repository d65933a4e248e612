import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { HostReads } from '../../../agent/collector/host/host-reads.ts'
import { ledger } from '../../../agent/collector/host/ledger.ts'

/** This process is not run for so many ms, as far as its event loop can tell. */
function starve(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

t.test('a read that is slow because all is slow does not hang', async (t) => {
  const root = t.testdir({ proc: { 1: {} } })
  const path = join(root, 'proc/1/cgroup')
  execFileSync('mkfifo', [path])
  const troubles = ledger()
  using reads = new HostReads(root, troubles, AbortSignal.timeout(60_000))
  const reading = reads.text('proc/1/cgroup', { once: true })
  // Nobody was run: the answer comes long after the wait for it would have been over.
  for (let times = 0; times < 3; times++) {
    await sleep(5)
    starve(400)
  }
  const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  writeSync(pipe, '0::/system.slice/shop.service\n')
  t.equal(await reading, '0::/system.slice/shop.service\n')
  closeSync(pipe)
  t.equal(troubles.truncated(), undefined)
})
