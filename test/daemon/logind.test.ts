import { spawnSync } from 'node:child_process'
import { readdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Manifest, manifestSchema } from '../../agent/bundle/schema.ts'
import { fakeBus, Speaker } from '../collector/host/fake-bus.ts'
import { type Host, hostOf, isHeld, settle, silentStore, until } from './processes.ts'

const skip = spawnSync('dbus-daemon', ['--version']).status === 0 ? false : 'there is no dbus-daemon'
// Longer than a runner allows by itself, for machines that do much else.
t.setTimeout(300_000)

const DELAY_S = 20n

/** Both processes on a host with a bus of its own and somebody on it who says what logind says. */
async function hostWithLogind(t: Test, ...settings: string[]) {
  const bus = await fakeBus(t)
  await bus.start()
  for (const name of ['proc', 'sys']) await symlink(`/${name}`, join(bus.root, name))
  const logind = await Speaker.on(bus.root, t)
  await logind.becomeLogind({ InhibitDelayMaxUSec: DELAY_S * 1_000_000n, PreparingForShutdown: false })
  const host = await hostOf(t)
  const collect = () => host.collector('--root', bus.root)
  const collector = collect()
  const daemon = host.daemon('--set', 'deadline="60s"', ...settings)
  await settle(host)
  await daemon.says(/is ready/)
  await until(() => logind.askers.length >= 2, 'the collector to listen')
  return { host, collect, collector, daemon, logind }
}

async function documents({ bucket }: Host, name: string) {
  const host = join(bucket, 'v1/hosts/host-1')
  const bundles = (await readdir(host).catch(() => [])).toSorted()
  const texts = await Promise.all(
    bundles.map((bundle) => readFile(join(host, bundle, name), 'utf8').catch(() => undefined)),
  )
  return texts.filter((text) => text !== undefined)
}

const manifests = async (host: Host): Promise<readonly Manifest[]> =>
  (await documents(host, 'manifest.json')).map((text) => manifestSchema.parse(JSON.parse(text)))
const count = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].length

t.test('a shutdown that logind announces is one capture, closed when systemd has begun', { skip }, async (t) => {
  const { host, daemon, logind } = await hostWithLogind(t)
  logind.prepare(true)
  await daemon.says(/capturing/)
  await until(() => !isHeld(host), 'applications to be let go')
  await until(async () => (await documents(host, 'facts.tar.zst')).length === 1, 'the facts')
  t.strictSame(await manifests(host), [], 'it stays open')
  const [opening = ''] = await documents(host, 'opening.json')
  const { started, deadline } = JSON.parse(opening)
  const lasts = Date.parse(deadline) - Date.parse(started)
  // The deadline of the settings, what logind may wait, and what both may be late by.
  t.ok(lasts > 85_000 && lasts <= 90_000, `${lasts} ms`)
  daemon.child.kill('SIGTERM')
  t.equal(await daemon.ended(), 'SIGTERM')
  const [manifest, ...more] = await manifests(host)
  t.match(manifest, { trigger: 'shutdown', shutdown: { cancelled: undefined } })
  t.same(more, [])
  t.equal(count(daemon.said(), /capturing/g), 1)
})

t.test('one that is cancelled is closed well, and the next one is a capture of its own', { skip }, async (t) => {
  const { host, collect, collector, daemon, logind } = await hostWithLogind(t)
  for (const times of [1, 2]) {
    logind.prepare(true)
    await until(() => count(daemon.said(), /capturing/g) === times, 'the capture')
    await until(() => !isHeld(host), 'applications to be let go')
    logind.prepare(false)
    await until(async () => (await manifests(host)).length === times, 'the manifest')
    await settle(host)
  }
  // What is kept at hand, is again: a collector that is started anew is found.
  collector.child.kill('SIGKILL')
  await until(() => !isHeld(host), 'the lock to be free')
  const asked = logind.askers.length
  collect()
  await settle(host)
  await until(() => logind.askers.length >= asked + 2, 'the next collector to listen')
  logind.prepare(true)
  await until(() => count(daemon.said(), /capturing/g) === 3, 'the capture')
  daemon.child.kill('SIGTERM')
  t.equal(await daemon.ended(), 'SIGTERM')
  const all = (await manifests(host)).toSorted((a, b) => Date.parse(a.ended) - Date.parse(b.ended))
  t.strictSame(
    all.map(({ shutdown }) => shutdown?.cancelled ?? false),
    [true, true, false],
  )
})

t.test(
  'the next one is captured, and applications held, while the one before it is still being closed',
  { skip },
  async (t) => {
    const { host, daemon, logind } = await hostWithLogind(t, ...(await silentStore(t)))
    logind.prepare(true)
    await daemon.says(/capturing/)
    logind.prepare(false)
    await daemon.says(/does not go down/)
    await settle(host)
    daemon.child.kill('SIGTERM')
    await until(() => count(daemon.said(), /capturing/g) === 2, 'the next capture')
    daemon.child.kill('SIGTERM')
    t.equal(await daemon.ended(), 'SIGTERM')
  },
)

t.test('a daemon that was started anew hears that the host is about to go', { skip }, async (t) => {
  const { host, daemon, logind } = await hostWithLogind(t)
  logind.prepare(true)
  await daemon.says(/capturing/)
  daemon.child.kill('SIGKILL')
  await daemon.ended()
  const next = host.daemon()
  await next.says(/capturing/)
  next.child.kill('SIGTERM')
  await next.ended()
  t.equal((await manifests(host)).length, 1)
})

t.test('two SIGTERMs, and a collector that goes with one, force the end of what was announced', { skip }, async (t) => {
  for (const goes of ['a second SIGTERM', 'the collector']) {
    const { daemon, collector, logind } = await hostWithLogind(t, ...(await silentStore(t)))
    logind.prepare(true)
    await daemon.says(/capturing/)
    daemon.child.kill('SIGTERM')
    if (goes === 'the collector') collector.child.kill('SIGKILL')
    else {
      await new Promise((resolve) => setTimeout(resolve, 500))
      daemon.child.kill('SIGTERM')
    }
    t.equal(await daemon.ended(), 'SIGTERM', goes)
    t.match(daemon.said(), /^lastgasp: NO COMPLETE BUNDLE/m)
  }
})
