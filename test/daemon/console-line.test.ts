import t from 'tap'
import { failureLine } from '../../agent/daemon/console-line.ts'

t.test('what a store answers is one line on the console, and drives no terminal', async (t) => {
  t.equal(
    failureLine(new Error('no\n bucket \x1b[2J\u202e'), undefined),
    'lastgasp: NO COMPLETE BUNDLE: no bucket \\u{1b}[2J\\u{202e}',
  )
})
