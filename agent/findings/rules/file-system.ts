import { PLACES, type Rule, type Sign } from '../rule.ts'

/** fs/ext4/super.c, __ext4_error(), ext4_handle_error(); fs/xfs/xfs_fsops.c, xfs_do_force_shutdown(); fs/btrfs/messages.c; each from the line's beginning. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/^EXT4-fs \(([\w!-]{1,32})\): Remounting filesystem read-only/, 'became read-only'],
  [/^EXT4-fs error \(device ([\w!-]{1,32})\)/, 'is damaged'],
  [/^Aborting journal on device ([\w!]{1,32}(?:-\d+)?)\./, 'has given up its journal'],
  [/^XFS \(([\w!-]{1,32})\): (?:Corruption of in-memory data|Metadata corruption detected)/, 'is damaged'],
  [
    /^XFS \(([\w!-]{1,32})\): (?:Filesystem has been shut down|User initiated shutdown|Log I\/O [Ee]rror|log I\/O error)/,
    'has shut itself down',
  ],
  [/^XFS \(([\w!-]{1,32})\): metadata I\/O error/, 'cannot read or write its own data'],
  [/^BTRFS (?:error|critical|info) \(device ([\w!-]{1,32})[^)]{0,40}\).{0,40}: forced readonly/, 'became read-only'],
  [/^BTRFS critical \(device ([\w!-]{1,32})/, 'is damaged'],
]

export const fileSystem: Rule = {
  name: 'file-system',
  kind: 'failed',
  reason:
    'A file system that has found itself damaged, or has stopped to write because of it: programs fail with EIO, EUCLEAN or EROFS, each in its own way, and none says why.',
  look: ({ kernel }) => {
    const signs = new Map<string, Sign>()
    for (const { text, at } of kernel)
      for (const [form, what] of FORMS) {
        const device = form.exec(text)?.[1]
        if (device === undefined || signs.has(device)) continue
        signs.set(device, {
          certainty: 'certain',
          at,
          sentence: `The file system on ${device} ${what}.`,
          evidence: PLACES.kernel,
        })
      }
    return [...signs.values()]
  },
}
