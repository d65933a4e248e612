import t from 'tap'
import { early, hostOf, manifestOf, type Running, settle, silentStore } from './processes.ts'

// Longer than a runner allows by itself, for machines that do much else.
t.setTimeout(300_000)

/** Longer than a test waits for the end of a process. */
const DEADLINE = ['--set', 'deadline="10m"']
/** What a person reads on the console. */
const line = ({ said }: Running) => /^lastgasp: .*$/m.exec(said())?.[0]

t.test('a second SIGTERM ends the process at once, whatever it waits for', async (t) => {
  const host = await hostOf(t)
  host.collector()
  const daemon = host.daemon(...DEADLINE, ...(await silentStore(t)))
  await settle(host)
  daemon.child.kill('SIGTERM')
  await daemon.says(/capturing/)
  daemon.child.kill('SIGTERM')
  t.equal(await daemon.ended(), 'SIGTERM')
  t.match(line(daemon), /^lastgasp: NO COMPLETE BUNDLE/)
})

t.test('and so does one by which the collector goes too', async (t) => {
  const host = await hostOf(t)
  const collector = host.collector()
  const daemon = host.daemon(...DEADLINE, ...(await silentStore(t)))
  await settle(host)
  await daemon.says(/is ready/)
  // As in one broadcast, of which the collector dies at once.
  daemon.child.kill('SIGTERM')
  collector.child.kill('SIGKILL')
  t.equal(await daemon.ended(), 'SIGTERM')
  t.match(line(daemon), /^lastgasp: NO COMPLETE BUNDLE/)
})

/** A bundle is closed within two seconds, or not at all: how often a machine that does much else may not come to it. */
const TRIES = 6

t.test('where the store answers, what there is by then is a bundle', async (t) => {
  for (let tries = 1; tries <= TRIES; tries++) {
    const host = await hostOf(t)
    const collector = host.collector()
    const daemon = host.daemon(...DEADLINE)
    await settle(host)
    await daemon.says(/is ready/)
    // Answers nothing any more: by itself the capture would wait for it.
    collector.child.kill('SIGSTOP')
    daemon.child.kill('SIGTERM')
    await daemon.says(/capturing/)
    daemon.child.kill('SIGTERM')
    t.equal(await daemon.ended(), 'SIGTERM')
    if (!/^lastgasp: (?:.* )?partial bundle of/.test(line(daemon) ?? '') && tries < TRIES) continue
    const { receipts } = await manifestOf(host)
    t.ok(receipts.length > 0)
    return t.match(receipts[0], { status: 'failed', reason: /the host was forced down/ })
  }
})

t.test('a daemon that has hardly begun is forced as well', async (t) => {
  const host = await hostOf(t)
  const settings = await silentStore(t)
  const daemon = early(2, () => host.daemon(...DEADLINE, ...settings))
  t.equal(await daemon.ended(), 'SIGTERM')
  t.match(line(daemon), /^lastgasp: NO COMPLETE BUNDLE/)
})
