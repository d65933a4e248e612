import t from 'tap'
import { CACHE, KERNEL, OBJECTS, USER } from '../../../agent/collector/machine-memory/page-class.ts'
import type { PageFlags } from '../../../agent/collector/machine-memory/page-flags.ts'
import { DATA_RANK } from '../../../agent/collector/machine-memory/survey.ts'
import { TakenPages } from '../../../agent/collector/machine-memory/taken-pages.ts'
import { countTorn } from '../../../agent/collector/machine-memory/torn.ts'

const { signal } = new AbortController()

t.test('pages that changed, by the class that they were read as, or have now', async (t) => {
  const runs = [
    { start: 0, end: 2, rank: DATA_RANK },
    { start: 4, end: 7, rank: OBJECTS },
  ]
  const taken = new TakenPages(runs)
  for (const run of runs) taken.add(run, run.start, run.end)
  const now = [KERNEL, USER, KERNEL, CACHE, OBJECTS, USER, CACHE, CACHE]
  const flags = {
    async *scan() {
      yield { first: 0, classes: Uint8Array.from(now) }
    },
  } as unknown as PageFlags
  const wanted = { classes: new Set([OBJECTS, KERNEL]), pages: new Uint32Array() }
  const { torn, compared } = await countTorn([{ start: 0, end: 8 }], wanted, flags, taken, signal)
  t.equal(compared, 5)
  t.strictSame([...torn].sort(), [
    ['kernel data', 1],
    ['kernel', 1],
    ['objects', 2],
  ])
})
