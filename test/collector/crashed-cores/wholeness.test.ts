import t from 'tap'
import { type Seen, wholeness } from '../../../agent/collector/crashed-cores/wholeness.ts'
import { numbersOf } from '../../../agent/collector/elf/numbers.ts'
import { syntheticCore } from '../elf/synthetic-core.ts'

const MIB = 1024 ** 2
const numbers = numbersOf(syntheticCore({ bits: 64, loads: 1 }))
if (numbers === undefined) throw new Error('it is an ELF file')
const layout = { numbers, end: 8 * MIB, isAll: true, notes: undefined, memory: undefined }
const seen = (more: Partial<Seen>): Seen => ({
  ...{ size: MIB, isChanged: false, layout, flaw: undefined, holds: undefined, unpacked: undefined },
  ...more,
})
const untold = { exactly: undefined, most: Infinity }

t.test('complete is said only of what was found to be', async (t) => {
  const slow = { kind: 'slow' } as const
  const zst = { suffix: '.zst' }
  t.strictSame(wholeness({ suffix: '' }, seen({ size: 8 * MIB })), {})
  t.strictSame(wholeness(zst, seen({ unpacked: { kind: 'counted', bytes: 8 * MIB } })), {})
  t.strictSame(wholeness(zst, seen({ holds: { exactly: 8 * MIB, most: 9 * MIB } })), {})
  t.strictSame(wholeness(zst, seen({ unpacked: slow, holds: { exactly: undefined, most: 8 * MIB } })), {
    unchecked: 'slow',
  })
  t.strictSame(wholeness(zst, seen({ unpacked: { kind: 'unknown' }, holds: untold })), { unchecked: 'format' })
  t.strictSame(wholeness({ suffix: '.lz4' }, seen({ layout: undefined, holds: untold })), { unchecked: 'format' })
  t.strictSame(wholeness({ suffix: '' }, seen({ layout: undefined })), { unchecked: 'headers' })
  t.strictSame(wholeness({ suffix: '' }, seen({ size: 8 * MIB, layout: { ...layout, isAll: false } })), {
    unchecked: 'headers',
  })
})

t.test('what cannot be all of it is cut, also where nobody counted', async (t) => {
  const slow = { kind: 'slow' } as const
  const blocks = wholeness({ suffix: '.zst' }, seen({ unpacked: slow, holds: { exactly: undefined, most: 7 * MIB } }))
  t.match(blocks.truncated, 'the host stored only 7MiB of its 8MiB')
  const limited = wholeness({ suffix: '.zst', rlimit: MIB }, seen({ unpacked: slow, holds: untold }))
  t.match(limited.truncated, 'the host cut it: 8MiB were more than the core limit of 1MiB')
  const allowed = { suffix: '.zst', rlimit: MIB }
  t.strictSame(wholeness(allowed, seen({ unpacked: { kind: 'counted', bytes: 8 * MIB } })), {}, 'it is all there')
  t.match(wholeness({ suffix: '', cut: 'known' }, seen({ size: 8 * MIB })).truncated, 'known')
})
