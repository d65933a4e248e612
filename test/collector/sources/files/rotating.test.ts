import { appendFileSync, closeSync, copyFileSync, openSync, renameSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { scratch } from '../../crashed-cores/cores.ts'
import { readAll, readWhile } from '../../reading.ts'
import { look, MIB, put } from './host.ts'
import { LINE, linesIn, numbered } from './numbered.ts'

const LOG = '/var/log/app.log'
/** More than its newest end takes. */
const LONG = (12 * MIB) / LINE

/** A host with a log of so many lines; and how to add to it. */
function logging(test: Parameters<typeof scratch>[0], lines = LONG) {
  const root = scratch(test)
  const at = put(root, LOG, numbered(0, lines))
  let next = lines
  const log = (count: number) => {
    appendFileSync(at, numbered(next, count))
    next += count
  }
  return { root, at, log, last: () => next - 1 }
}

const newest = async (root: string) => (await look(root)).found.find(({ name }) => name === 'files/var/log/app.log.zst')
const older = async (root: string) =>
  (await look(root)).found.find(({ name }) => name.startsWith('files/var/log/app.log@'))

t.test('a log that is written to: all that is there by then', async (t) => {
  const { root, log, last } = logging(t)
  const item = await newest(root)
  t.match(item, {
    bytes: 8 * MIB,
    value: 300,
    identity: { path: LOG, details: { from: 4 * MIB, to: 12 * MIB, size: 12 * MIB } },
  })
  log(100)
  const { content, outcome } = await readWhile(item, (chunk) => chunk < 3 && log(50))
  t.strictSame(linesIn(content), { first: (4 * MIB) / LINE, last: last(), holes: 0 })
  t.strictSame(outcome.truncated, undefined)
  t.match(outcome.identity?.details, { from: 4 * MIB, to: 12 * MIB + 200 * LINE })
})

t.test(
  'one that is renamed before it is read, and again while it is: what was begun in its place follows',
  async (t) => {
    const { root, at, log, last } = logging(t)
    const item = await newest(root)
    const before = await older(root)
    log(10)
    const rotate = () => {
      renameSync(`${at}.1`, `${at}.2`)
      renameSync(at, `${at}.1`)
    }
    renameSync(at, `${at}.1`)
    log(1000)
    rotate()
    log(500)
    const { content, outcome } = await readWhile(item, (chunk) => {
      if (chunk !== 1) return
      log(70)
      renameSync(at, `${at}.0`)
      log(30)
    })
    t.strictSame(linesIn(content), { first: (4 * MIB) / LINE, last: last(), holes: 0 })
    t.strictSame(outcome.truncated, undefined)
    t.match(outcome.identity?.details, { rotated: 'app.log.2' })
    const piece = await readAll(before)
    t.strictSame(linesIn(piece.content), { first: 0, last: (4 * MIB) / LINE - 1, holes: 0 })
    t.match(piece.outcome, { identity: { details: { older: true, rotated: 'app.log.2', from: 0, to: 4 * MIB } } })
  },
)

t.test('one that had been rotated before, and is again: found, and followed by nothing', async (t) => {
  const root = scratch(t)
  const at = put(root, LOG, 'the log\n')
  put(root, `${LOG}.1`, numbered(0, LONG))
  put(root, '/var/log/app-20261130.log', numbered(0, LONG))
  const items = (await look(root)).found.filter(({ name }) => /^files\/[^@]*$/.test(name))
  t.equal(items.length, 2)
  renameSync(`${at}.1`, `${at}.2`)
  renameSync(join(root, '/var/log/app-20261130.log'), join(root, '/var/log/app-20261130-2.log'))
  renameSync(at, `${at}.1`)
  put(root, LOG, numbered(0, LONG + 1))
  put(root, `${LOG}.3`, numbered(0, LONG + 1))
  for (const item of items) {
    const { content, outcome } = await readAll(item)
    t.strictSame(linesIn(content), { first: (4 * MIB) / LINE, last: LONG - 1, holes: 0 })
    t.match(outcome.identity?.details, { rotated: /^app\.log\.2$|^app-20261130-2\.log$/ })
  }
})

t.test('a log whose own name ends in a number', async (t) => {
  const root = scratch(t)
  const at = put(root, '/var/log/app-1.log', numbered(0, LONG))
  const item = (await look(root)).found.find(({ name }) => name === 'files/var/log/app-1.log.zst')
  renameSync(at, `${at}.1`)
  put(root, '/var/log/app-1.log', numbered(LONG, 5))
  t.strictSame(linesIn((await readAll(item)).content), { first: (4 * MIB) / LINE, last: LONG + 4, holes: 0 })
})

t.test('a program writes into what was renamed until it is told', async (t) => {
  const { root, at } = logging(t)
  const item = await newest(root)
  const open = openSync(at, 'a')
  renameSync(at, `${at}.1`)
  put(root, LOG, '')
  const { content } = await readWhile(item, (chunk) => {
    if (chunk === 2) writeSync(open, numbered(LONG, 10))
    if (chunk === 3) appendFileSync(at, numbered(LONG + 10, 10))
  })
  closeSync(open)
  t.strictSame(linesIn(content), { first: (4 * MIB) / LINE, last: LONG + 19, holes: 0 })
})

t.test('one that is copied, and cut to its beginning', async (t) => {
  const { root, at, log, last } = logging(t)
  const [item, before] = [await newest(root), await older(root)]
  log(10)
  const rotate = (to: string) => {
    copyFileSync(at, to)
    truncateSync(at)
  }
  rotate(`${at}.1`)
  log(1000)
  const { content, outcome } = await readAll(item)
  t.strictSame(linesIn(content), { first: (4 * MIB) / LINE, last: last(), holes: 0 })
  t.strictSame(outcome.truncated, undefined)
  t.strictSame(linesIn((await readAll(before)).content), { first: 0, last: (4 * MIB) / LINE - 1, holes: 0 })

  const again = logging(t)
  const cut = await readWhile(await newest(again.root), (chunk) => {
    if (chunk !== 1) return
    copyFileSync(again.at, `${again.at}-20261201`)
    truncateSync(again.at)
    again.log(7)
  })
  t.strictSame(linesIn(cut.content), { first: (4 * MIB) / LINE, last: again.last(), holes: 0 }, 'while it is read')
  t.match(cut.outcome, { identity: { details: { rotated: 'app.log-20261201' } } })
  t.strictSame(cut.outcome.truncated, undefined)
})

t.test('one that is gone: what is there instead, and what is not, is told', async (t) => {
  const { root, at, log } = logging(t)
  const [item, before] = [await newest(root), await older(root)]
  renameSync(at, join(root, 'elsewhere'))
  await t.rejects(
    readAll(item),
    /cannot read \/var\/log\/app.log: it was rotated or cut since the inventory, and 8MiB from byte 4194304 on/,
  )
  put(root, `${LOG}.1.gz`, 'packed')
  log(5)
  const { content, outcome } = await readAll(item)
  t.strictSame(linesIn(content), { first: LONG, last: LONG + 4, holes: 0 })
  t.match(outcome.truncated, /8MiB from byte 4194304 on were not found beside it; app.log.1.gz may have them/)
  await t.rejects(readAll(before), /4MiB from byte 0 on were not found beside it; app.log.1.gz may have them/)

  const emptied = logging(t)
  const cut = await newest(emptied.root)
  truncateSync(emptied.at)
  emptied.log(3)
  const after = await readAll(cut)
  t.strictSame(linesIn(after.content), { first: LONG, last: LONG + 2, holes: 0 })
  t.match(after.outcome.truncated, /^it was rotated or cut since the inventory/)
})

t.test(
  'one that is cut while it is read, with no copy: what is gone is told, and what is there is not lost',
  async (t) => {
    const { root, at, log } = logging(t)
    const { content, outcome } = await readWhile(await newest(root), (chunk) => {
      if (chunk !== 1) return
      truncateSync(at)
      log(9)
    })
    t.match(outcome.truncated, /^it was cut while it was read: \dMiB that were to follow byte \d+ are gone/)
    t.equal(linesIn(content.subarray(-9 * LINE)).last, LONG + 8)
  },
)

t.test('of what does not fit, the newest', async (t) => {
  const { root, log, last } = logging(t)
  const item = await newest(root)
  log(100)
  const { content, outcome } = await readAll(item, MIB)
  t.strictSame(linesIn(content), { first: last() + 1 - MIB / LINE, last: last(), holes: 0 })
  t.match(outcome.truncated, /^only the newest 1MiB of 8.01MiB were read/)
  t.match(outcome.identity?.details, { to: 12 * MIB + 100 * LINE })
})
