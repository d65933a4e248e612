import { spawnSync } from 'node:child_process'
import t from 'tap'
import { manifestSchema } from '../../agent/bundle/schema.ts'
import { answering, STORED } from '../store/answering.ts'
import { bucketAt, hostOf, preloading, settle } from './processes.ts'

// Longer than a runner allows by itself, for machines that do much else.
t.setTimeout(180_000)

const skip = spawnSync('prlimit', ['--version']).status !== 0 && 'prlimit is not installed'
/** More than the daemon has open when it is ready. */
const LIMIT = '--nofile=256:256'
const QUIET = ['--set', 'stacks.processes=[]', '--set', 'live.cores=[]', '--set', 'executables="none"']
/** Opens all that is left when it is told to: what other programs do to all of us. */
const GREEDY = `import { openSync } from 'node:fs'
process.on('SIGUSR2', () => {
  try { for (;;) openSync('/dev/null', 'r') } catch { process.stderr.write('none is left\\n') }
})`

t.test('a daemon that has no descriptor left captures by those in reserve', { skip }, async (t) => {
  const host = await hostOf(t)
  const root = t.testdir({})
  let manifest = ''
  // Keeps no connection: each request needs one of its own.
  const { endpoint } = await answering(t, ({ url }, _, body) => {
    if (url?.includes('/manifest.json')) manifest = body
    return { ...STORED, headers: { ...STORED.headers, connection: 'close' } }
  })
  const { port } = new URL(endpoint)
  host.collector('--root', root, ...QUIET)
  const daemon = preloading(GREEDY, () => host.daemon('--root', root, ...bucketAt(`http://localhost:${port}`)))
  await settle(host)
  await daemon.says(/is ready/)
  t.equal(spawnSync('prlimit', ['--pid', String(daemon.child.pid), LIMIT]).status, 0)
  daemon.child.kill('SIGUSR2')
  await daemon.says(/none is left/)
  daemon.child.kill('SIGTERM')
  await daemon.ended()
  t.match(daemon.said(), /^lastgasp: (?:.* )?complete bundle of/m)
  const { receipts } = manifestSchema.parse(JSON.parse(manifest))
  t.ok(
    receipts.some(({ objects }) => objects.length > 0),
    daemon.said(),
  )
  t.strictSame(
    receipts.filter(({ because }) => because === 'collector' || because === 'store'),
    [],
  )
})
