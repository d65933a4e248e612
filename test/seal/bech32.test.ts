import t from 'tap'
import { decodeBech32, encodeBech32 } from '../../agent/seal/bech32.ts'

t.test('the vectors of BIP 173', async (t) => {
  const valid = [
    'A12UEL5L',
    'a12uel5l',
    'an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs',
    'split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w',
  ]
  for (const text of valid) {
    const { prefix, data } = decodeBech32(text)
    t.equal(encodeBech32(prefix, data), text.toLowerCase())
  }
  const invalid: [text: string, why: RegExp][] = [
    ['\x201nwldj5', /prefix/],
    ['pzry9x0s0muk', /no "1"/],
    ['1pzry9x0s0muk', /no "1"/],
    ['x1b4n0q5v', /do not belong/],
    ['li1dgmt3', /too short/],
    ['A1G7SGD8', /checksum/],
    ['A12uEL5L', /upper and lower/],
    ['', /no "1"/],
  ]
  for (const [text, why] of invalid) t.throws(() => decodeBech32(text), { message: why }, JSON.stringify(text))
})

t.test('any one wrong letter is noticed', async (t) => {
  const text = encodeBech32('age', Buffer.alloc(32, 0x5a))
  for (let at = 4; at < text.length; at += 1) {
    const other = text[at] === 'q' ? 'p' : 'q'
    t.throws(() => decodeBech32(text.slice(0, at) + other + text.slice(at + 1)))
  }
})

t.test('padding that is none', async (t) => {
  t.strictSame(decodeBech32('a1qqqd87cq').data, Buffer.alloc(1))
  t.throws(() => decodeBech32('a1qpamnt9j'), { message: /padding/ }, 'spare bits that are not zero')
  t.throws(() => decodeBech32('a1q3g6mn3'), { message: /padding/ }, 'a whole group to spare')
})
