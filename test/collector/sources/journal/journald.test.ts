import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { journalSource } from '../../../../agent/collector/sources/journal/source.ts'
import { lastWords, looked, PLENTY } from '../../looking.ts'
import { restore, unhurried } from '../../reading.ts'
import { context, journalctl, noJournald, say, shortDirectory, startJournald } from './host.ts'

t.test('a real journald, from the inventory to the last words', { skip: noJournald }, async (t) => {
  const root = shortDirectory(t)
  const tree = t.testdir()
  await startJournald(t, root)
  const open = () => journalSource().open(context(root))
  let session = open()
  say(root, 'before the capture')
  // The first line has to be in the file before the inventory: until journald has read it there is nothing to find.
  let { found, gaps } = await session.inventory(PLENTY, unhurried())
  while (found.length === 0) {
    await sleep(20)
    session = open()
    ;({ found, gaps } = await session.inventory(PLENTY, unhurried()))
  }
  t.same(gaps, [])
  t.equal(found.length, 1)
  say(root, 'after the inventory')
  const first = await restore(tree, found[0] as (typeof found)[0])
  t.match(first.outcome.identity?.details, { entries: Number, open: undefined }, 'it was archived first')
  t.match(journalctl(`--root=${tree}`, '-t', 'app'), /^before the capture\nafter the inventory\n$/)

  say(root, 'after the copy')
  const last = await lastWords(session)
  say(root, 'after the end')
  t.same(last.gaps, [])
  t.equal(last.found.length, 1)
  for (const item of last.found) await restore(tree, item)
  t.match(journalctl(`--root=${tree}`, '-t', 'app'), /^before the capture\nafter the inventory\nafter the copy\n$/)
  execFileSync('journalctl', ['--verify', `--root=${tree}`], { stdio: 'pipe' })
})

t.test('a real journald that is stopped dead: its live file is copied as it is', { skip: noJournald }, async (t) => {
  const root = shortDirectory(t)
  const tree = t.testdir()
  const journald = await startJournald(t, root)
  const inventory = () => looked(journalSource(), context(root))
  say(root, 'the line that must be there')
  let { found } = await inventory()
  const inFile = () => journalctl(`--root=${root}`, '-t', 'app').includes('must be there')
  while (found.length === 0 || !inFile()) {
    await sleep(20)
    ;({ found } = await inventory())
  }
  journald.kill('SIGSTOP')
  const { outcome } = await restore(tree, found[0] as (typeof found)[0])
  t.match(outcome.identity?.details, { open: /no answer within 2000 ms/ })
  t.match(journalctl(`--root=${tree}`, '-t', 'app'), 'the line that must be there')
})
