import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { type Manifest, manifestSchema } from '../../agent/bundle/schema.ts'
import { generateIdentity } from '../../agent/seal/keys.ts'
import { exists, hostOf } from './processes.ts'

const LAYER = 'run/lastgasp/config.d/50-cloud.toml'
const QUIET = ['--set', 'stacks.processes=[]', '--set', 'live.cores=[]', '--set', 'executables="none"']

t.test('what a host learns after the start of both processes is noticed, and what it learns last counts', async (t) => {
  const host = await hostOf(t)
  const root = await mkdtemp(join(tmpdir(), 'lastgasp-test-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  const write = async (path: string, content: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true, mode: 0o755 })
    await writeFile(join(root, path), content, { mode: 0o644 })
  }
  const store = (name: string) => `store = "file://${host.directory}/${name}"\n`
  await write('var/lib/cloud/data/instance-id', 'i-0the-image-builder\n')
  host.collector('--root', root, ...QUIET)
  await exists(host.socket)
  const daemon = host.homeless('--root', root)
  await daemon.says(/nothing will be captured: no store is set/)

  await write(LAYER, store('one'))
  await daemon.says(/i-0the-image-builder is ready: bundles go to file:\S+\/one/)
  await write('run/cloud-init/.instance-id', 'i-0this-host\n')
  await daemon.says(/i-0this-host is ready: bundles go to file:\S+\/one/)
  await write(LAYER, 'store = 1\n')
  await daemon.says(/50-cloud\.toml:1:9: /)
  await rm(join(root, 'run/lastgasp'), { recursive: true })
  await daemon.says(/nothing will be captured(.|\n)*nothing will be captured/)
  await write('etc/lastgasp/environment', 'export A=1\n')
  await daemon.says(/environment: left out/)
  await write(LAYER, `${store('two')}[seal]\nrecipients = ["age1"]\n`)
  await daemon.says(/seal\.recipients\[0\]/)

  const recipient = generateIdentity().recipient.text
  await write(LAYER, `${store('two')}[seal]\nrecipients = ["${recipient}"]\n`)
  await daemon.says(/bundles go to file:\S+\/two/)

  await write('proc/sys/kernel/hostname', 'late\n')
  await write(LAYER, `${store('three')}[seal]\nrecipients = ["${recipient}"]\n`)
  await write('run/lastgasp/config.d/60-broken.toml', 'nonsense')
  // A reload that is under way takes nothing from the capture.
  daemon.child.kill('SIGHUP')
  daemon.child.kill('SIGTERM')
  t.equal(await daemon.ended(), 'SIGTERM')
  const hosts = join(host.directory, 'three/v1/hosts')
  t.strictSame(await readdir(hosts), ['i-0this-host'])
  const [bundle = ''] = await readdir(join(hosts, 'i-0this-host'))
  const text = await readFile(join(hosts, 'i-0this-host', bundle, 'manifest.json'), 'utf8')
  const manifest: Manifest = manifestSchema.parse(JSON.parse(text))
  t.equal(manifest.host.name, 'late')
  t.match(manifest.problems, [/60-broken\.toml/, /environment: left out/])
  t.strictSame(manifest.recipients, [recipient])
  const stored = manifest.receipts.filter(({ objects }) => objects.length > 0)
  t.ok(stored.length > 0, JSON.stringify(manifest.receipts))
  t.ok(
    stored.every(({ sealed }) => sealed),
    'the collector has read the same, by itself',
  )
})
