import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { type Manifest, manifestSchema } from '../../agent/bundle/schema.ts'
import { type Host, hostOf, run, settle } from './processes.ts'

t.setTimeout(300_000)

const SETTINGS = [
  ...['--set', 'seal.unsealed="allow"', '--set', 'deadline="25s"', '--set', 'memory.scope="off"'],
  // Nobody else's process stands still for this, and nobody's memory is read.
  ...[
    '--set',
    'stacks.processes=[]',
    '--set',
    'live.cores=[]',
    '--set',
    'journal.limit="0B"',
    '--set',
    'cores.directories=[]',
  ],
]

function manifestsOf({ bucket }: Host): Manifest[] {
  const folder = join(bucket, 'v1/hosts/host-1')
  const bundles = readdirSync(folder).filter((name) => name !== 'checks')
  return bundles.map((name) =>
    manifestSchema.parse(JSON.parse(readFileSync(join(folder, name, 'manifest.json'), 'utf8'))),
  )
}

t.test('of two daemons of a host one captures: the one that was there, or the one that is left', async (t) => {
  for (const goes of [false, true]) {
    const host = await hostOf(t)
    host.collector(...SETTINGS)
    const first = host.daemon(...SETTINGS)
    await first.says(/is ready/)
    await settle(host)
    const second = host.daemon(...SETTINGS)
    await second.says(/another daemon attends at the collector/)
    if (goes) {
      first.child.kill('SIGKILL')
      await first.ended()
      await settle(host)
    }
    const daemons = goes ? [second] : [second, first]
    for (const { child } of daemons) child.kill('SIGTERM')
    for (const daemon of daemons) t.equal(await daemon.ended(), 'SIGTERM')
    const captured = goes ? second : first
    t.match(captured.said(), /^lastgasp: (?:.* )?(complete|partial) bundle of/m)
    if (!goes) t.match(second.said(), /another daemon of this host captures it/)
    t.same(
      manifestsOf(host).map(({ trigger }) => trigger),
      ['shutdown'],
    )
  }
})

t.test('a capture by hand and a shutdown that begins meanwhile: a bundle each, and whole', async (t) => {
  const host = await hostOf(t)
  host.collector(...SETTINGS)
  const daemon = host.daemon(...SETTINGS)
  await daemon.says(/is ready/)
  await settle(host)
  const set = [...SETTINGS, '--set', 'identity="host-1"']
  const program = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, '../../agent/main.ts')]
  const hand = run(process.execPath, [...program, 'capture', '--store', pathToFileURL(host.bucket).href, ...set])
  daemon.child.kill('SIGTERM')
  t.equal(await daemon.ended(), 'SIGTERM')
  t.ok([0, 4].includes(Number(await hand.ended())), hand.said())
  const manifests = manifestsOf(host)
  t.same(manifests.map(({ trigger }) => trigger).sort(), ['manual', 'shutdown'])
  for (const { trigger, receipts } of manifests)
    t.ok(
      receipts.some(({ artifact, bytesStored }) => artifact === 'facts.tar.zst' && bytesStored > 0),
      `the facts of ${trigger}`,
    )
})
