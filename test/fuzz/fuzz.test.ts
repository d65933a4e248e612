import t from 'tap'
import { tried } from './fuzz.ts'
import { READERS } from './readers.ts'

t.setTimeout(300_000)

/** Of each reader; `npm run test:fuzz` tries more. */
const CASES = 300

for (const reader of Object.keys(READERS))
  t.test(`damaged ${reader}`, async (t) => {
    for (let seed = 1; seed <= CASES; seed++) {
      const found = await tried(reader, seed)
      if (found !== undefined)
        t.fail(`${found.what}; again: npm run test:fuzz -- --reader '${reader}' --seed ${seed} --cases 1`)
    }
    t.pass(`${CASES} cases`)
  })
