import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { describeHost } from '../../../agent/daemon/standing/host.ts'
import { identityOf } from '../../../agent/daemon/standing/identity.ts'

const never = new AbortController().signal
const MACHINE = '4444444444444444444444444444cafe'
const RUN = 'run/cloud-init/.instance-id'
const VAR = 'var/lib/cloud/data/instance-id'
const BOOT = 'proc/sys/kernel/random/boot_id'
const NAME = 'proc/sys/kernel/hostname'

async function identity(test: Test, files: Record<string, string>, setting?: string) {
  const root = test.testdir()
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), `${content}\n`)
  }
  return await identityOf(await describeHost(root, never), setting, root, never)
}

t.test('the setting, an instance id, a machine id: in this order', async (t) => {
  const all = { [VAR]: 'i-0left-by-the-builder', 'etc/machine-id': MACHINE }
  t.strictSame(await identity(t, all, 'mine'), { name: 'mine' })
  const asset = { 'sys/class/dmi/id/board_asset_tag': 'i-0123456789abcdef0', [RUN]: 'i-0other' }
  t.strictSame(await identity(t, { ...all, ...asset }), { name: 'i-0123456789abcdef0' })
  t.strictSame(await identity(t, { ...all, [RUN]: 'i-0this-boot' }), { name: 'i-0this-boot' })
  t.strictSame(await identity(t, all), { name: 'i-0left-by-the-builder' })
  t.strictSame(await identity(t, { 'etc/machine-id': MACHINE }), { name: MACHINE })
})

t.test('what cloud-init has for an id where it has none is passed over, also where the builder had one', async (t) => {
  const made = [
    'nocloud',
    'iid-datasource',
    'iid-datasource-none',
    'iid-datasource-wsl',
    'iid-dsopenstack',
    'iid-dsovf',
  ]
  const more = ['iid-vmware-imc', 'iid-AZURE-NODE', 'iid-local01', '455', 'i-00000000', 'None', 'uninitialized', '0']
  const smbios = ['00000000-0000-0000-0000-000000000000', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF', 'not an id']
  for (const id of [...made, ...more, ...smbios]) {
    for (const file of [RUN, VAR])
      t.strictSame(await identity(t, { [file]: id, 'etc/machine-id': MACHINE }), { name: MACHINE }, `${file}: ${id}`)
    const both = { [RUN]: id, [VAR]: 'i-0left-by-the-builder', 'etc/machine-id': MACHINE }
    t.strictSame(await identity(t, both), { name: MACHINE }, `${id}, and one of the builder's`)
  }
  for (const id of ['iid-web-17', 'i-0f00', '9128346', 'ocid1.instance.oc1.phx.abc', 'iid-dsx-9'])
    t.strictSame(await identity(t, { [RUN]: id, 'etc/machine-id': MACHINE }), { name: id }, `${id} is one`)
})

t.test('without a real id a host goes by its name or its boot, and says so', async (t) => {
  for (const machine of ['uninitialized', '', '0'.repeat(32), 'f'.repeat(32), `${MACHINE}0`, 'g'.repeat(32)]) {
    const named = await identity(t, { 'etc/machine-id': machine, [NAME]: 'web-1', [BOOT]: 'a1-b2' })
    t.match(named, { name: 'web-1', problem: /neither an instance id nor a machine id: .* web-1, .*: set identity/ })
    const unnamed = await identity(t, { 'etc/machine-id': machine, [NAME]: 'localhost', [BOOT]: 'a1-b2' })
    t.match(unnamed, { name: 'boot-a1b2', problem: /by the id of this boot/ })
  }
  t.match(await identity(t, { [NAME]: 'web/1', [BOOT]: 'a1-b2' }), { name: 'boot-a1b2' }, 'no key has such a name')
  t.match(await identity(t, { [NAME]: 'localhost.localdomain', [BOOT]: 'a1-b2' }), { name: 'boot-a1b2' })
  t.match(await identity(t, { [NAME]: '(none)' }), { name: 'unnamed', problem: /set identity/ })
})

t.test('a machine id that is none is not told as one', async (t) => {
  const root = t.testdir({ etc: { 'machine-id': 'uninitialized\n' } })
  t.equal((await describeHost(root, never)).machineId, undefined)
})
