import { readFileSync } from 'node:fs'
import { openImage } from '../../../../agent/collector/unwind/elf-image.ts'
import { FilePages } from '../../../../agent/collector/unwind/file-pages.ts'
import type { Image } from '../../../../agent/collector/unwind/image.ts'
import { unhurried } from '../../reading.ts'

/** A file as what names are read from. */
export async function imageOf(file: Buffer | string): Promise<Image> {
  const bytes = typeof file === 'string' ? readFileSync(file) : file
  const read = new FilePages().of('it', async (at, length) => bytes.subarray(at, at + length))
  const image = await openImage('it', read, unhurried())
  if (image === undefined) throw new Error('it is no program')
  return image
}
