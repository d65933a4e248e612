import { isUtf8 } from 'node:buffer'

/**
 * Names on a host are bytes, of any kind but `/` and NUL. As text they are kept with a character for each byte (latin1), so that
 * what is opened is what was listed; this makes the path to open of one.
 */
export function bytePath(root: string, name: string): Buffer {
  const below = name.startsWith('/') || root.endsWith('/') ? name : `/${name}`
  return Buffer.concat([Buffer.from(root), Buffer.from(below, 'latin1')])
}

/** Such a name as people read it: see `toldBytes`. */
export const shownName = (name: string): string => toldBytes(Buffer.from(name, 'latin1'))

/** A name as it is on disk, told as text: bytes that are no UTF-8 as `\xNN`. */
export function toldBytes(name: Buffer): string {
  if (isUtf8(name)) return name.toString('utf8')
  let told = ''
  for (let at = 0; at < name.length; ) {
    const length = [1, 2, 3, 4].find((bytes) => at + bytes <= name.length && isUtf8(name.subarray(at, at + bytes)))
    told += length === undefined ? `\\x${name.toString('hex', at, at + 1)}` : name.toString('utf8', at, at + length)
    at += length ?? 1
  }
  return told
}
