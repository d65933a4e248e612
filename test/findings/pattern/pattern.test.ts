import t from 'tap'
import { Pattern } from '../../../agent/findings/pattern/pattern.ts'
import { seeded } from '../../random.ts'

const PATTERNS = [
  ...[
    'a',
    'ab|cd',
    '^ab',
    'ab$',
    '^$',
    'a.c',
    'a*b',
    'a+b',
    'ab?c',
    '(ab)+c',
    '(?:a|b)*c',
    'a{2}',
    'a{2,}b',
    'a{1,3}$',
    'x{0,2}a',
  ],
  ...[
    '[abc]+',
    '[^abc]',
    '[a-c]d',
    '[-a]',
    '[a\\]]',
    '\\d+',
    '\\w\\s\\S',
    '\\D',
    'a\\.b',
    '(^a|b$)',
    '(a|)b',
    '()',
    '(a*)*b',
    '(a|b|ab)*$',
  ],
  ...['^(a|b)*c{2,3}$', '[a-b]{2}c', '\\*', 'a|', '\\t', '[\\d-]a'],
]

t.test('it finds what the language’s own expressions find', (t) => {
  const random = seeded(7)
  const next = (most: number) => Math.floor(random() * most)
  const letters = 'aaabbbccd1 .-]x\t*'
  const lines = Array.from({ length: 400 }, () =>
    Array.from({ length: next(9) }, () => letters[next(letters.length)]).join(''),
  )
  for (const source of PATTERNS) {
    const ours = new Pattern(source)
    const theirs = new RegExp(source)
    for (const line of lines) if (ours.test(line) !== theirs.test(line)) t.fail(`${source} in ${JSON.stringify(line)}`)
  }
  t.pass()
  t.end()
})

t.test('either case', (t) => {
  const pattern = new Pattern('(?i)No Space Left[!-]?$')
  t.ok(pattern.test('NO SPACE LEFT'))
  t.ok(pattern.test('x no space left!'))
  t.notOk(new Pattern('No Space').test('no space'))
  t.end()
})

t.test('what would never come to an end takes one pass', (t) => {
  const line = `${'a'.repeat(512)}!`
  for (const source of ['(a+)+$', '^(a|aa)*$', '(a*)*b', '(.*.*.*.*=.*)', '(?:a?){50}a{50}$', '(a|a){60}c'])
    t.notOk(new Pattern(source).test(line), source)
  const many = new Pattern('(a|b)*a(a|b){12}$')
  for (let number = 0; number < 300; number++)
    many.test(Array.from({ length: 200 }, (_, at) => 'ab'[(number >> (at % 9)) & 1]).join(''))
  t.pass('and keeps no more than it may')
  t.end()
})

t.test('what it does not know it refuses, with a reason', (t) => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['', /1 to 200 characters/],
    ['a'.repeat(201), /1 to 200 characters/],
    ['(?=a)', /of groups with \?/],
    ['(?<!a)b', /of groups with \?/],
    ['(a)\\1', /there is no \\1/],
    ['\\b', /there is no \\b/],
    ['a*?', /what repeats is repeated/],
    ['^*', /cannot be repeated/],
    ['*a', /stands where nothing is before it/],
    ['(a', /not closed/],
    ['a)', /closed that was not opened/],
    ['[a', /bracket is not closed/],
    ['[b-a]', /backwards/],
    ['a{101}', /from 0 to 100/],
    ['a{3,2}', /from 0 to 100/],
    ['a\\', /ends in a backslash/],
    ['(abcdefghij){50}', /too large/],
  ]
  for (const [source, why] of wrong) t.throws(() => new Pattern(source), why, source)
  t.end()
})
