import { PassThrough } from 'node:stream'
import t from 'tap'
import { say, sayJson } from '../../agent/commands/io.ts'
import { styled } from '../../agent/operator/terminal/line.ts'

/** A stream that keeps what was written, as a terminal would get it. */
function terminal() {
  const stream = new PassThrough()
  return Object.assign(stream, { isTTY: true, columns: 80, hasColors: () => true }) as unknown as NodeJS.WriteStream &
    PassThrough
}

/** The ends of C0, DEL, C1, what turns the order of text, what is no character at all, and what lies beyond 16 bits. */
const HOSTILE = '\0\x1b\n\x7f\x80\x9b\x9f\u200b\u202e\u2028\u2066\ufeff\ud800 \u{e0001}'

t.test('what is said is text, whatever is in it', async (t) => {
  const stream = terminal()
  await say(stream, [`error: ${HOSTILE}`, [styled('bold', 'title')]])
  const [first, second] = String(stream.read()).split('\n')
  t.match(first, /^error: [\x20-\x7e]+$/)
  t.equal(second, '\x1b[1mtitle\x1b[22m')
})

t.test('JSON says the same to a program, and nothing to a terminal', async (t) => {
  const stream = terminal()
  const value = { [`name ${HOSTILE}`]: [HOSTILE, 'größer 😀'] }
  await sayJson(stream, value)
  const text = String(stream.read())
  t.match(text, /^[\x20-\x7e\nöß😀]+$/u)
  t.strictSame(JSON.parse(text), JSON.parse(JSON.stringify(value)))
})
