import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { early, exists, hostOf, isHeld, manifestOf, run, settle, silentStore, until } from './processes.ts'

// Longer than a runner allows by itself, for machines that do much else.
t.setTimeout(300_000)

t.test('SIGTERM means that the host goes: one line on the console, a bundle, the lock let go', async (t) => {
  const host = await hostOf(t)
  const collector = host.collector()
  const daemon = host.daemon()
  await settle(host)
  await daemon.says(/is ready/)
  const waiting = run('flock', ['--wait', '20', host.hold, 'true'])
  daemon.child.kill('SIGTERM')
  t.equal(await daemon.ended(), 'SIGTERM', 'it ends by the signal, which systemd takes for clean')
  t.equal(await waiting.ended(), 0, 'applications were let go')
  const lines = daemon
    .said()
    .split('\n')
    .filter((line) => line.startsWith('lastgasp: '))
  t.equal(lines.length, 1)
  t.match(lines[0], /^lastgasp: (?:\w+: .* )?(complete|partial) bundle of \d+ artifacts?, .* at file:/)
  const manifest = await manifestOf(host)
  t.equal(manifest.trigger, 'shutdown')
  t.ok(manifest.receipts.some(({ artifact, status }) => artifact === 'facts.tar.zst' && status === 'complete'))
  t.ok(['facts', 'journal', 'cores'].every((name) => manifest.receipts.some(({ source }) => source === name)))
  collector.child.kill('SIGTERM')
  t.equal(await collector.ended(), 0)
})

t.test('the lock is let go when either process dies, and taken again when both are back', async (t) => {
  const host = await hostOf(t)
  const first = host.collector()
  const daemon = host.daemon()
  await settle(host)
  first.child.kill('SIGKILL')
  await until(() => !isHeld(host), 'the lock to be free')
  host.collector()
  await settle(host)
  daemon.child.kill('SIGKILL')
  await until(() => !isHeld(host), 'the lock to be free')
  host.daemon()
  await settle(host)
})

t.test('a SIGTERM that comes while the daemon is starting is not lost', async (t) => {
  const host = await hostOf(t)
  host.collector()
  await exists(host.socket)
  const daemon = early(1, () => host.daemon())
  await daemon.ended()
  t.equal((await manifestOf(host)).trigger, 'shutdown')
})

t.test('without a collector the bundle says so; without a store the console does', async (t) => {
  const alone = await hostOf(t)
  const daemon = alone.daemon()
  await daemon.says(/without the collector/)
  daemon.child.kill('SIGTERM')
  await daemon.ended()
  t.ok((await manifestOf(alone)).receipts.every(({ because }) => because === 'collector'))

  const homeless = await hostOf(t)
  const lost = homeless.homeless()
  await lost.says(/nothing will be captured/)
  lost.child.kill('SIGTERM')
  await lost.ended()
  t.match(lost.said(), /^lastgasp: NO COMPLETE BUNDLE: /m)
})

t.test(
  'a store that accepts and never answers: the end comes before the deadline, and the console says why',
  async (t) => {
    const host = await hostOf(t)
    host.collector()
    const daemon = host.daemon('--set', 'deadline="6s"', ...(await silentStore(t)))
    await settle(host)
    daemon.child.kill('SIGTERM')
    await until(() => !isHeld(host), 'applications to be let go while the store is silent')
    await daemon.ended()
    t.match(daemon.said(), /^lastgasp: NO COMPLETE BUNDLE at s3:\/\/bucket/m)
  },
)

t.test('broken settings never stop a capture, and close class memory', async (t) => {
  const host = await hostOf(t)
  const core = join(host.directory, 'core.app.0.0123456789abcdef0123456789abcdef.1.1700000000000000')
  await writeFile(core, 'not really a core')
  const cores = [
    '--set',
    `cores.directories=["${host.directory}"]`,
    '--set',
    'cores.age="3650d"',
    '--set',
    'seal.unsealed="allow"',
  ]
  host.collector(...cores, '--set', 'deadlne="5s"')
  const daemon = host.daemon(...cores, '--set', 'deadlne="5s"')
  await daemon.says(/nearest|did you mean|deadline/)
  await settle(host)
  daemon.child.kill('SIGTERM')
  await daemon.ended()
  const manifest = await manifestOf(host)
  t.match(manifest.problems[0], /deadlne/)
  const receipts = manifest.receipts.filter(({ source }) => source === 'cores')
  t.ok(receipts.length > 0)
  t.ok(receipts.every(({ objects }) => objects.length === 0))
  t.ok(receipts.some(({ status, because }) => status === 'skipped' && because === 'seal'))
})
