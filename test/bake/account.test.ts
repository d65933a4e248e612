import { chmodSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { addAccounts, removeAccounts } from '../../scripts/image/account.ts'
import { write } from './tiny-image.ts'

const etc = (root: string, name: string) => readFileSync(join(root, 'etc', name), 'utf8')

t.test('adds a line to each database that is there, with an id free in all of them', async (t) => {
  const root = write(t.testdir({}), {
    'etc/passwd': 'root:x:0:0::/root:/bin/sh\na:x:999:100::/:/bin/sh\n',
    'etc/group': 'root:x:0:\nb:x:998:\n',
    'etc/shadow': 'root:*:::::::\n',
    'usr/lib/passwd': 'c:x:997:997::/:/bin/sh\n',
  })
  chmodSync(join(root, 'etc/shadow'), 0o640)
  const { uid, added } = await addAccounts(root)
  t.equal(uid, 996)
  const databases = ['etc/passwd', 'etc/group', 'etc/shadow']
  t.same(
    added,
    ['lastgasp', 'lastgasp-collector'].flatMap((user) => databases.map((file) => `${file}:${user}`)),
  )
  t.match(etc(root, 'passwd'), /^lastgasp:x:996:996:lastgasp daemon:\/var\/lib\/lastgasp:\/usr\/sbin\/nologin$/m)
  t.match(etc(root, 'passwd'), /^lastgasp-collector:x:995:995:lastgasp collector:\/:\/usr\/sbin\/nologin$/m)
  t.match(etc(root, 'group'), /^lastgasp:x:996:$/m)
  t.match(etc(root, 'shadow'), /^lastgasp:!\*:::::::$/m)
  t.equal(statSync(join(root, 'etc/shadow')).mode & 0o777, 0o640)
  t.same(await addAccounts(root), { uid: 996, added: [] }, 'once')

  await removeAccounts(root, added)
  t.equal(etc(root, 'passwd'), 'root:x:0:0::/root:/bin/sh\na:x:999:100::/:/bin/sh\n')
  t.equal(etc(root, 'group'), 'root:x:0:\nb:x:998:\n')
  t.equal(etc(root, 'shadow'), 'root:*:::::::\n')
})

t.test('a user that the image has already stays its own', async (t) => {
  const root = write(t.testdir({}), { 'etc/passwd': 'lastgasp:x:300:301::/:/bin/false\n', 'etc/group': 'g:x:301:' })
  const { uid, added } = await addAccounts(root)
  t.equal(uid, 300)
  t.same(added, ['etc/group:lastgasp', 'etc/passwd:lastgasp-collector', 'etc/group:lastgasp-collector'])
  t.match(etc(root, 'group'), /^g:x:301:\nlastgasp:x:999:\n/, 'a last line without its end gets one')
  t.match(etc(root, 'passwd'), /^lastgasp:x:300:301::\/:\/bin\/false\nlastgasp-collector:/)

  await removeAccounts(root, added)
  t.equal(etc(root, 'passwd'), 'lastgasp:x:300:301::/:/bin/false\n', 'and is not removed either')
})

t.test('what a bake of an earlier version has added is removed', async (t) => {
  const root = write(t.testdir({}), { 'etc/passwd': 'root:x:0:0::/:/bin/sh\nlastgasp:x:999:999::/:/bin/false\n' })
  await removeAccounts(root, ['etc/passwd'])
  t.equal(etc(root, 'passwd'), 'root:x:0:0::/:/bin/sh\n')
})

t.test('an image with an empty /etc leaves it to systemd-sysusers', async (t) => {
  t.same(await addAccounts(t.testdir({})), { uid: undefined, added: [] })
})

t.test('no id free', async (t) => {
  const lines = Array.from({ length: 899 }, (_, index) => `u${index}:x:${index + 100}:`).join('\n')
  const root = write(t.testdir({}), { 'etc/passwd': '', 'etc/group': lines })
  await t.rejects(addAccounts(root), /cannot add the user lastgasp-collector: all ids from 100 to 999 are taken/)
  t.equal(etc(root, 'passwd'), '', 'and nothing is half done')
})
