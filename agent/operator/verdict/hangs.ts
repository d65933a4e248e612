import type { Receipt } from '../../bundle/schema.ts'

/**
 * What a bundle tells of processes that hung while they lived: the note of the stacks, which names the threads that matter
 * first, and why each process was chosen of which there is a full core.
 */
export function hangs(receipts: readonly Receipt[]): readonly string[] {
  return receipts.flatMap(({ source, artifact, item: { note, trouble, unit } }) => {
    if (source === 'stacks' && note !== undefined && /^\d+ of /.test(note)) return [note]
    if (source === 'live' && trouble !== undefined)
      return [`${artifact}: ${trouble}${unit === undefined || trouble.includes(unit) ? '' : `, ${unit}`}`]
    return []
  })
}
