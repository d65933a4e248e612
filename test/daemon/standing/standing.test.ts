import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { Idle } from '../../../agent/daemon/standing/idle.ts'
import { storeOf } from '../../../agent/daemon/standing/prepare.ts'
import { readStanding } from '../../../agent/daemon/standing/reading.ts'
import { type Open, type Read, Standing } from '../../../agent/daemon/standing/standing.ts'

const LAYER = 'run/lastgasp/config.d/50-cloud.toml'
const ENVIRONMENT = 'etc/lastgasp/environment'
const never = () => new Promise<never>(() => {})

/** A host in a directory of the test, the standing that reads it, and what its log says. */
async function hostOf(test: Test, over: { read?: (real: Read) => Read; open?: Open } = {}) {
  const root = test.testdir()
  const said: string[] = []
  const idle = new Idle()
  // No timer of the standing keeps the process alive.
  const alive = setInterval(() => {}, 1000)
  test.teardown(() => {
    idle.end()
    clearInterval(alive)
  })
  const write = async (path: string, content: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true, mode: 0o755 })
    await writeFile(join(root, path), content, { mode: 0o640 })
  }
  const real: Read = (signal) => readStanding({ root, set: [] }, signal)
  const begin = () => {
    const log = pino({ timestamp: false }, { write: (line: string) => void said.push(JSON.parse(line).msg) })
    return Standing.begin(over.read?.(real) ?? real, log, idle, over.open)
  }
  return { root, said, idle, write, begin, store: (name: string) => `store = "file://${root}/${name}"` }
}

/** Opens stores of which it tells what became: `opened`, `closed`. Waits where `until` says so. */
function openTelling(told: string[], until: (store: string) => Promise<unknown> = async () => {}): Open {
  return async (settings, signal) => {
    const store = await storeOf(settings, signal)
    if (store instanceof Error) return store
    const name = store.url.split('/').at(-1) ?? ''
    await until(name)
    told.push(`opened ${name}`)
    return { ...store, warm: never, [Symbol.asyncDispose]: async () => void told.push(`closed ${name}`) }
  }
}

const urlOf = ({ store }: { store: { url: string } | Error }) =>
  store instanceof Error ? store.message : store.url.split('/').at(-1)

/** What a trigger would go by, as soon as it could be read within its quarter of a second: a busy machine takes longer now and then. */
async function inTime(standing: Standing) {
  for (;;) {
    const now = await standing.atTrigger()
    if (!now.request.problems.some((problem) => problem.includes('could not be read again within'))) return now
    await now[Symbol.asyncDispose]()
  }
}

t.test('what was written since the start counts at the trigger, whoever noticed it', async (t) => {
  const host = await hostOf(t)
  await host.write('etc/machine-id', '4444444444444444444444444444cafe')
  const standing = await host.begin()
  t.match(host.said, [/^nothing will be captured: no store is set/])
  await host.write(LAYER, host.store('one'))
  await host.write('run/cloud-init/.instance-id', 'i-0late\n')
  await host.write('proc/sys/kernel/hostname', 'late\n')
  const first = await inTime(standing)
  t.equal(urlOf(first), 'one')
  t.match(first.request, { identity: 'i-0late', host: { name: 'late' }, problems: [] })
  t.match(host.said.at(-1), /^i-0late is ready: bundles go to file:/)

  await host.write(LAYER, 'stor = "typo"')
  const broken = await inTime(standing)
  t.equal(urlOf(broken), 'one', 'a layer that breaks leaves the host its store')
  t.match(broken.request.problems, [/50-cloud\.toml:1:1: unknown key "stor"/])

  await rm(join(host.root, LAYER))
  t.match(urlOf(await inTime(standing)), /^no store is set/)
})

t.test('a store is opened anew when it is another one, and the old one stays open for whoever uses it', async (t) => {
  const told: string[] = []
  const host = await hostOf(t, { open: openTelling(told) })
  await host.write(LAYER, host.store('one'))
  const standing = await host.begin()
  await standing.renew()
  await host.write(LAYER, `${host.store('one')}\ndeadline = "5s"`)
  await standing.renew()
  t.strictSame(told, ['opened one'], 'what has nothing to do with it opens nothing')
  const lease = await standing.atTrigger()
  t.equal(lease.request.deadline, 5_000)
  await host.write(LAYER, host.store('two'))
  await standing.renew()
  t.strictSame(told, ['opened one', 'opened two'])
  await lease[Symbol.asyncDispose]()
  t.strictSame(told, ['opened one', 'opened two', 'closed one'])
  await host.write(ENVIRONMENT, 'LASTGASP_TEST_KEY=1')
  await standing.renew()
  t.strictSame(told.slice(3), ['opened two', 'closed two'], 'with other credentials it is another one')
})

/** A renewal under way: from store one to store two, which opens when `opening` resolves. */
async function renewing(t: Test) {
  const told: string[] = []
  const began = Promise.withResolvers<void>()
  const opening = Promise.withResolvers<void>()
  const slow = openTelling(told, async (name) => {
    if (name !== 'two') return
    began.resolve()
    await opening.promise
  })
  const host = await hostOf(t, { open: slow })
  await host.write(LAYER, host.store('one'))
  const standing = await host.begin()
  await host.write(LAYER, host.store('two'))
  const reload = standing.renew()
  await began.promise
  return { told, opening, host, standing, reload }
}

t.test('a trigger in the middle of a renewal goes by what held before, and closes nothing of it', async (t) => {
  const { told, opening, host, standing, reload } = await renewing(t)
  host.idle.end()
  const lease = await standing.atTrigger()
  t.equal(urlOf(lease), 'one')
  t.match(lease.request.problems.at(-1), /could not be read again within 250 ms/)
  await reload
  opening.resolve()
  while (told.length < 5) await new Promise((resolve) => setImmediate(resolve))
  t.strictSame(told.toSorted(), ['closed two', 'closed two', 'opened one', 'opened two', 'opened two'])
})

t.test('a renewal that ends while a capture runs closes nothing that the capture uses', async (t) => {
  const { told, opening, host, standing, reload } = await renewing(t)
  const lease = await standing.atTrigger()
  t.equal(urlOf(lease), 'one')
  opening.resolve()
  await reload
  t.match(host.said.at(-1), /bundles go to file:.*\/two$/)
  t.notOk(told.includes('closed one'), `${told}`)
  await lease[Symbol.asyncDispose]()
  t.ok(told.includes('closed one'), 'nobody uses it any more')
})

t.test('a read that hangs leaves the last good one in force, and no second one is begun beside it', async (t) => {
  let reads = 0
  const host = await hostOf(t, { read: (real) => (signal) => (++reads === 1 ? real(signal) : never()) })
  await host.write(LAYER, host.store('one'))
  const standing = await host.begin()
  for (const times of [1, 2]) {
    const lease = await standing.atTrigger()
    t.equal(urlOf(lease), 'one', `time ${times}`)
    t.match(lease.request.problems, [/neither an instance id/, /could not be read again within 250 ms/])
  }
  t.equal(reads, 2)
})

t.test('where there is nothing to fall back on, a store that opens slowly is waited for', async (t) => {
  const after = new Promise((resolve) => setTimeout(resolve, 300))
  const host = await hostOf(t, { open: openTelling([], () => after) })
  const standing = await host.begin()
  await host.write(LAYER, host.store('one'))
  t.equal(urlOf(await inTime(standing)), 'one')
})

t.test('one that does not open is waited for three seconds, and no longer', async (t) => {
  const host = await hostOf(t, {
    open: async (settings) => (settings.store === undefined ? new Error('none') : never()),
  })
  const standing = await host.begin()
  await host.write(LAYER, host.store('one'))
  const started = performance.now()
  const lease = await standing.atTrigger()
  const ms = performance.now() - started
  t.ok(ms > 2_900 && ms < 20_000, `${ms} ms`)
  t.match(lease.store, { message: 'none' })
  t.match(lease.request.problems.at(-1), /could not be read again/)
})

t.test('the environment file comes, changes, breaks and goes', async (t) => {
  process.env.LASTGASP_TEST_OLD = 'of the unit'
  const host = await hostOf(t)
  const standing = await host.begin()
  const seen = () => [process.env.LASTGASP_TEST_OLD, process.env.LASTGASP_TEST_NEW]
  await host.write(ENVIRONMENT, 'LASTGASP_TEST_OLD=of the file\nLASTGASP_TEST_NEW="new"')
  t.strictSame([(await inTime(standing)).request.problems.length, ...seen()], [1, 'of the file', 'new'])
  await host.write(ENVIRONMENT, 'export LASTGASP_TEST_OLD=secret\nLASTGASP_TEST_NEW=newer')
  const { request } = await inTime(standing)
  t.match(request.problems[0], /etc\/lastgasp\/environment: left out, .*: "export LASTGASP_TEST_OLD"$/)
  t.strictSame(seen(), ['of the unit', 'newer'])
  await rm(join(host.root, ENVIRONMENT))
  await mkdir(join(host.root, ENVIRONMENT))
  const broken = await inTime(standing)
  t.match(broken.request.problems[0], /etc\/lastgasp\/environment cannot be read: it is not a regular file$/)
  t.strictSame(seen(), ['of the unit', 'newer'], 'the last good one holds')
  await rm(join(host.root, 'etc/lastgasp'), { recursive: true })
  await inTime(standing)
  t.strictSame(seen(), ['of the unit', undefined])
})

t.test('a store that could not be opened is tried again, and said so once', async (t) => {
  let tries = 0
  const host = await hostOf(t, {
    open: async (settings, signal) => (++tries > 2 ? storeOf(settings, signal) : new Error('no descriptor left')),
  })
  await host.write(LAYER, host.store('one'))
  const standing = await host.begin()
  await standing.renew()
  t.equal(host.said.filter((line) => line === 'nothing will be captured: no descriptor left').length, 1)
  t.equal(urlOf(await inTime(standing)), 'one')
})
