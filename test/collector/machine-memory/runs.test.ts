import t from 'tap'
import { MOST_RUNS, RunList } from '../../../agent/collector/machine-memory/runs.ts'
import { seeded } from '../../random.ts'

const bare = (list: RunList) => list.list().map(({ start, end, rank }) => [start, end, rank])

t.test('near neighbours become one run, far ones do not', async (t) => {
  const list = new RunList()
  list.add(0, 10, 1)
  list.add(14, 20, 1)
  list.add(25, 30, 1)
  t.strictSame(bare(list), [
    [0, 20, 1],
    [25, 30, 1],
  ])
})

t.test('a few pages of lesser worth travel with better ones; many do not', async (t) => {
  const list = new RunList()
  list.add(0, 10, 1)
  list.add(10, 14, 3)
  list.add(14, 200, 4)
  t.strictSame(bare(list), [
    [0, 14, 1],
    [14, 200, 4],
  ])
})

t.test('nothing is bridged from one stretch of RAM to the next, however coarse it becomes', async (t) => {
  const list = new RunList()
  list.nextStretch()
  list.add(100, 158, 1)
  list.nextStretch()
  list.add(159, 200, 1)
  for (let run = 0; run < 20 * MOST_RUNS; run++) list.add(1000 + run * 300, 1001 + run * 300, 1)
  t.ok(list.list().length <= MOST_RUNS)
  t.strictSame(bare(list)[0], [100, 158, 1])
  t.equal(bare(list)[1]?.[0], 159)
})

t.test('1 TiB of anything: bounded, ascending, nothing lost', async (t) => {
  const random = seeded(7)
  const list = new RunList()
  const added: [number, number, number][] = []
  for (let page = 0; page < 2 ** 28; ) {
    const start = page + Math.floor(random() ** 4 * 4000)
    const end = start + 1 + Math.floor(random() ** 6 * 3000)
    const rank = Math.floor(random() * 6) - 1
    list.add(start, end, rank)
    added.push([start, end, rank])
    page = end
  }
  const runs = list.list()
  t.ok(added.length > 100_000)
  t.ok(runs.length <= MOST_RUNS && runs.length > MOST_RUNS / 8, `${runs.length} runs`)
  t.ok(runs.every(({ start, end }, index) => start < end && (runs[index - 1]?.end ?? 0) <= start))
  let index = 0
  const covered = added.every(([start, end, rank]) => {
    while ((runs[index]?.end ?? 0) < end) index++
    const run = runs[index]
    return run !== undefined && run.start <= start && run.rank <= rank
  })
  t.ok(covered, 'each page is in a run that is at least as good as it')
})
