import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { inspect } from 'node:util'
import t from 'tap'
import { encodeBech32 } from '../../agent/seal/bech32.ts'
import { generateIdentity, parseIdentities, parseRecipient, recipientOf, secretText } from '../../agent/seal/keys.ts'

const noAge = spawnSync('age-keygen', ['--version']).error ? 'the age programs are not installed' : false
/** The example of c2sp.org/age. */
const SECRET = 'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX'
const PUBLIC = 'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj'

t.test('the example of the specification', async (t) => {
  const [identity] = parseIdentities(SECRET)
  t.ok(identity)
  if (identity === undefined) return
  t.equal(recipientOf(identity).text, PUBLIC)
  t.equal(secretText(identity), SECRET)
  t.ok(parseRecipient(` ${PUBLIC}\n`).bytes.equals(identity.recipient.bytes))
})

t.test('a key file with comments and blank lines', async (t) => {
  const other = generateIdentity()
  const text = `# created: 2026-01-01\r\n\r\n# public key: x\n${SECRET}\r\n\n  ${secretText(other)}  \n`
  t.strictSame(
    parseIdentities(text).map(({ recipient }) => recipient.text),
    [PUBLIC, other.recipient.text],
  )
})

t.test('age-keygen and we mean the same key', { skip: noAge }, async (t) => {
  const theirs = spawnSync('age-keygen').stdout.toString()
  const [identity] = parseIdentities(theirs)
  t.match(theirs, `public key: ${identity?.recipient.text}`)
  const ours = generateIdentity()
  const file = `${t.testdir()}/key.txt`
  writeFileSync(file, `${secretText(ours)}\n`)
  t.equal(spawnSync('age-keygen', ['-y', file]).stdout.toString().trim(), ours.recipient.text)
})

t.test('recipients that are none: the error quotes the text', async (t) => {
  const typo = PUBLIC.replace('zvky', 'zvkq')
  t.throws(() => parseRecipient(typo), { message: new RegExp(`cannot seal to .*${typo}.*: its checksum is wrong`) })
  t.throws(() => parseRecipient(''), { message: /cannot seal to the recipient ""/ })
  t.throws(() => parseRecipient(PUBLIC.toUpperCase()), { message: /only X25519/ })
  t.throws(() => parseRecipient(encodeBech32('age', Buffer.alloc(31, 1))), { message: /only X25519/ })
  t.throws(() => parseRecipient(encodeBech32('age1yubikey', Buffer.alloc(33, 1))), { message: /only X25519/ })
  t.throws(() => parseRecipient('ssh-ed25519 AAAA'), { message: /cannot seal to the recipient "ssh-ed25519 AAAA"/ })
  t.throws(() => parseRecipient(encodeBech32('age', Buffer.alloc(32))), { message: /low order/ })
})

t.test('a secret is never told', async (t) => {
  const [identity] = parseIdentities(SECRET)
  const told: string[] = [inspect(identity, { depth: 9, showHidden: true }), JSON.stringify(identity)]
  const tell = (run: () => unknown) => {
    try {
      run()
      t.fail('it should have thrown')
    } catch (error) {
      told.push(inspect(error, { depth: 9 }))
    }
  }
  tell(() => parseIdentities(SECRET.replace('GFPY', 'GFPQ')))
  tell(() => parseIdentities(`# fine\n${SECRET.slice(0, -8)}`))
  tell(() => parseIdentities(`${SECRET}x`))
  tell(() => parseIdentities(SECRET.replace('-KEY-', '-KEY-PQ-')))
  tell(() => parseRecipient(SECRET))
  tell(() => parseRecipient(SECRET.toLowerCase()))
  for (const text of told) t.notMatch(text.toUpperCase(), 'YYSJZGF', text.slice(0, 80))
  t.match(told[3], 'cannot read line 2 of the identity file')
})

t.test('what is no key file', async (t) => {
  t.throws(() => parseIdentities('# only a comment\n'), { message: /no AGE-SECRET-KEY-1/ })
  t.throws(() => parseIdentities(PUBLIC), { message: /line 1 .*: it is a public key/ })
})
