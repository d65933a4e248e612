const MASK = 0xffffffffffffffffn
const rotate = (word: bigint, by: bigint) => ((word << by) | (word >> (64n - by))) & MASK

/** SipHash-2-4 (Aumasson, Bernstein) of `data` under a key of 16 bytes: a journal file's hash, its file id being the key. */
export function siphash24(data: Buffer, key: Buffer): bigint {
  const [k0, k1] = [key.readBigUInt64LE(0), key.readBigUInt64LE(8)]
  let v0 = k0 ^ 0x736f6d6570736575n
  let v1 = k1 ^ 0x646f72616e646f6dn
  let v2 = k0 ^ 0x6c7967656e657261n
  let v3 = k1 ^ 0x7465646279746573n

  function round(): void {
    v0 = (v0 + v1) & MASK
    v1 = rotate(v1, 13n) ^ v0
    v0 = rotate(v0, 32n)
    v2 = (v2 + v3) & MASK
    v3 = rotate(v3, 16n) ^ v2
    v0 = (v0 + v3) & MASK
    v3 = rotate(v3, 21n) ^ v0
    v2 = (v2 + v1) & MASK
    v1 = rotate(v1, 17n) ^ v2
    v2 = rotate(v2, 32n)
  }
  function absorb(word: bigint): void {
    v3 ^= word
    round()
    round()
    v0 ^= word
  }

  const whole = data.length - (data.length % 8)
  for (let at = 0; at < whole; at += 8) absorb(data.readBigUInt64LE(at))
  const last = Buffer.alloc(8)
  data.copy(last, 0, whole)
  last[7] = data.length & 0xff
  absorb(last.readBigUInt64LE())
  v2 ^= 0xffn
  for (let rounds = 0; rounds < 4; rounds++) round()
  return v0 ^ v1 ^ v2 ^ v3
}
