import { statfs } from 'node:fs/promises'
import t from 'tap'
import { Allowance, metered, TooLargeError } from '../../../agent/operator/fetch/allowance.ts'
import { FreeSpace } from '../../../agent/operator/fetch/free-space.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

t.test('a small object may become 512 MiB, a large one 100 times its size', (t) => {
  const small = { stored: 193_000, told: undefined }
  const meter = new Allowance([small], undefined).begin(small)
  meter.take(512 * MIB)
  t.throws(() => meter.take(1), { name: 'TooLargeError', message: /more than 512MiB.*: --max-size SIZE allows more$/ })
  const large = { stored: 50 * MIB, told: undefined }
  const more = new Allowance([large], undefined).begin(large)
  more.take(5000 * MIB)
  t.throws(() => more.take(1), TooLargeError)
  t.end()
})

t.test('many artifacts, each below its own limit, are together not more', (t) => {
  const each = { stored: 1000, told: undefined }
  const all = new Allowance(Array(10).fill(each), undefined)
  for (let i = 0; i < 4; i++) all.begin(each).take(128 * MIB)
  t.throws(() => all.begin(each).take(1), TooLargeError)
  t.end()
})

t.test('what a receipt tells is no limit that the bundle can raise, and one that it keeps', (t) => {
  const boast = { stored: 1000, told: 20 * GIB - 5 }
  const all = new Allowance([boast], undefined)
  t.throws(() => all.begin(boast), { message: /it holds 20GiB, and .*: --max-size 20GiB takes all of it$/ })
  t.equal(all.left, 512 * MIB, 'nothing was taken for it')
  const absurd = { stored: 1000, told: Number.MAX_SAFE_INTEGER }
  t.throws(() => new Allowance([absurd, absurd], undefined).begin(absurd), { message: /--max-size SIZE allows more/ })
  const modest = { stored: 1000, told: 10 }
  const meter = new Allowance([modest], undefined).begin(modest)
  meter.take(10)
  t.throws(() => meter.take(1), { message: /more than the 10 bytes that its receipt says/, beyondReceipt: true })
  t.end()
})

t.test('--max-size is the limit of all together, above and below what would be allowed', (t) => {
  const boast = { stored: 1000, told: 20 * GIB }
  const all = new Allowance([boast], 20 * GIB)
  all.begin(boast).take(20 * GIB)
  t.throws(() => all.begin({ stored: 1000, told: undefined }).take(1), { message: /all together may become 20GiB/ })
  const less = { stored: 1000, told: undefined }
  t.throws(() => new Allowance([less], 5).begin(less).take(6), TooLargeError)
  t.end()
})

t.test('a second reading of the same counts once', async (t) => {
  const one = { stored: 1, told: undefined }
  const all = new Allowance([one], 10)
  const meter = all.begin(one)
  async function* chunks() {
    for (let i = 0; i < 4; i++) yield Buffer.alloc(3)
  }
  const seen: number[] = []
  const passing = async () => {
    for await (const { length } of metered(chunks(), meter)) seen.push(length)
  }
  await t.rejects(passing(), TooLargeError)
  t.strictSame(seen, [3, 3, 3], 'nothing that is too much comes through')
  meter.restart()
  t.equal(all.left, 10)
  meter.take(10)
  t.equal(meter.left, 0)
})

t.test('a part of the file system stays free', async (t) => {
  const directory = t.testdir()
  const space = new FreeSpace(directory)
  const { bavail, blocks, bsize } = await statfs(directory)
  const reserve = Math.min(GIB, 0.05 * blocks * bsize)
  await t.rejects(space.check(bavail * bsize - reserve + 64 * MIB), {
    message: /are free there, of which .* stay free/,
  })
  await t.rejects(space.take(bavail * bsize), { message: /stay free/ })
  await space.take(1000)
  await t.rejects(
    space.take(bavail * bsize),
    { message: /stay free/ },
    'what was granted before is no more than a step',
  )
})
