/** Blocks of tars that no honest program writes. */

/** A header block as GNU tar and POSIX have it, with any type and size. */
export function block(name: string, type: string, size: number): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write('0000644\0', 100)
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  header.write('        ', 148)
  header.write(type, 156)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** Bytes, and zeros up to the next block. */
export const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])

/** An extended header with one record: its length counts itself. */
export function pax(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`
  let length = rest.length
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  const record = Buffer.from(`${length}${rest}`)
  return Buffer.concat([block('pax', 'x', record.length), padded(record)])
}

/** A tar of so many links, each with a name of 4 MiB. */
export function paxBomb(entries: number): Buffer {
  const link = Buffer.concat([pax('path', 'n'.repeat(4 * 1024 ** 2 - 100)), block('x', '2', 0)])
  return Buffer.concat(Array(entries).fill(link))
}
