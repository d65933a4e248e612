import { execFileSync, spawnSync } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseIdentities, recipientOf } from '../../agent/seal/keys.ts'
import { lastgasp } from './lastgasp.ts'

const hasAge = spawnSync('age-keygen', ['--version']).error === undefined

t.test('a key for its owner alone, the recipient for everybody', async (t) => {
  const out = join(t.testdir(), 'key.txt')
  const { code, stdout, stderr } = await lastgasp(['keygen', '--out', out])
  t.equal(code, 0, stderr)
  t.equal((await stat(out)).mode & 0o777, 0o600)
  const [identity] = parseIdentities(await readFile(out, 'utf8'))
  t.ok(identity)
  if (identity !== undefined) t.match(stdout, `seal.recipients = ["${recipientOf(identity).text}"]`)
  t.notMatch(stdout, 'AGE-SECRET')

  const before = await readFile(out, 'utf8')
  const again = await lastgasp(['keygen', '--out', out])
  t.match(again, { code: 1, stderr: /a key is never overwritten/ })
  t.equal(await readFile(out, 'utf8'), before)
})

t.test('age reads the key', { skip: !hasAge && 'no age-keygen' }, async (t) => {
  const out = join(t.testdir(), 'key.txt')
  const { stdout } = await lastgasp(['keygen', '--out', out, '-o', 'json'])
  t.equal(execFileSync('age-keygen', ['-y', out], { encoding: 'utf8' }).trim(), JSON.parse(stdout).recipient)
})

t.test('a place where no key can be written', async (t) => {
  t.match(await lastgasp(['keygen', '--out', join(t.testdir(), 'no/such/key.txt')]), {
    code: 1,
    stderr: /cannot write .*key\.txt/,
  })
})
