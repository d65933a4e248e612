import t from 'tap'
import { maskArguments, maskText } from '../../../agent/collector/masking/mask.ts'
import { HARMLESS, PLANTED } from './command-lines.ts'

/** A pass phrase, letters only, digits only, with signs, in hex: none of them with a shape of its own. */
const SECRETS = ['correct-horse-7', 'hunterhunter', '83920174', 'Tr0ub4dor+3', '5f4dcc3b5aa765d61d8327deb882cf99']

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '')

function argumentsOf(line: string): readonly string[] {
  const words = line.match(/<[^>]*>|\S+/g) ?? []
  return words.map((word) => (word.startsWith('<') && word.endsWith('>') ? word.slice(1, -1) : word))
}

t.test('no planted secret is left', async (t) => {
  t.ok(linesOf(PLANTED).length >= 180)
  for (const line of linesOf(PLANTED)) {
    t.match(line, '{}', 'has a secret in it')
    for (const secret of SECRETS) {
      const args = argumentsOf(line).map((word) => word.replaceAll('{}', secret))
      const masked = maskArguments(args)
      t.notMatch(masked.join(' '), secret, masked.join(' '))
      t.equal(masked[0]?.slice(0, 2), args[0]?.slice(0, 2), 'the program is shown')
    }
  }
})

t.test('what is no secret is shown as it is', async (t) => {
  t.ok(linesOf(HARMLESS).length >= 100)
  for (const line of linesOf(HARMLESS)) t.strictSame(maskArguments(argumentsOf(line)), argumentsOf(line), line)
})

t.test('however long and odd, it takes time in proportion to its length', async (t) => {
  // Were any of these quadratic, it would take an hour, and the test would be ended.
  const long = 512 * 1024
  for (const piece of ['a=', 'a', '://a:', "'a ", '-eyJ', '{key: ', '"key":"', '--key=']) {
    const text = piece.repeat(long / piece.length)
    t.match(maskArguments([text, '--token', '5']).at(-1), /^\*\*\*$/, piece)
    t.match(maskText(`${text} --token 5`), /\*\*\*$/, piece)
  }
  const most = 'a='.repeat(1024 * 1024)
  t.equal(maskArguments([most])[0], most)
})

t.test('text made to be deep or odd is masked all the same', async (t) => {
  const pieces = [
    'a=',
    '"',
    "'",
    '\\"',
    'token=',
    '&a',
    '-p',
    '://a:',
    ';key=1',
    'a ',
    '{a',
    'a:',
    '"a":',
    'a = ',
    `"'" `,
  ]
  for (const piece of pieces) t.match(maskText(`${piece.repeat(2000)} --token 5`), / --token \*\*\*$/, piece)
})
