import t from 'tap'
import { inParallel } from '../../agent/words/in-parallel.ts'
import { withS3 } from './with-s3.ts'

/** More of them: README.md. */
const SEEDS = 6

t.test(
  'through a faulty proxy into a real store: nothing is claimed that is not there, and nothing lost',
  { timeout: 280_000 },
  async (t) => {
    const tryOut = await withS3(t)
    if (typeof tryOut === 'string') return void t.comment(tryOut)
    const seeds = Array.from({ length: SEEDS }, (_, n) => n + 1)
    await inParallel(seeds, SEEDS, async (seed) => t.same(await tryOut(seed), [], `seed ${seed}`))
  },
)
