import t from 'tap'
import { toldBytes } from '../../agent/words/host-name.ts'
import { plainName, plainPath } from '../../agent/words/plain.ts'

t.test('a path that somebody else wrote', async (t) => {
  for (const path of ['/usr/bin/app', '/opt/my app/näive-1.2_(x)', '/a']) t.equal(plainPath(path), path)
  for (const path of [
    ...['', 'app', './app', '--command=shell id', '--eval-command=shell id', '/', '/a/', '/a//b', '/a/../b', '/a/./b'],
    ...[
      '/a\n/b',
      '/a\x1b[2J',
      '/a\x9b2J',
      '/a\x7f',
      '/\u202egnp.exe',
      '/\u2066x',
      '/a\u2028b',
      '/a\ufffd',
      '/a\0b',
      `/${'x'.repeat(4096)}`,
    ],
  ])
    t.equal(plainPath(path), undefined, encodeURIComponent(path))
  t.equal(plainPath(undefined), undefined)
})

t.test('a name that somebody else wrote', async (t) => {
  t.equal(plainName('my näive app'), 'my näive app')
  t.equal(plainName('a\x1b]52;c;x\x07b\n'), 'a\\u{1b}]52;c;x\\u{7}b\\u{a}')
  t.equal(plainName('a\u202eb'), 'a\\u{202e}b')
  t.equal(plainName(Buffer.from('обработчик').toString('utf8', 0, 15)), 'обработ?', 'cut in the middle of a letter')
})

t.test('bytes of a name', async (t) => {
  const cut = Buffer.from('обработчик').subarray(0, 15)
  t.equal(toldBytes(cut), 'обработ\\xd1')
  t.equal(toldBytes(Buffer.from('обработчик')), 'обработчик')
  t.equal(toldBytes(Buffer.from([0xff, 0x61, 0xe2, 0x82, 0xac, 0xe2, 0x82])), '\\xffa€\\xe2\\x82')
})
