import { chmodSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { addAccount, removeAccount } from '../../scripts/image/account.ts'
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
  const { uid, added } = await addAccount(root)
  t.equal(uid, 996)
  t.same(added, ['etc/passwd', 'etc/group', 'etc/shadow'])
  t.match(etc(root, 'passwd'), /^lastgasp:x:996:996:lastgasp daemon:\/var\/lib\/lastgasp:\/usr\/sbin\/nologin$/m)
  t.match(etc(root, 'group'), /^lastgasp:x:996:$/m)
  t.match(etc(root, 'shadow'), /^lastgasp:!\*:::::::$/m)
  t.equal(statSync(join(root, 'etc/shadow')).mode & 0o777, 0o640)
  t.same(await addAccount(root), { uid: 996, added: [] }, 'once')

  await removeAccount(root, added)
  t.equal(etc(root, 'passwd'), 'root:x:0:0::/root:/bin/sh\na:x:999:100::/:/bin/sh\n')
  t.equal(etc(root, 'group'), 'root:x:0:\nb:x:998:\n')
  t.equal(etc(root, 'shadow'), 'root:*:::::::\n')
})

t.test('a user that the image has already stays its own', async (t) => {
  const root = write(t.testdir({}), { 'etc/passwd': 'lastgasp:x:300:301::/:/bin/false\n', 'etc/group': 'g:x:301:' })
  t.same(await addAccount(root), { uid: 300, added: ['etc/group'] })
  t.equal(etc(root, 'group'), 'g:x:301:\nlastgasp:x:999:\n', 'a last line without its end gets one')
  t.equal(etc(root, 'passwd'), 'lastgasp:x:300:301::/:/bin/false\n')
})

t.test('an image with an empty /etc leaves it to systemd-sysusers', async (t) => {
  t.same(await addAccount(t.testdir({})), { uid: undefined, added: [] })
})

t.test('no id free', async (t) => {
  const lines = Array.from({ length: 900 }, (_, index) => `u${index}:x:${index + 100}:`).join('\n')
  const root = write(t.testdir({}), { 'etc/passwd': '', 'etc/group': lines })
  await t.rejects(addAccount(root), /cannot add the user lastgasp: all ids from 100 to 999 are taken/)
})
