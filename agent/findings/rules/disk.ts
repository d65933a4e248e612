import { PLACES, type Rule, type Sign } from '../rule.ts'

/** block/blk-mq.c, blk_print_req_error(); fs/buffer.c, buffer_io_error(); drivers/nvme/host/pci.c, nvme_timeout(). */
const FORMS: readonly RegExp[] = [
  /^(?:blk_update_request: )?(?:I\/O|critical target|critical medium|critical nexus|timeout|recoverable transport|protection) error, dev ([\w!-]{1,32}), sector \d+ op 0x[0-9a-f]+:\((?!DISCARD|WRITE_ZEROES|SECURE_ERASE)/,
  /^Buffer I\/O error on (?:dev|device) ([\w!-]{1,32}), logical block \d+/,
  /^nvme (nvme\d+): I\/O .{0,60}timeout, (?:aborting|reset controller|completion polled|disable controller)/,
]
/** Drives without a medium. */
const EMPTY = /^(?:fd|sr)\d/

export const disk: Rule = {
  name: 'disk',
  kind: 'failed',
  reason:
    'A disk that refuses reads or writes, or does not answer them. What it was merely asked to forget (discard) is left aside, as virtual disks often do not know how; so are drives for floppies and CDs.',
  look: ({ kernel }) => {
    const signs = new Map<string, Sign>()
    for (const { text, at } of kernel) {
      const device = FORMS.map((form) => form.exec(text)?.[1]).find((found) => found !== undefined)
      if (device === undefined || EMPTY.test(device)) continue
      const count = (signs.get(device)?.count ?? 0) + 1
      const sentence = `The disk ${device} has failed reads or writes, ${count} on record.`
      signs.set(device, { certainty: 'certain', at, count, sentence, evidence: PLACES.kernel })
    }
    return [...signs.values()]
  },
}
