import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { carriedOver } from '../../agent/settings/carry-over.ts'
import { type Loaded, loadSettings } from '../../agent/settings/layers.ts'
import { NEW_KEY, OLD_KEY } from './host.ts'

const HOST = 'etc/lastgasp/config.d/50-host.toml'
const BOOT = 'run/lastgasp/config.d/50-boot.toml'
const WEAK = 'usr/lib/lastgasp/config.d/10-image.toml'

/** A host whose settings are written and read again and again, each reading completed by the one before. */
function hostOf(t: Test) {
  const root = t.testdir()
  let before: Loaded | undefined
  return {
    root,
    write: (path: string, content: string | undefined) => {
      mkdirSync(dirname(join(root, path)), { recursive: true, mode: 0o755 })
      if (content === undefined) rmSync(join(root, path))
      else writeFileSync(join(root, path), content, { mode: 0o644 })
    },
    read: async () => {
      const now = await loadSettings({ root }, new AbortController().signal)
      before = before === undefined ? now : carriedOver(now, before)
      return before
    },
  }
}

t.test('a layer that breaks says what it said before, loudly; once it is whole or gone, it does not', async (t) => {
  const { write, read } = hostOf(t)
  write(HOST, 'store = "s3://one"\ns3.region = "eu-west-1"\nseal.unsealed = "allow"')
  write(WEAK, 's3.owner = "123456789012"')
  await read()
  for (const times of [1, 2]) {
    write(HOST, 'stor = "s3://two"')
    const { settings, problems } = await read()
    t.strictSame([settings.store, settings.s3.region, settings.s3.owner], ['s3://one', 'eu-west-1', '123456789012'])
    t.match(settings.seal, { broken: /50-host\.toml:1:1: unknown key "stor"/, unsealed: 'deny' }, `time ${times}`)
    t.equal(problems.length, 1)
  }
  write(HOST, 'store = "s3://two"')
  t.match((await read()).settings, { store: 's3://two', s3: { region: undefined }, seal: { broken: undefined } })
  write(HOST, 'store =')
  await read()
  write(HOST, undefined)
  t.equal((await read()).settings.store, undefined)
})

t.test('its word weighs what it did: stronger layers override it, weaker ones do not', async (t) => {
  const { write, read } = hostOf(t)
  write(HOST, 'store = "s3://host"\ns3.region = "eu-west-1"')
  await read()
  write(HOST, 'broken')
  write(WEAK, 'store = "s3://weaker"')
  t.equal((await read()).settings.store, 's3://host')
  write(BOOT, 'store = "s3://stronger"')
  t.match((await read()).settings, { store: 's3://stronger', s3: { region: 'eu-west-1' } })
})

t.test('so do the layers of a directory that cannot be listed', async (t) => {
  const { root, write, read } = hostOf(t)
  write(HOST, 'store = "s3://host"')
  await read()
  chmodSync(join(root, dirname(HOST)), 0o777)
  const { settings, problems } = await read()
  t.equal(settings.store, 's3://host')
  t.match(problems, [{ message: /config\.d: cannot be read: everybody may write it/ }])
})

t.test(
  'recipients that were named before a layer broke hold until it is mended, or another layer names some',
  async (t) => {
    const { write, read } = hostOf(t)
    write(HOST, `seal = { unsealed = "allow", recipients = ["${OLD_KEY}"] }`)
    await read()
    for (const times of ['once', 'and again']) {
      write(HOST, 'seal.recipients = "')
      const { settings } = await read()
      t.match(settings.seal, { recipients: [OLD_KEY], unsealed: 'deny', broken: /50-host/ }, times)
    }
    write(BOOT, `seal.recipients = ["${NEW_KEY}"]`)
    t.strictSame((await read()).settings.seal.recipients, [NEW_KEY])
    write(BOOT, undefined)
    write(HOST, '')
    t.strictSame((await read()).settings.seal.recipients, [], 'mended: it names nobody')
  },
)
