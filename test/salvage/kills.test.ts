import { join } from 'node:path'
import t from 'tap'
import { seeded } from '../random.ts'
import { startS3Server } from '../s3-server.ts'
import { judgedLine, kill } from './kills.ts'
import { makeHost } from './victim.ts'

t.setTimeout(300_000)
/** As in every run; `npm run test:salvage` has more, of others. */
const SEED = 14
const CORES = [20_000_000, 12_000_000]

const server = await startS3Server()
if (typeof server === 'string') t.test('captures that were killed', { skip: server }, async () => {})
else {
  t.teardown(() => server[Symbol.asyncDispose]())
  t.test(`of captures that were killed nothing is lost that the store has acknowledged (seed ${SEED})`, async (t) => {
    const scratch = t.testdir({})
    const root = makeHost(join(scratch, 'host'), CORES)
    const scene = { scratch, root, server, deadline: '20min', bytes: CORES.reduce((sum, bytes) => sum + bytes, 0) }
    const random = seeded(SEED)
    let acknowledged = 0
    for (let number = 0; number < 6; number += 1) {
      const store = number % 3 === 2 ? 'directory' : 's3'
      const judged = await kill(scene, { number, store, isSealed: number % 2 === 0, at: random() }, true)
      t.comment(judgedLine(judged))
      t.same(judged.wrong, [], judgedLine(judged))
      t.equal(judged.recovered, judged.acknowledged)
      t.equal(judged.ended, 'killed')
      t.match(judged.state, /^(salvaged|none)$/)
      acknowledged += judged.acknowledged
    }
    t.ok(acknowledged > 0, `${acknowledged} bytes in all`)
  })
}
