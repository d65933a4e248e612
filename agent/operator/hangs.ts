import type { Receipt } from '../bundle/schema.ts'

/**
 * What a bundle tells of processes that hung while they lived: the note of the stacks, which names the threads that matter
 * first, and why each process was chosen of which there is a full core.
 */
export function hangs(receipts: readonly Receipt[]): readonly string[] {
  return receipts.flatMap(({ source, artifact, item: { note, unit } }) => {
    if (note === undefined) return []
    if (source === 'stacks' && /^\d+ of /.test(note)) return [note]
    if (source === 'live')
      return [`${artifact}: ${note}${unit === undefined || note.includes(unit) ? '' : `, ${unit}`}`]
    return []
  })
}
