import { chmodSync, chownSync, lchownSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { closes, host, load, PLACE } from './host.ts'

const NEEDS_ROOT = process.geteuid?.() !== 0 && 'needs root to give files away'

t.test('a file that others can write does not speak', async (t) => {
  await t.test('writable by everybody', async (t) => {
    const root = host(t, { [PLACE]: 'identity = "x"' })
    chmodSync(join(root, PLACE), 0o666)
    await closes(t, root, /cannot be read: everybody may write it: chmod o-w/)
  })
  await t.test('in a directory writable by everybody', async (t) => {
    const root = host(t, { [PLACE]: 'identity = "x"' })
    chmodSync(dirname(join(root, PLACE)), 0o1777)
    await closes(t, root, /etc\/lastgasp\/config\.d: cannot be read: everybody may write it/)
  })
  await t.test('in a directory below one that is writable by everybody', async (t) => {
    const root = host(t, { [PLACE]: 'identity = "x"' })
    chmodSync(join(root, 'etc/lastgasp'), 0o777)
    await closes(t, root, /config\.d: cannot be read: everybody may write \S+\/etc\/lastgasp: chmod o-w \//)
  })
  await t.test('nor does one that is not there: somebody may have taken it away', async (t) => {
    const root = host(t, { 'etc/lastgasp/x': '' })
    chmodSync(join(root, 'etc/lastgasp'), 0o777)
    await closes(t, root, /config\.d: cannot be read: everybody may write \S+\/etc\/lastgasp:/)
  })
  await t.test(
    'in a directory below a sticky one of root, where it stays what it is',
    { skip: NEEDS_ROOT },
    async (t) => {
      const root = host(t, { [PLACE]: 'identity = "x"' })
      chmodSync(join(root, 'etc'), 0o1777)
      const { problems, settings } = await load({ root })
      t.strictSame([problems, settings.identity], [[], 'x'])
      chownSync(join(root, 'etc'), 4711, 4711)
      await closes(t, root, /config\.d: cannot be read: \S+\/etc belongs to user 4711/)
    },
  )
  await t.test('writable by a group', { skip: NEEDS_ROOT }, async (t) => {
    const cases: [path: string, wrong: RegExp][] = [
      [PLACE, /50-host\.toml: cannot be read: group 4711 may write it: chmod g-w/],
      [dirname(PLACE), /config\.d: cannot be read: group 4711 may write it: chmod g-w/],
      [
        'etc/lastgasp',
        /config\.d: cannot be read: group 4711 may write \S+\/etc\/lastgasp: chmod g-w \S+\/etc\/lastgasp/,
      ],
    ]
    for (const [path, wrong] of cases) {
      const root = host(t, { [PLACE]: 'identity = "x"' })
      chmodSync(join(root, path), 0o775)
      const { problems, settings } = await load({ root })
      t.strictSame([problems, settings.identity], [[], 'x'], "root's group may")
      chownSync(join(root, path), 0, 4711)
      await closes(t, root, wrong)
    }
  })
  await t.test('writable by a group, where a link leads', { skip: NEEDS_ROOT }, async (t) => {
    for (const path of ['srv', 'srv/settings', 'srv/settings/x.toml']) {
      const root = host(t, { [PLACE]: '', 'srv/settings/x.toml': 'seal.unsealed = "allow"' })
      symlinkSync('../../../srv/settings/x.toml', join(root, 'etc/lastgasp/config.d/60-link.toml'))
      chmodSync(join(root, path), 0o775)
      chownSync(join(root, path), 0, 4711)
      await closes(t, root, /60-link\.toml: cannot be read: group 4711 may write /)
    }
  })
  await t.test('in a link to a directory writable by everybody', async (t) => {
    const root = host(t, { 'etc/lastgasp/x': '', 'open/50-host.toml': 'identity = "x"' })
    symlinkSync(join(root, 'open'), join(root, 'etc/lastgasp/config.d'))
    chmodSync(join(root, 'open'), 0o777)
    await closes(t, root, /etc\/lastgasp\/config\.d: cannot be read: everybody may write it/)
  })
  await t.test("in a directory that is somebody else's link", { skip: NEEDS_ROOT }, async (t) => {
    const root = host(t, { 'etc/lastgasp/x': '', 'usr/share/50-host.toml': 'identity = "x"' })
    const link = join(root, 'etc/lastgasp/config.d')
    symlinkSync(join(root, 'usr/share'), link)
    lchownSync(link, 4711, 4711)
    await closes(t, root, /etc\/lastgasp\/config\.d: cannot be read: it belongs to user 4711/)
  })
  await t.test("somebody else's link", { skip: NEEDS_ROOT }, async (t) => {
    const root = host(t, { [PLACE]: '', 'usr/share/example.toml': 'seal.unsealed = "allow"' })
    const link = join(root, 'etc/lastgasp/config.d/60-link.toml')
    symlinkSync(join(root, 'usr/share/example.toml'), link)
    lchownSync(link, 4711, 4711)
    await closes(t, root, /60-link\.toml: cannot be read: it belongs to user 4711/)
  })
  await t.test("somebody else's", { skip: NEEDS_ROOT }, async (t) => {
    const root = host(t, { [PLACE]: 'identity = "x"' })
    chownSync(join(root, PLACE), 4711, 4711)
    await closes(t, root, /cannot be read: it belongs to user 4711: chown it to root/)
  })
})
