import t from 'tap'
import { tryOut } from './seeds.ts'

/** More of them: README.md. */
const SEEDS = 200

t.test(
  'whatever store and host do: nothing is claimed that is not there, nothing lost, and all ends in time',
  { timeout: 300_000 },
  async (t) => {
    for (let seed = 1; seed <= SEEDS; seed++) t.same(await tryOut(seed), [], `seed ${seed}`)
  },
)
