import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'
import t from 'tap'
import { HostReads } from '../../../agent/collector/host/host-reads.ts'
import { ledger } from '../../../agent/collector/host/ledger.ts'

function reader(root: string, signal = AbortSignal.timeout(60_000)) {
  const troubles = ledger()
  return { troubles, reads: new HostReads(root, troubles, signal) }
}

/** Pipes nobody writes to: to open one is to hang in the kernel, until it is let go; this process could not end before. */
function hang(root: string, ...names: readonly string[]): Disposable {
  const paths = names.map((name) => join(root, name))
  execFileSync('mkfifo', paths)
  return {
    [Symbol.dispose]() {
      for (const path of paths) closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK))
    },
  }
}

t.test('a file is read up to its limit, and what is beyond is lost by name', async (t) => {
  const { reads, troubles } = reader(t.testdir({ short: 'abc', exact: 'abcd', long: 'abcdefgh' }))
  t.equal(await reads.text('short', { limit: 4 }), 'abc')
  t.equal(await reads.text('exact', { limit: 4 }), 'abcd')
  t.equal(troubles.truncated(), undefined)
  t.equal(await reads.text('long', { limit: 4, head: true }), 'abcd')
  t.equal(troubles.truncated(), undefined)
  t.equal(await reads.text('long', { limit: 4 }), 'abcd')
  t.equal(troubles.truncated(), 'long: cut after 4 bytes')
})

t.test('a file larger than the buffer comes whole', async (t) => {
  const root = t.testdir()
  const content = Buffer.from(Array.from({ length: 300_001 }, (_, at) => at % 251))
  writeFileSync(join(root, 'big'), content)
  const { reads } = reader(root)
  t.ok((await reads.bytes('big', { limit: 1 << 20 }))?.equals(content))
  t.ok((await reads.bytes('big', { limit: 200_000 }))?.equals(content.subarray(0, 200_000)))
})

t.test('what is not there is noted, unless it is no news', async (t) => {
  const { reads, troubles } = reader(t.testdir({}))
  t.equal(await reads.text('proc/1/x', { optional: true }), undefined)
  t.equal(troubles.count(), 0)
  t.equal(await reads.text('proc/1/x'), undefined)
  t.equal(await reads.text('proc/22/x'), undefined)
  t.equal(await reads.names('proc'), undefined)
  t.match(troubles.text(), 'proc/1/x: ENOENT: no such file or directory (and 1 more like it)\n')
})

t.test('a read that hangs costs itself, and others of its kind are let be after two', async (t) => {
  const root = t.testdir({ proc: { 1: {}, 2: {}, 3: { cmdline: 'three' } }, other: 'here' })
  using hung = hang(root, 'proc/1/cmdline', 'proc/2/cmdline')
  const { reads, troubles } = reader(root)
  t.strictSame(await Promise.all([reads.text('proc/1/cmdline'), reads.text('other')]), [undefined, 'here'])
  t.equal(await reads.text('proc/3/cmdline'), 'three', 'one of a kind may hang')
  t.equal(await reads.text('proc/2/cmdline'), undefined)
  t.equal(await reads.text('proc/3/cmdline'), undefined, 'two are enough')
  t.equal(await reads.text('other'), 'here', 'files of another kind are still read')
  t.match(troubles.truncated(), /^proc\/1\/cmdline: no answer from the kernel within \d+ ms/)
  hung[Symbol.dispose]()
  t.equal(await reads.text('other'), 'here', 'a read that comes back late does no harm')
})

t.test('three hanging reads end all reading, until one comes back', async (t) => {
  const root = t.testdir({ here: 'here' })
  using first = hang(root, 'a')
  using _others = hang(root, 'b', 'c')
  const { reads, troubles } = reader(root)
  await Promise.all(['a', 'b', 'c'].map((name) => reads.text(name)))
  t.equal(await reads.text('here'), undefined)
  t.match(troubles.text(), /^here: not tried, because reads before it hung$/m)
  first[Symbol.dispose]()
  let again: string | undefined
  for (let tries = 0; again === undefined && tries < 500; tries++) {
    await setTimeout(10)
    again = await reads.text('here')
  }
  t.equal(again, 'here')
})

t.test('the signal ends a read under way, and all after it', async (t) => {
  const root = t.testdir({ here: 'here' })
  using _hung = hang(root, 'hung')
  const stop = new AbortController()
  const { reads, troubles } = reader(root, stop.signal)
  let ended = false
  reads.text('hung').then(() => {
    ended = true
  })
  await setImmediate()
  t.equal(ended, false)
  stop.abort()
  await setImmediate()
  t.equal(ended, true)
  t.equal(await reads.text('here'), undefined)
  t.equal(troubles.truncated(), 'everything from here on: the time was up')
})

t.test('what counts stands above an empty line, and nothing else does', async (t) => {
  const troubles = ledger()
  t.equal(troubles.text(), 'Everything that was asked for could be read.\n')
  troubles.lost('proc/1/smaps_rollup', 'hung', { detail: true })
  troubles.note('proc/x', 'not there')
  t.equal(troubles.truncated(), undefined)
  t.equal(troubles.text(), 'proc/1/smaps_rollup: hung\nproc/x: not there\n')
  troubles.lost('processes.tsv', 'two left\n\nout')
  t.equal(troubles.truncated(), 'processes.tsv: two left  out')
  t.equal(troubles.text(), 'processes.tsv: two left  out\n\nproc/1/smaps_rollup: hung\nproc/x: not there\n')
})

t.test('what was left out, and how often, what counts before details', async (t) => {
  const troubles = ledger()
  t.strictSame(troubles.leftOut(), { kinds: 0, first: [] })
  troubles.lost('proc/1/smaps_rollup', 'hung', { detail: true })
  troubles.note('proc/x', 'not there')
  for (const pid of [1, 2, 3]) troubles.lost(`proc/${pid}/cgroup`, 'no answer')
  t.strictSame(troubles.leftOut(), {
    kinds: 2,
    first: [
      { path: 'proc/1/cgroup', reason: 'no answer', times: 3 },
      { path: 'proc/1/smaps_rollup', reason: 'hung', times: 1 },
    ],
  })
  for (let kind = 0; kind < 100; kind++) troubles.lost(`a${'b'.repeat(kind)}`, 'x')
  t.match(troubles.leftOut(), { kinds: 102, first: { length: 16 } })
})
