import t from 'tap'
import type { Mapping } from '../../../agent/collector/host/mappings.ts'
import { readMappings } from '../../../agent/collector/host/mappings.ts'
import { isDumped, parseFilter } from '../../../agent/collector/live-core/dumped.ts'
import type { Segment } from '../../../agent/collector/live-core/elf-core.ts'
import { Memory } from '../../../agent/collector/live-core/memory.ts'
import { populatedRuns } from '../../../agent/collector/live-core/populated.ts'
import { samplePlaces } from '../../../agent/collector/live-core/sample.ts'
import { coreSegments } from '../../../agent/collector/live-core/survey.ts'
import { compile, never, start, system, traced, without } from './patients.ts'
import { scratch } from './scratch.ts'

const PAGE = 4096
const mapping = (start: number, end: number, more: Partial<Mapping> = {}): Mapping => {
  return {
    start,
    end,
    permissions: 'rw-p',
    offset: 0,
    device: '00:00',
    inode: 0,
    path: '',
    populated: PAGE,
    own: PAGE,
    flags: [],
    ...more,
  }
}

t.test('what the kernel would dump', async (t) => {
  const file = { inode: 7, path: '/lib/x.so', own: 0 }
  const cases: [string, Partial<Mapping>, number[]][] = [
    ['anonymous', {}, [0x33, 0x01]],
    ['not its own pages of a file', file, [0x37, 0x04]],
    ['its own pages of a file', { ...file, own: PAGE }, [0x33, 0x04]],
    ['left out', { flags: ['rd', 'dd'] }, []],
    ['a device', { ...file, flags: ['io', 'pf'], own: 0 }, []],
    ['shared memory', { inode: 1, path: '/dev/zero (deleted)', permissions: 'rw-s', own: 0 }, [0x33, 0x02]],
    ['a shared file', { ...file, permissions: 'rw-s' }, [0x08, 0x3f]],
    ['huge pages', { flags: ['ht'], inode: 3 }, [0x33, 0x20]],
    ['shared huge pages', { flags: ['ht'], inode: 3, permissions: 'rw-s' }, [0x40]],
  ]
  for (const [name, more, filters] of cases) {
    const dumping = [0x01, 0x02, 0x04, 0x08, 0x20, 0x33, 0x37, 0x3f, 0x40].filter((filter) =>
      isDumped(mapping(0, PAGE, more), filter),
    )
    t.ok(
      filters.every((filter) => dumping.includes(filter)),
      `${name}: ${dumping}`,
    )
    t.equal(filters.length === 0, dumping.length === 0, name)
  }
  t.equal(isDumped(mapping(0, PAGE, file), 0x33), false)
  t.equal(isDumped(mapping(0, PAGE, { inode: 1, path: '/dev/zero (deleted)', permissions: 'rw-s' }), 0x31), false)
  t.equal(isDumped(mapping(0, PAGE, { flags: ['ht'] }), 0x13), false)
  t.same([parseFilter('00000033\n'), parseFilter('0000007f\n'), parseFilter('')], [0x33, 0x7f, 0x33])
})

t.test('segments cover every mapping, and each starts with what is stored of it', async (t) => {
  const at = (page: number) => page * PAGE
  const held = (from: number, to: number): Segment => {
    return { start: at(from), end: at(to), stored: at(to - from), permissions: 'rw-p', rank: 0 }
  }
  const mappings = [mapping(at(10), at(20)), mapping(at(20), at(30)), mapping(at(40), at(50)), mapping(at(60), at(61))]
  const runs = [
    { start: at(12), end: at(14) },
    { start: at(20), end: at(22) },
    { start: at(40), end: at(50) },
  ]
  const segments = coreSegments({ mappings, runs }, [held(2, 3), held(21, 23), held(44, 45), held(70, 71)])
  const pages = segments.map(({ start, end, stored, rank }) => [start / PAGE, end / PAGE, stored / PAGE, rank])
  t.same(pages, [
    [2, 3, 1, 0],
    [10, 12, 0, 2],
    [12, 20, 2, 2],
    [20, 21, 1, 2],
    [21, 30, 2, 0],
    [40, 44, 4, 2],
    [44, 45, 1, 0],
    [45, 50, 5, 2],
    [60, 61, 0, 2],
    [70, 71, 1, 0],
  ])
})

t.test('a sample is spread over what may be written to', async (t) => {
  const mappings = [
    mapping(0, 1000 * PAGE),
    mapping(1000 * PAGE, 9000 * PAGE, { permissions: 'r--p' }),
    mapping(9000 * PAGE, 9300 * PAGE),
  ]
  const runs = mappings.map(({ start, end }) => ({ start, end }))
  const places = samplePlaces({ mappings, runs }, PAGE)
  t.equal(places.length, 128)
  t.equal(new Set(places.map(({ start }) => start)).size, 128)
  t.ok(places.every(({ start, end }) => start % PAGE === 0 && end - start === PAGE))
  t.equal(places.filter(({ start }) => start < 1000 * PAGE).length, 98, '1000 of 1300 pages')
  t.equal(places.filter(({ start }) => start >= 9000 * PAGE).length, 30)
  t.same(samplePlaces({ mappings: [], runs: [] }, PAGE), [])
})

t.test('populated runs', { skip: traced.skip || without('gcc') }, async (t) => {
  if (system.kind === 'missing') throw new Error(system.reason)
  const directory = scratch(t)
  const { target, said } = await start(t, directory, [compile(directory, 'data')])
  const place = (name: string) => {
    const [, address, length] = said.find((line) => line.startsWith(name))?.split(' ') ?? []
    return { start: Number(address), end: Number(address) + Number(length) }
  }
  const ranges = [place('sparse'), place('filled'), place('untouched')].sort((a, b) => a.start - b.start)
  // A kernel before 6.7, and this one, if it is none.
  for (const calls of [system, { ...system, scanPages: () => undefined }]) {
    await using memory = await Memory.open(`/proc/${target.pid}`, PAGE, [], calls, never)
    const runs = await populatedRuns(ranges, memory, never)
    const inside = ({ start, end }: { start: number; end: number }) =>
      runs.filter((run) => run.start >= start && run.end <= end)
    t.same(inside(place('filled')), [place('filled')])
    const { start, end } = place('sparse')
    const expected = Array.from(
      { length: Math.ceil((end - start) / PAGE / 40) },
      (_, index) => start + index * 40 * PAGE,
    )
    t.same(
      inside(place('sparse')).map((run) => [run.start, run.end - run.start]),
      expected.map((from) => [from, PAGE]),
    )
    const middle = (place('untouched').start + place('untouched').end) / 2
    t.same(inside(place('untouched')), [{ start: middle, end: middle + PAGE }])
    const few = await populatedRuns(ranges, memory, never, 5)
    t.ok(few.length <= 5 && few.length >= 3, `${few.length} of at most 5 runs`)
    t.ok(
      runs.every((run) => few.some((larger) => larger.start <= run.start && run.end <= larger.end)),
      'nothing is lost',
    )
  }
})

t.test('mappings', async (t) => {
  const lines = [
    '00400000-00402000 r-xp 00001000 fe:01 17                         /usr/bin/a b\\012c (deleted)',
    'Rss:                   8 kB',
    'Anonymous:             4 kB',
    'Swap:                  4 kB',
    'Private_Hugetlb:       0 kB',
    'VmFlags: rd ex mr dd ',
    '7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]',
    'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]',
  ]
  const read = await readMappings(`${t.testdir({ smaps: `${lines.join('\n')}\n` })}/smaps`, never)
  const path = '/usr/bin/a b\nc (deleted)'
  const numbers = {
    start: 0x400000,
    end: 0x402000,
    offset: 4096,
    device: 'fe:01',
    inode: 17,
    populated: 12288,
    own: 8192,
  }
  t.same(read[0], { ...numbers, permissions: 'r-xp', path, flags: ['rd', 'ex', 'mr', 'dd'] })
  t.same(read.length, 2)
  t.same(read[1]?.path, '[stack]')
})
