import t from 'tap'
import { printable, tellable } from '../../agent/words/printable.ts'

t.test('what is printed cannot steer a terminal', async (t) => {
  t.equal(printable('core of app – größer'), 'core of app – größer')
  t.equal(printable('\x1b[2Jgone\n\x9b1m'), '\\u{1b}[2Jgone\\u{a}\\u{9b}1m')
  t.equal(printable('a\u202etxt.exe\u2028'), 'a\\u{202e}txt.exe\\u{2028}')
  t.equal(printable('\ud800'), '\\u{d800}')
  t.equal(printable('😀'), '😀')
})

t.test('nor what is told of it in fewer characters', async (t) => {
  t.equal(tellable('a\x1bb', 8), 'a\\u{1b}b')
  t.equal(tellable('a\x1bbc', 8), 'a\\u{1b}…')
  t.equal(tellable('a😀b', 3), 'a…', 'no half of a letter')
  t.equal(tellable('x'.repeat(9), 8), `${'x'.repeat(7)}…`)
})
