import { styleText } from 'node:util'
import t from 'tap'
import { rendered, styled } from '../../../agent/operator/terminal/line.ts'

/** What terminals act on: sequences that write to the clipboard (OSC 52), set a title, clear, in seven bits and in eight; order of text. */
const HOSTILE = [
  '\x1b]52;c;cm0gLXJm\x07',
  '\x1b]0;title\x1b\\',
  '\x9b2J',
  '\x90q\x9c',
  '\r\n',
  '\x7f',
  '\u202e',
  '\u2066',
  '\u2028',
  '\ud800',
]

const CONTROL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
/** What is written around a red text. */
const [BEFORE, AFTER] = styleText('red', '|', { validateStream: false }).split('|') as [string, string]

t.test('nothing that a line holds reaches a terminal but text', async (t) => {
  for (const text of HOSTILE) {
    for (const line of [text, [text], [styled('red', text)], ['host ', styled(undefined, text)]]) {
      const ours = rendered(line, true).replace(BEFORE, '').replace(AFTER, '')
      t.notMatch(rendered(line, false), CONTROL)
      t.notMatch(ours, CONTROL, 'but for the styles of our own')
    }
  }
})

t.test('a style is shown where colours are, and nothing trails', async (t) => {
  const line = [styled('red', 'bad   '), '  ', styled(undefined, 'why'), '  ', styled('dim', ' ')]
  t.equal(rendered(line, true), '\x1b[31mbad   \x1b[39m  why')
  t.equal(rendered(line, false), 'bad     why')
  t.equal(rendered([styled('red', 'bad   ')], true), '\x1b[31mbad\x1b[39m')
  t.equal(rendered([' ', styled('dim', ' ')], true), '')
})
