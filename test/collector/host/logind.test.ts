import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Announcement, hearLogind } from '../../../agent/collector/host/logind.ts'
import { TestClock } from '../../clock.ts'
import { bodyOf } from './dbus-words.ts'
import { fakeBus, Speaker } from './fake-bus.ts'

const skip = spawnSync('dbus-daemon', ['--version']).status === 0 ? false : 'there is no dbus-daemon'
t.setTimeout(120_000)

/** A host on which logind is heard; `heard` is what it has announced, in order. */
async function hearing(t: Test) {
  const bus = await fakeBus(t)
  const announcement = new Announcement()
  const heard: (number | 'cancelled')[] = []
  const lines: string[] = []
  announcement.on('changed', (announced) => void heard.push(announced?.within ?? 'cancelled'))
  const end = new AbortController()
  const ended = hearLogind(
    announcement,
    { root: bus.root, uid: process.getuid?.() ?? 0, say: (line) => void lines.push(line) },
    end.signal,
  )
  t.teardown(async () => {
    end.abort()
    await ended
  })
  const logind = async (properties: Readonly<Record<string, boolean | bigint>> = {}) => {
    const speaker = await Speaker.on(bus.root, t)
    await speaker.becomeLogind({ InhibitDelayMaxUSec: 30_000_000n, PreparingForShutdown: false, ...properties })
    await until(() => speaker.askers.length >= 2, 'logind to be asked')
    return speaker
  }
  return { bus, announcement, heard, lines, logind }
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + 30_000; !holds(); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`)
}

t.test('what logind says is heard, with how long it will wait', { skip }, async (t) => {
  const { bus, heard, logind, announcement } = await hearing(t)
  await bus.start()
  const speaker = await logind()
  speaker.prepare(true)
  await until(() => heard.length === 1, 'its word')
  t.strictSame(announcement.announced, { within: 30_000 })
  speaker.prepare(true)
  speaker.prepare(false)
  speaker.prepare(false)
  speaker.prepare(true)
  await until(() => heard.length === 3, 'its later words')
  t.strictSame(heard, [30_000, 'cancelled', 30_000])
})

t.test('nobody else is believed, whatever he calls himself', { skip }, async (t) => {
  const { bus, heard, logind } = await hearing(t)
  await bus.start()
  const speaker = await logind()
  const mallory = await Speaker.on(bus.root, t)
  const [listener = ''] = speaker.askers
  const straight = { destination: listener }
  mallory.prepare(true)
  mallory.prepare(true, straight)
  mallory.prepare(true, { ...straight, sender: 'org.freedesktop.login1' })
  mallory.prepare(true, { ...straight, big: true, body: Buffer.from([0, 0, 0, 1]) })
  const owner = { path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus', member: 'NameOwnerChanged' }
  mallory.say({
    type: 'signal',
    ...owner,
    ...straight,
    signature: 'sss',
    body: bodyOf('org.freedesktop.login1', '', mallory.name),
  })
  mallory.prepare(true, straight)
  mallory.prepare(true, {
    ...straight,
    signature: 'ay',
    body: Buffer.concat([Buffer.from([0, 0, 16, 0]), Buffer.alloc(1 << 20)]),
  })
  // All of that has come when what logind says after it has.
  speaker.prepare(true, { ...straight, path: '/org/freedesktop/login2' })
  speaker.prepare(true, { ...straight, interface: 'org.freedesktop.login1.Other' })
  speaker.prepare(true, { ...straight, member: 'PrepareForSleep' })
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.strictSame(heard, [])
  speaker.prepare(true)
  await until(() => heard.length === 1, 'logind')
  mallory.prepare(false, straight)
  speaker.prepare(false)
  speaker.prepare(true)
  await until(() => heard.length === 3, 'logind')
})

t.test('a bus and a logind that come late, go, and come again', { skip }, async (t) => {
  const { bus, heard, logind } = await hearing(t)
  await new Promise((resolve) => setTimeout(resolve, 300))
  await bus.start()
  const first = await logind()
  first.prepare(true)
  await until(() => heard.length === 1, 'its word')
  first.leave()
  const second = await logind({ PreparingForShutdown: true, InhibitDelayMaxUSec: 2n ** 64n - 1n })
  second.leave()
  // One that was started anew, and has forgotten: nobody goes on with it.
  const third = await logind()
  await until(() => heard.length === 2, 'that it is over')
  third.leave()
  await bus.stop()
  await bus.start()
  await logind({ PreparingForShutdown: true, InhibitDelayMaxUSec: 2n ** 64n - 1n })
  await until(() => heard.length === 3, 'what it has said before')
  t.strictSame(heard, [30_000, 'cancelled', 1_800_000])
})

t.test('a bus that never comes is told of once; one that is mute is left, and tried again', async (t) => {
  const heard = async (root: string, ms: number) => {
    const lines: string[] = []
    const clock = new TestClock()
    const end = new AbortController()
    clock.after(ms, () => end.abort())
    // The clock gives no turn to what its ticks have begun.
    for (let at = 0; at < ms; at += 1_000) clock.after(at, () => {})
    const of = { root, uid: 0, say: (line: string) => void lines.push(line) }
    await clock.run(hearLogind(new Announcement(), of, end.signal, clock))
    return lines
  }
  t.match(await heard('/nonexistent', 50_000), [])
  const [line, ...more] = await heard('/nonexistent', 600_000)
  t.match(line, /^cannot hear logind: .*ENOENT.*: a shutdown is noticed when systemd begins with it$/)
  t.same(more, [])

  const { root } = await fakeBus(t)
  let connections = 0
  const mute = createServer((socket) => {
    connections++
    socket.on('error', () => {})
  }).listen(join(root, 'run/dbus/system_bus_socket'))
  t.teardown(() => void mute.close())
  await once(mute, 'listening')
  await heard(root, 400_000)
  await until(() => connections >= 3, 'it to be tried again')
})
