/**
 * Bech32 as BIP 173 has it, without its limit of 90 characters: how age writes keys. The errors of this file never
 * quote the text, which may be a secret.
 */
const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
const CHECKSUM_CHARACTERS = 6

export interface Bech32 {
  /** The human-readable part, lower case. */
  readonly prefix: string
  readonly data: Buffer
}

/** Lower case; turn all of it to upper case where that is the custom. */
export function encodeBech32(prefix: string, data: Buffer): string {
  const values = regroup(data, 8, 5, true) ?? []
  const padded = [...spread(prefix), ...values, 0, 0, 0, 0, 0, 0]
  const sum = polymod(padded) ^ 1
  const checksum = Array.from({ length: CHECKSUM_CHARACTERS }, (_, index) => (sum >>> (5 * (5 - index))) & 31)
  return `${prefix}1${[...values, ...checksum].map((value) => ALPHABET[value]).join('')}`
}

export function decodeBech32(text: string): Bech32 {
  const lower = text.toLowerCase()
  if (text !== lower && text !== text.toUpperCase()) throw new Error('it mixes upper and lower case')
  const separator = lower.lastIndexOf('1')
  if (separator < 1) throw new Error('it has no "1" between prefix and key')
  const prefix = lower.slice(0, separator)
  if (!/^[\x21-\x7e]+$/.test(prefix)) throw new Error('its prefix has characters that do not belong there')
  const values = Array.from(lower.slice(separator + 1), (character) => ALPHABET.indexOf(character))
  if (values.includes(-1)) throw new Error('it has characters that do not belong there')
  if (values.length < CHECKSUM_CHARACTERS) throw new Error('it is too short')
  if (polymod([...spread(prefix), ...values]) !== 1) throw new Error('its checksum is wrong: a typing or copying error')
  const data = regroup(values.slice(0, -CHECKSUM_CHARACTERS), 5, 8, false)
  if (data === undefined) throw new Error('its padding is wrong')
  return { prefix, data: Buffer.from(data) }
}

function spread(prefix: string): number[] {
  const codes = Array.from(prefix, (character) => character.charCodeAt(0))
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)]
}

function polymod(values: readonly number[]): number {
  let sum = 1
  for (const value of values) {
    const top = sum >>> 25
    sum = ((sum & 0x1ffffff) << 5) ^ value
    GENERATOR.forEach((term, bit) => {
      if ((top >>> bit) & 1) sum ^= term
    })
  }
  return sum
}

/** The same bits in groups of another width; undefined where a rest that is no padding is left over. */
function regroup(values: Iterable<number>, from: number, to: number, pad: boolean): number[] | undefined {
  const regrouped: number[] = []
  let bits = 0
  let held = 0
  for (const value of values) {
    held = ((held << from) | value) & 0xfff
    bits += from
    while (bits >= to) {
      bits -= to
      regrouped.push((held >>> bits) & ((1 << to) - 1))
    }
  }
  const rest = held & ((1 << bits) - 1)
  if (pad) {
    if (bits > 0) regrouped.push((rest << (to - bits)) & ((1 << to) - 1))
    return regrouped
  }
  return bits >= from || rest !== 0 ? undefined : regrouped
}
