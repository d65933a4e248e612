import { fork } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Keeper } from '../../agent/spool/keeper.ts'
import { listed } from '../../agent/spool/listed.ts'
import { placeIn } from '../../agent/spool/place.ts'
import { directoryArchive } from '../../agent/store/directory/archive.ts'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import { INDEX, lots, PREFIX, signal } from './scene.ts'

t.setTimeout(300_000)
/** Each in a process of its own. */
const KILLS = 32
/** ms that a run may take before it is killed: some are hardly begun, few are done. */
const MOST_MS = 250
const untold = { begun: false, same: false, other: false }

async function objectsIn(root: string): Promise<Map<string, string>> {
  const archive = directoryArchive(root)
  const sums = new Map<string, string>()
  for await (const { key } of archive.list('', signal)) {
    const hash = createHash('sha256')
    for await (const chunk of await archive.read(key, 0, signal)) hash.update(chunk)
    sums.set(key, hash.digest('hex'))
  }
  return sums
}

t.test(`a drain that is killed ${KILLS} times brings every object once`, async (t) => {
  const root = t.testdir({ state: {} })
  const [state, before] = ['state', 'before'].map((name) => join(root, name)) as [string, string]
  const place = placeIn(state)
  const keeper = await Keeper.open(place, 's3://bucket', lots, signal)
  const names = Array.from({ length: 24 }, (_, i) => `${i % 2 === 0 ? 'files' : 'stacks'}/${i}.zst`)
  for (const name of ['opening.json', 'plan.json', ...names])
    await keeper.put(PREFIX + name, randomBytes(2_000), untold, signal)
  const upload = await keeper.begin(`${PREFIX}cores/a.core.zst`, untold, signal)
  for (const number of [1, 2]) await upload.part(number, randomBytes(PART_BYTES), signal)
  await upload.complete(signal)
  await keeper.put(`${PREFIX}manifest.json`, Buffer.from('{}'), untold, signal)
  await keeper.put(`${INDEX}.90.open`, Buffer.alloc(0), untold, signal)
  await keeper.put(`${INDEX}.complete.healthy.json`, Buffer.from('{}'), untold, signal)
  const expected = await objectsIn(place.objects)
  cpSync(state, before, { recursive: true })

  let unfinished = 0
  let rounds = 0
  let bucket = ''
  for (let kill = 0; kill < KILLS; kill++) {
    if (bucket === '' || (await Array.fromAsync(listed(place.objects, signal))).length === 0) {
      if (bucket !== '') t.same(await objectsIn(bucket), expected)
      bucket = join(root, `bucket-${++rounds}`)
      rmSync(state, { recursive: true })
      cpSync(before, state, { recursive: true })
    }
    const child = fork(join(import.meta.dirname, 'draining.ts'), [state, bucket], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    const ended = once(child, 'exit')
    await once(child, 'message')
    await sleep(Math.random() * MOST_MS)
    child.kill('SIGKILL')
    const [, by] = await ended
    if (by === 'SIGKILL') unfinished += 1
    // A removal that was not synced is undone by a power cut; the record outlives it.
    const gone = [...expected.keys()].filter((key) => !existsSync(join(place.objects, key)))
    const back = gone[Math.floor(Math.random() * gone.length)]
    if (kill % 4 === 0 && back !== undefined && readdirSync(place.records).length > 0) {
      mkdirSync(dirname(join(place.objects, back)), { recursive: true })
      cpSync(join(placeIn(before).objects, back), join(place.objects, back))
    }
    const stored = existsSync(bucket) ? await objectsIn(bucket) : new Map<string, string>()
    const isClosed = stored.has(`${PREFIX}manifest.json`)
    const late = [...expected.keys()].filter((key) => key.startsWith(PREFIX) && !stored.has(key))
    t.ok(!isClosed || late.length === 0, `after ${stored.size} objects the manifest is ${isClosed ? '' : 'not '}there`)
    t.ok(!stored.has(`${INDEX}.complete.healthy.json`) || isClosed)
  }
  t.ok(unfinished > KILLS / 2, `${unfinished} were killed on their way`)
  const last = fork(join(import.meta.dirname, 'draining.ts'), [state, bucket], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  t.same(await once(last, 'exit'), [0, null])
  t.same(await objectsIn(bucket), expected)
  t.same(await objectsIn(place.objects).catch(() => new Map()), new Map())
  t.same(readdirSync(place.records), [])
})
